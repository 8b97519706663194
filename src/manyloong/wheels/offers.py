"""Which port has what a build missed: a header, program, library, package of pkg-config or CMake. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

from manyloong.roots import Port

Kind = Literal["file", "library", "package"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A file is a header or a program; a library the word after ``-l``; a package pkg-config's or CMake's."""

    kind: Kind
    name: str


def offering(missing: Missing, ports: Mapping[str, Port]) -> tuple[str, ...]:
    """The names of the ports that have it, sorted."""
    return tuple(sorted(name for name, port in ports.items() if _offers(port, missing)))


def _offers(port: Port, missing: Missing) -> bool:
    if missing.kind == "file":
        return any(fnmatchcase(missing.name, pattern) for pattern in port.known_by)
    if missing.kind == "library":
        return any(soname.startswith(f"lib{missing.name}.so") for soname in port.sonames)
    known = {port.name, port.name.removeprefix("lib"), *port.pkg_config}
    return missing.name.lower() in {name.lower() for name in known}
