"""The sources of libraries that a wheel carries, for those whom their licences give a right to them.

A folder for each library: its archives as they were fetched, the patches that were applied, and the port's
description, which is how it was built. What is copyleft is decided by the licence's SPDX expression.
"""

import json
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from manyloong.errors import IntegrityError, NotFoundError
from manyloong.roots import Port
from manyloong.roots.libstdcxx import gcc_source
from manyloong.roots.sources import PinnedSource, ensure_sources
from manyloong.store import write_whole
from manyloong.store.objects import file_sha256
from manyloong.wheels.affected import bills
from manyloong.wheels.doors import Doors
from manyloong.wheels.runtime import CXX

INDEX = "SOURCES.json"
_COPYLEFT = re.compile(r"\b(?:[AL]?GPL|MPL|EPL|EUPL|CDDL|CPL|CECILL|OSL|QPL|Sleepycat)-?", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """A library that a wheel says it carries."""

    name: str
    version: str
    licence: str
    sha256: str  # of its source archive

    @property
    def copyleft(self) -> bool:
        """Whether its licence asks for the sources."""
        return is_copyleft(self.licence)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundled:
    """The sources of one library, and texts of ours that say how it was built of them, by path."""

    name: str
    version: str
    licence: str
    archives: tuple[PinnedSource, ...]  # the library's own first
    texts: Mapping[str, str]

    @property
    def label(self) -> str:
        """Name and version, for people."""
        return f"{self.name} {self.version}"


def bundled_port(port: Port) -> Bundled:
    """A port's archives, patches and description."""
    patches = {f"patches/{patch.name}": patch.text for patch in port.patches}
    libcs = [one.libc for one in port.variants]
    variants = {f"port-{libc}.json": _text(port.on(libc).document()) for libc in libcs}
    return Bundled(
        name=port.name,
        version=port.version,
        licence=port.licence,
        archives=(port.source, *port.extra),
        texts=patches | {"port.json": _text(port.document())} | variants,
    )


def bundled_cxx() -> Bundled:
    """GCC's archive, and the program that builds its C++ library."""
    source = gcc_source()
    program = files("manyloong.roots").joinpath("payload/libstdcxx.py").read_text("utf-8")
    return Bundled(
        name=CXX,
        version=source.version,
        licence=source.licence,
        archives=(source,),
        texts={"libstdcxx.py": program},
    )


def known_sources(ports: Mapping[str, Port]) -> dict[str, Bundled]:
    """Everything that wheels may carry and whose sources are archives, by name."""
    return {name: bundled_port(port) for name, port in ports.items()} | {CXX: bundled_cxx()}


def is_copyleft(expression: str) -> bool:
    """Whether each alternative of an SPDX expression has a copyleft licence in it.

    Alternatives inside parentheses are not taken apart: what may be asked for is given.
    """
    if "(" in expression:
        return bool(_COPYLEFT.search(expression))
    return all(_COPYLEFT.search(one) for one in re.split(r"\s+OR\s+", expression, flags=re.IGNORECASE))


def carried_components(wheel: Path) -> tuple[Component, ...]:
    """What the bill of materials of a wheel names, sorted; IntegrityError for one that cannot be read."""
    found = {one for data, where in bills(wheel) for one in _components(data, where)}
    return tuple(sorted(found, key=lambda one: (one.name, one.version)))


def _components(data: bytes, where: str) -> Iterator[Component]:
    try:
        for row in json.loads(data).get("components", []):
            hashes = {one["alg"]: one["content"] for one in row.get("hashes", [])}
            licences = [one.get("expression", "") for one in row.get("licenses", [])]
            if "SHA-256" in hashes:
                yield Component(
                    name=str(row["name"]),
                    version=str(row["version"]),
                    licence=str(licences[0] if licences else ""),
                    sha256=str(hashes["SHA-256"]),
                )
    except (ValueError, AttributeError, TypeError, KeyError) as error:
        raise IntegrityError(f"{where} is no CycloneDX document: {error}") from error


def plan_bundle(
    components: Sequence[Component], known: Mapping[str, Bundled], *, everything: bool
) -> tuple[Bundled, ...]:
    """The libraries whose sources belong into the bundle; NotFoundError for sources that nothing here has."""
    found = {}
    for one in (one for one in components if everything or one.copyleft):
        bundled = known.get(one.name)
        if bundled is None or bundled.archives[0].sha256 != one.sha256:
            has = f"the port here is {bundled.label}" if bundled else "there is no such port here"
            raise NotFoundError(
                f"the sources of {one.name} {one.version} (SHA-256 {one.sha256}): {has}",
                hint="use the release that built the wheel, or name its ports: --ports FOLDER",
            )
        found[one.name] = bundled
    return tuple(found.values())


def write_bundle(libraries: Sequence[Bundled], folder: Path, doors: Doors) -> tuple[Path, ...]:
    """Fetch and copy it all, and an index with every hash; the files, sorted. FetchError, IntegrityError."""
    written: list[Path] = []
    for library in libraries:
        place = folder / f"{library.name}-{library.version}"
        found = ensure_sources(
            library.archives, fetcher=doors.fetcher, mirrors=doors.mirrors, listener=doors.listener
        )
        place.mkdir(parents=True, exist_ok=True)
        for source in library.archives:
            target = place / _archive_name(source.path or source.urls[0], source.name)
            shutil.copyfile(found[source.name], target)
            written.append(target)
        for name, text in library.texts.items():
            write_whole(place / name, text.encode())
            written.append(place / name)
    rows = [{"path": str(path.relative_to(folder)), "sha256": file_sha256(path)} for path in sorted(written)]
    write_whole(folder / INDEX, _text(rows).encode())
    return tuple(sorted(written))


def _archive_name(address: str, name: str) -> str:
    return address.rpartition("/")[2] or name


def _text(document: Any) -> str:
    return json.dumps(document, indent=1, sort_keys=True) + "\n"
