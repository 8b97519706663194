"""What an image says of itself, in ``/usr/share/manyloong``: its locks, and a bill of materials."""

import json
from importlib.resources import files
from typing import Any
from urllib.parse import quote

from manyloong.roots.images.layer import Members, text_file
from manyloong.roots.images.parts import ImageParts, locked_wheels
from manyloong.roots.lock import committed_lock, has_lock
from manyloong.roots.model import Root
from manyloong.roots.sources import PinnedSource
from manyloong.roots.zig import locked_zig

FOLDER = "usr/share/manyloong"


def bill_members(parts: ImageParts) -> Members:
    """The files."""
    found = {f"{FOLDER}/sbom.cdx.json": text_file(json.dumps(_bill(parts), indent=1, sort_keys=True) + "\n")}
    for root in roots_of(parts):
        if has_lock(root.name):
            text = files("manyloong.locks").joinpath(f"{root.name}.toml").read_text("utf-8")
            found[f"{FOLDER}/locks/{root.name}.toml"] = text_file(text)
    tables = [("manyloong.locks", "toolchain.toml"), ("manyloong.roots.images", "images.toml")]
    if parts.built:
        tables.append(("manyloong.roots", "cpython.toml"))
    if parts.target.from_source:
        tables.append(("manyloong.roots", f"{parts.target.libc}.toml"))
    for package, name in tables:
        found[f"{FOLDER}/locks/{name}"] = text_file(files(package).joinpath(name).read_text("utf-8"))
    return found


def roots_of(parts: ImageParts) -> tuple[Root, ...]:
    """The roots, each once."""
    return (parts.base,) if parts.base == parts.native else (parts.base, parts.native)


def _bill(parts: ImageParts) -> dict[str, Any]:
    zig = locked_zig(parts.host)
    components = [component for root in roots_of(parts) for component in _packages(root)]
    components += [
        {
            "type": "library",
            "name": wheel.project,
            "version": wheel.version,
            "licenses": [{"expression": wheel.licence}],
            "hashes": [{"alg": "SHA-256", "content": wheel.sha256}],
            "purl": f"pkg:pypi/{wheel.project}@{wheel.version}",
        }
        for wheel in locked_wheels()
    ]
    components += [_source(source) for source in parts.sources]
    components.append(
        {
            "type": "application",
            "name": zig.project,
            "version": zig.version,
            "licenses": [{"expression": zig.licence}],
            "hashes": [{"alg": "SHA-256", "content": zig.sha256}],
            "purl": f"pkg:pypi/{zig.project}@{zig.version}",
        }
    )
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "container", "name": parts.target.tag}},
        "components": sorted(components, key=lambda row: str(row["purl"])),
    }


def _source(source: PinnedSource) -> dict[str, Any]:
    return {
        "type": "library",
        "name": source.name,
        "version": source.version,
        "licenses": [{"expression": source.licence}],
        "hashes": [{"alg": "SHA-256", "content": source.sha256}],
        "purl": f"pkg:generic/{source.name}@{quote(source.version, safe='')}",
    }


def _packages(root: Root) -> list[dict[str, Any]]:
    if not has_lock(root.name):
        return []
    lock = committed_lock(root.name)
    suffix = f"?arch={lock.architecture}"
    return [
        {
            "type": "library",
            "name": package.name,
            "version": package.version,
            "licenses": [{"license": {"name": name}} for name in package.licence.split(", ") if name],
            "hashes": [{"alg": "SHA-256", "content": package.sha256}],
            "purl": f"pkg:deb/debian/{package.name}@{quote(package.version, safe='')}{suffix}",
        }
        for package in lock.packages
    ]
