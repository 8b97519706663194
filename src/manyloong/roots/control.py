"""Debian control data: stanzas of a Packages index, relations between packages, versions."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache

from debian.debian_support import NativeVersion

_RELATION = re.compile(
    r"(?P<name>[a-z0-9][a-z0-9+.-]+)(?::(?P<qualifier>[a-z0-9-]+))?"
    r"(?:\s*\(\s*(?P<operator><<|<=|=|>=|>>)\s*(?P<version>[A-Za-z0-9.+:~-]+)\s*\))?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """A package name, and what its version must be; Debian Policy 7.1."""

    name: str
    operator: str = ""  # empty: any version
    version: str = ""

    def admits(self, version: str) -> bool:
        """Whether a package of this name in that version meets it."""
        if not self.operator:
            return True
        difference = compare_versions(version, self.version)
        return {
            "<<": difference < 0,
            "<=": difference <= 0,
            "=": difference == 0,
            ">=": difference >= 0,
            ">>": difference > 0,
        }[self.operator]


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """What an index says of one package in one version."""

    name: str
    version: str
    path: str
    sha256: str
    size: int
    needs: tuple[tuple[Relation, ...], ...]  # all of these; of each, one alternative
    provides: tuple[Relation, ...] = field(default=())


@cache
def _version(text: str) -> NativeVersion:
    return NativeVersion(text)


def compare_versions(left: str, right: str) -> int:
    """Negative, zero or positive as ``left`` is older than, the same as or newer than ``right``."""
    one, two = _version(left), _version(right)
    return (one > two) - (one < two)


def parse_relations(text: str) -> tuple[tuple[Relation, ...], ...]:
    """A Depends-like field: comma separated groups of alternatives. ValueError for anything else."""
    return tuple(
        tuple(_relation(word) for word in group.split("|")) for group in text.split(",") if group.strip()
    )


def format_relations(groups: Iterable[Iterable[Relation]]) -> str:
    """The inverse of ``parse_relations``."""
    return ", ".join(" | ".join(_words(relation) for relation in group) for group in groups)


def _words(relation: Relation) -> str:
    return f"{relation.name} ({relation.operator} {relation.version})" if relation.operator else relation.name


def _relation(word: str) -> Relation:
    match = _RELATION.fullmatch(word.strip())
    if not match:
        raise ValueError(f"not a package relation: {word.strip()!r}")
    return Relation(name=match["name"], operator=match["operator"] or "", version=match["version"] or "")


def parse_stanza(text: str) -> Package:
    """One stanza of a Packages index. ValueError or KeyError where it is damaged."""
    fields = dict(_fields(text))
    provides = parse_relations(fields.get("Provides", ""))
    needs = ", ".join(fields[name] for name in ("Pre-Depends", "Depends") if name in fields)
    return Package(
        name=fields["Package"],
        version=fields["Version"],
        path=fields["Filename"],
        sha256=fields["SHA256"],
        size=int(fields["Size"]),
        needs=parse_relations(needs),
        provides=tuple(relation for group in provides for relation in group),
    )


def _fields(text: str) -> Iterator[tuple[str, str]]:
    """Fields of a stanza that stand on one line, which are all that are read here."""
    for line in text.splitlines():
        if line and not line[0].isspace():
            name, colon, value = line.partition(":")
            if not colon:
                raise ValueError(f"not a control field: {line!r}")
            yield name, value.strip()


class PackageIndex:
    """A Packages file; stanzas are read when asked for, since of 70,000 a root needs 200."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._where: dict[str, list[tuple[int, int]]] = {}
        starts = [match.start() for match in re.finditer(rb"^Package: ", data, re.MULTILINE)]
        for start, end in zip(starts, [*starts[1:], len(data)], strict=True):
            name = data[start + 9 : data.index(b"\n", start)].strip().decode("ascii")
            self._where.setdefault(name, []).append((start, end))
        self._providers: dict[str, list[str]] | None = None

    def __contains__(self, name: str) -> bool:
        return name in self._where

    def __getitem__(self, name: str) -> Package:
        """The package in its newest version; KeyError if there is none."""
        stanzas = [parse_stanza(self._data[a:b].decode("utf-8")) for a, b in self._where[name]]
        best = stanzas[0]
        for other in stanzas[1:]:
            if compare_versions(other.version, best.version) > 0:
                best = other
        return best

    def providers(self, name: str) -> tuple[str, ...]:
        """Names of packages that provide a virtual package, sorted."""
        if self._providers is None:
            self._providers = self._read_providers()
        return tuple(sorted(set(self._providers.get(name, ()))))

    def _read_providers(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        pattern = re.compile(rb"^Package: (\S+)$|^Provides: (.+)$", re.MULTILINE)
        package = ""
        for match in pattern.finditer(self._data):
            if match[1]:
                package = match[1].decode("ascii")
                continue
            for group in parse_relations(match[2].decode("ascii")):
                for relation in group:
                    found.setdefault(relation.name, []).append(package)
        return found
