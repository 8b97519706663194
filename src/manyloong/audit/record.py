"""RECORD against what the archive holds.

Binary distribution format specification, "The .dist-info directory".
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass

from manyloong.audit.facts import Problem

STRONG = frozenset({"sha256", "sha384", "sha512"})
_UNHASHED = re.compile(r"[^/]+\.dist-info/RECORD(?:\.jws|\.p7s)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of RECORD; the digest as unpadded URL-safe base64, "" where there is none."""

    path: str
    algorithm: str
    digest: str
    size: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What one member really is."""

    path: str
    digest: str  # in the algorithm RECORD names for it
    size: int


def parse_record(text: str) -> tuple[dict[str, Entry], list[Problem]]:
    """The entries by path, and lines that are not entries or say a path twice."""
    entries: dict[str, Entry] = {}
    problems: list[Problem] = []
    try:
        rows = list(csv.reader(text.splitlines()))
    except csv.Error as error:
        return {}, [Problem(rule="ML081", path="RECORD", detail=f"not CSV: {error}")]
    for row in rows:
        if len(row) != 3:
            problems.append(Problem(rule="ML081", path="RECORD", detail=f"a line of {len(row)} fields"))
        elif row[0] in entries:
            problems.append(Problem(rule="ML081", path=row[0], detail="listed twice"))
        else:
            algorithm, _, digest = row[1].partition("=")
            entries[row[0]] = Entry(path=row[0], algorithm=algorithm, digest=digest.rstrip("="), size=row[2])
    return entries, problems


def compare_record(entries: dict[str, Entry], found: dict[str, Found]) -> Iterator[Problem]:
    """Every difference between RECORD and the members."""
    for path, one in found.items():
        entry = entries.get(path)
        if entry is not None and entry.algorithm:
            yield from _compare(entry, one)
        elif not _UNHASHED.fullmatch(path):
            detail = "not listed in RECORD" if entry is None else "listed without a hash"
            yield Problem(rule="ML081", path=path, detail=detail)
    for path in entries:
        if path not in found:
            yield Problem(rule="ML081", path=path, detail="listed in RECORD, not in the wheel")


def _compare(entry: Entry, one: Found) -> Iterator[Problem]:
    if entry.algorithm not in STRONG:
        detail = f"hashed with {entry.algorithm}, weaker than SHA-256"
        yield Problem(rule="ML081", path=one.path, detail=detail)
    elif entry.digest != one.digest:
        detail = f"{entry.algorithm} is {one.digest}, RECORD says {entry.digest}"
        yield Problem(rule="ML080", path=one.path, detail=detail)
    elif entry.size and entry.size != str(one.size):
        yield Problem(rule="ML080", path=one.path, detail=f"{one.size} bytes, RECORD says {entry.size}")
