"""What a wheel says of the libraries it carries: a CycloneDX document (PEP 770) and their licence texts."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from manyloong.roots.ports import DESCRIPTION, LICENCES

FILE = "sboms/manyloong.cdx.json"  # below .dist-info
LICENCE_FOLDER = "ports"  # below .dist-info/licenses
_FIRST_WITH_LICENCE_FILES = (2, 4)  # Metadata-Version; PEP 639


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """A port, or a part of the toolchain, of which a wheel carries libraries."""

    name: str
    version: str
    licence: str
    purl: str
    cpe: str  # VENDOR:PRODUCT, or ""
    source_sha256: str  # "" where its source is no archive of its own
    texts: tuple[Path, ...]  # of its licence

    @property
    def label(self) -> str:
        """Name and version, for people."""
        return f"{self.name} {self.version}"


def carried_ports(prefix: Path, sonames: Collection[str]) -> tuple[Carried, ...]:
    """The ports of a prefix whose libraries are among those, by name."""
    found = []
    for path in sorted((prefix / DESCRIPTION).glob("*.json")):
        document = json.loads(path.read_text("utf-8"))
        if set(document["sonames"]) & set(sonames):
            found.append(
                Carried(
                    name=document["name"],
                    version=document["version"],
                    licence=document["licence"],
                    purl=document["purl"],
                    cpe=document["cpe"],
                    source_sha256=document["sha256"],
                    texts=tuple(sorted((prefix / LICENCES / document["name"]).iterdir())),
                )
            )
    return tuple(found)


def sbom_document(project: str, version: str, ports: Sequence[Carried]) -> dict[str, Any]:
    """The bill of materials of a wheel, without times and random numbers: CycloneDX 1.6 as JSON."""
    purl = f"pkg:pypi/{quote(project.replace('_', '-').lower(), safe='')}@{quote(version, safe='')}"
    wheel = {"type": "library", "bom-ref": purl, "name": project, "version": version, "purl": purl}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": wheel},
        "components": [_component(port) for port in ports],
        "dependencies": [
            {"ref": purl, "dependsOn": [port.purl for port in ports]},
            *({"ref": port.purl} for port in ports),
        ],
    }


def _component(port: Carried) -> dict[str, Any]:
    component: dict[str, Any] = {
        "type": "library",
        "bom-ref": port.purl,
        "name": port.name,
        "version": port.version,
        "purl": port.purl,
        "licenses": [{"expression": port.licence}],
    }
    if port.source_sha256:
        component["hashes"] = [{"alg": "SHA-256", "content": port.source_sha256}]
    if port.cpe:
        component["cpe"] = f"cpe:2.3:a:{port.cpe}:{port.version}:*:*:*:*:*:*:*"
    return component


def metadata_with_licences(text: str, files: Sequence[str]) -> str:
    """``METADATA`` that names licence files besides its own; older metadata has no such field and stays."""
    head, blank, body = text.partition("\n\n")
    version = next((line for line in head.splitlines() if line.startswith("Metadata-Version:")), "")
    numbers = tuple(int(part) for part in version.partition(":")[2].strip().split(".") if part.isdigit())
    if numbers < _FIRST_WITH_LICENCE_FILES:
        return text
    lines = [line for name in files if (line := f"License-File: {name}") not in head.splitlines()]
    return "\n".join([head, *lines]) + blank + body


def add_carried(info: Path, *, project: str, version: str, ports: Sequence[Carried]) -> None:
    """Write it all into an unpacked wheel's ``.dist-info``."""
    names = []
    for port in ports:
        for licence in port.texts:
            name = f"{LICENCE_FOLDER}/{port.name}/{licence.name}"
            copy = info / "licenses" / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(licence.read_bytes())
            names.append(name)
    metadata = info / "METADATA"
    if metadata.is_file():
        text = metadata_with_licences(metadata.read_bytes().decode("utf-8", "surrogateescape"), names)
        metadata.write_bytes(text.encode("utf-8", "surrogateescape"))
    path = info / FILE
    path.parent.mkdir(exist_ok=True)
    document = sbom_document(project, version, ports)
    path.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n", "utf-8")
