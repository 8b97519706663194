"""Names inside and around a wheel: the file name, extension modules, the distribution.

Binary distribution format specification, "File name convention"; PEP 3149 for extension modules.
"""

import re
from dataclasses import dataclass

_WHEEL = re.compile(
    r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._]*[A-Za-z0-9])?)-(?P<version>[A-Za-z0-9_.!+]+)"
    r"(?:-(?P<build>\d[A-Za-z0-9_.]*))?-(?P<python>[A-Za-z0-9_.]+)-(?P<abi>[A-Za-z0-9_.]+)"
    r"-(?P<platform>[A-Za-z0-9_.]+)\.whl"
)
SHARED = re.compile(r"\.so(?:\.[0-9.]+)?$")
_EXTENSION = re.compile(
    r"\.(?:(?P<abi>abi3t?)|cpython-(?P<version>\d+)(?P<flags>[a-z]*)(?:-(?P<triplet>[A-Za-z0-9_-]+))?"
    r"|(?P<pypy>pypy\d+-pp\d+)(?:-(?P<pypy_triplet>[A-Za-z0-9_-]+))?)\.so$"
)

Tag = tuple[str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelName:
    """A wheel's file name, its compressed tags expanded."""

    distribution: str
    version: str
    build: str
    tags: tuple[Tag, ...]  # (python, abi, platform)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtensionName:
    """What an extension module's file name says about the interpreter that imports it."""

    abi: str  # "abi3", "abi3t", "cp313", "cp313t" ...; "" for a bare .so
    triplet: str  # "" where the name has none


def parse_wheel_name(text: str) -> WheelName | None:
    """The parts of a wheel's file name; None where it is not one."""
    match = _WHEEL.fullmatch(text)
    if match is None:
        return None
    tags = tuple(
        (python, abi, platform)
        for python in match["python"].split(".")
        for abi in match["abi"].split(".")
        for platform in match["platform"].split(".")
    )
    if any(not part for tag in tags for part in tag):
        return None
    return WheelName(
        distribution=match["name"], version=match["version"], build=match["build"] or "", tags=tags
    )


def parse_extension_name(path: str) -> ExtensionName | None:
    """What the suffix of an extension module says; None for a file without such a suffix."""
    match = _EXTENSION.search(path)
    if match is None:
        return None
    if match["abi"]:
        return ExtensionName(abi=match["abi"], triplet="")
    if match["pypy"]:
        return ExtensionName(abi=match["pypy"], triplet=match["pypy_triplet"] or "")
    return ExtensionName(abi=f"cp{match['version']}{match['flags']}", triplet=match["triplet"] or "")


def normal_name(text: str) -> str:
    """A distribution's name in its one form. Name normalization specification (PEP 503)."""
    return re.sub(r"[-_.]+", "-", text).lower()
