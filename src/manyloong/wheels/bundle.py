"""The sources of libraries that a wheel carries, for those whom their licences give a right to them.

A folder for each library: its archives as they were fetched, the patches that were applied, and the port's
description, which is how it was built. What is copyleft is decided by the licence's SPDX expression.
"""

import hashlib
import json
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from manyloong.errors import IntegrityError, NotFoundError
from manyloong.roots import Port
from manyloong.roots.sources import ensure_sources
from manyloong.store import write_whole
from manyloong.wheels.affected import bills
from manyloong.wheels.doors import Doors

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
    components: Sequence[Component], ports: Mapping[str, Port], *, everything: bool
) -> tuple[Port, ...]:
    """The ports whose sources belong into the bundle; NotFoundError for sources that no port here has."""
    wanted = [one for one in components if everything or one.copyleft]
    found = []
    for one in wanted:
        port = ports.get(one.name)
        if port is None or port.source.sha256 != one.sha256:
            has = f"the port here is {port.label}" if port else "there is no such port here"
            raise NotFoundError(
                f"the sources of {one.name} {one.version} (SHA-256 {one.sha256}): {has}",
                hint="use the release that built the wheel, or name its ports: --ports FOLDER",
            )
        found.append(port)
    return tuple(dict.fromkeys(found))


def write_bundle(ports: Sequence[Port], folder: Path, doors: Doors) -> tuple[Path, ...]:
    """Fetch and copy it all, and an index with every hash; the files, sorted. FetchError, IntegrityError."""
    files: list[Path] = []
    for port in ports:
        place = folder / f"{port.name}-{port.version}"
        archives = (port.source, *port.extra)
        found = ensure_sources(
            archives, fetcher=doors.fetcher, mirrors=doors.mirrors, listener=doors.listener
        )
        place.mkdir(parents=True, exist_ok=True)
        for source in archives:
            target = place / _archive_name(source.path or source.urls[0], source.name)
            shutil.copyfile(found[source.name], target)
            files.append(target)
        for patch in port.patches:
            files.append(place / "patches" / patch.name)
            write_whole(files[-1], patch.text.encode())
        files.append(place / "port.json")
        write_whole(files[-1], _text(port.document()))
    rows = [
        {"path": str(path.relative_to(folder)), "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
        for path in sorted(files)
    ]
    write_whole(folder / INDEX, _text(rows))
    return tuple(sorted(files))


def _archive_name(address: str, name: str) -> str:
    return address.rpartition("/")[2] or name


def _text(document: Any) -> bytes:
    return (json.dumps(document, indent=1, sort_keys=True) + "\n").encode()
