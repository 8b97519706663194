"""Which wheels carry a library in certain versions: their bills of materials read (PEP 770)."""

import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from manyloong.errors import InputError, IntegrityError, NotFoundError
from manyloong.roots.control import compare_versions

_QUERY = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9+._-]*?)\s*(?P<rest>[<>=!].*)?")
_PART = re.compile(r"(<=|>=|==|!=|<|>)\s*([A-Za-z0-9.+:~_-]+)")
_SBOM = re.compile(r"[^/]+\.dist-info/sboms/.+\.json")
_LIMIT_BYTES = 16 << 20  # of one document


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A library, and what has to hold of its version."""

    name: str
    conditions: tuple[tuple[str, str], ...]  # operator, version

    def admits(self, version: str) -> bool:
        """Whether a version meets all conditions; versions are compared as Debian's are."""
        return all(_holds(compare_versions(version, wanted), sign) for sign, wanted in self.conditions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Affected:
    """A wheel, and the version of the library in it."""

    wheel: str
    name: str
    version: str


def parse_query(text: str) -> Query:
    """``NAME``, ``NAME<VERSION``, ``NAME>=1.0,<1.2``; InputError for anything else."""
    match = _QUERY.fullmatch(text.strip())
    parts = (match["rest"] or "").split(",") if match else []
    found = [_PART.fullmatch(part.strip()) for part in parts if part]
    if match is None or not all(found):
        raise InputError(f"not a library and versions: {text!r}", hint="for example: 'libffi<3.4.2'")
    conditions = tuple((part[1], part[2]) for part in found if part)
    return Query(name=match["name"].lower(), conditions=conditions)


def _holds(difference: int, sign: str) -> bool:
    return {
        "<": difference < 0,
        "<=": difference <= 0,
        "==": difference == 0,
        "!=": difference != 0,
        ">=": difference >= 0,
        ">": difference > 0,
    }[sign]


def find_affected(query: Query, wheelhouse: Path) -> tuple[Affected, ...]:
    """Every wheel of a folder, at any depth, that carries it; NotFoundError for a folder without wheels."""
    wheels = [wheelhouse] if wheelhouse.is_file() else sorted(wheelhouse.rglob("*.whl"))
    if not wheels:
        raise NotFoundError(f"no wheels in {wheelhouse}", hint="name a folder with wheels")
    found = []
    for wheel in wheels:
        for name, version in components(wheel):
            if name.lower() == query.name and query.admits(version):
                found.append(Affected(wheel=wheel.name, name=name, version=version))
    return tuple(found)


def components(wheel: Path) -> Iterator[tuple[str, str]]:
    """Name and version of all that a wheel says it carries; IntegrityError for what cannot be read."""
    for data, where in bills(wheel):
        yield from _listed(data, where)


def bills(wheel: Path) -> Iterator[tuple[bytes, str]]:
    """Each bill of materials in a wheel, and its name for messages; IntegrityError as above."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            for info in archive.infolist():
                if _SBOM.fullmatch(info.filename):
                    if info.file_size > _LIMIT_BYTES:
                        raise IntegrityError(f"{wheel.name}: {info.filename} is too large")
                    yield archive.read(info), f"{wheel.name}: {info.filename}"
    except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError) as error:
        raise IntegrityError(f"{wheel} cannot be read: {error}", hint="get the wheel again") from error


def _listed(data: bytes, where: str) -> Iterator[tuple[str, str]]:
    try:
        document = json.loads(data)
        rows = document.get("components", [])
        pairs = [(str(row["name"]), str(row["version"])) for row in rows if "version" in row]
    except (ValueError, AttributeError, TypeError, KeyError) as error:
        raise IntegrityError(f"{where} is no CycloneDX document: {error}") from error
    yield from pairs
