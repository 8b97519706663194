"""Which port is meant by a name, or has what a build missed: header, program, library, package. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Literal

from manyloong.roots.ports.model import Port

Kind = Literal["file", "library", "package", "either"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A file is a header or a program; a library the word after ``-l``; a package pkg-config's or CMake's.

    Either is a program or a package: a build that gives up in its own words does not say which.
    """

    kind: Kind
    name: str


def offering(missing: Missing, ports: Mapping[str, Port]) -> tuple[str, ...]:
    """The names of the ports that have it, sorted."""
    return tuple(sorted(name for name, port in ports.items() if _offers(port, missing)))


def _offers(port: Port, missing: Missing) -> bool:
    if missing.kind in {"file", "either"} and any(
        fnmatchcase(missing.name, pattern) for pattern in port.known_by
    ):
        return True
    if missing.kind == "file":
        return False
    if missing.kind == "library":
        return any(soname.startswith(f"lib{missing.name}.so") for soname in port.sonames)
    known = {port.name, port.name.removeprefix("lib"), *port.pkg_config}
    return missing.name.lower() in {name.lower() for name in known}


def near_ports(name: str, ports: Mapping[str, Port]) -> tuple[str, ...]:
    """Up to three ports that a name which is none may mean: by what they offer or are, then by spelling."""
    stem = _stem(name)
    offered = [port.name for port in ports.values() if stem in _stems(port)]
    spoken = [
        port.name for port in ports.values() if stem in re.findall(r"[a-z0-9+-]+", port.summary.lower())
    ]
    spelt = get_close_matches(name, ports, 3, cutoff=0.5)
    return tuple(dict.fromkeys((*offered, *spoken, *spelt)))[:3]


def _stems(port: Port) -> set[str]:
    """The words by which people know a port."""
    names = (port.name, port.debian, *port.sonames, *port.pkg_config, *port.known_by)
    return {_stem(name) for name in names} | {re.sub(r"-[\d.]+$", "", _stem(port.debian))}


def _stem(name: str) -> str:
    """``libjpeg.so.62``, ``jpeg.h`` and ``JPEG`` are ``jpeg``."""
    return re.sub(r"(?:\.(?:so|h)\b|/).*", "", name.lower()).removeprefix("lib")
