"""Reads a wheel into facts: every member once, hashed against RECORD, ELF files read on the way.

Binary distribution format specification (PEP 427 and its successors).
"""

import hashlib
import re
from base64 import urlsafe_b64encode
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from mmap import ACCESS_READ, mmap
from pathlib import Path

from manyloong.audit.archive import MEMBER_LIMIT, TOTAL_LIMIT, Archive, Member, open_archive, stream
from manyloong.audit.cursor import Buffer, FormatFault
from manyloong.audit.elf import read_elf
from manyloong.audit.facts import ElfFacts, Problem, WheelFacts
from manyloong.audit.image import MAGIC
from manyloong.audit.metadata import compare_metadata, parse_headers, values
from manyloong.audit.names import SHARED, WheelName, parse_wheel_name
from manyloong.audit.objects import AR_MAGIC, read_objects
from manyloong.audit.record import STRONG, Entry, Found, compare_record, parse_record
from manyloong.audit.threads import Room, at_once

_LARGE = 1 << 18  # bytes; smaller members are not worth a thread
_THREADS = 2
_TEXT_LIMIT = 64 << 20  # bytes of one metadata file
_NESTED = re.compile(r"\.(?:whl|zip|egg|jar|tar|tgz|tbz2|txz|tar\.\w+)$")
_DIST_INFO = re.compile(r"([^/]+\.dist-info)/(?:WHEEL|METADATA|RECORD)")


@dataclass(slots=True, kw_only=True)
class _Gathered:
    """What has been found while the members went by."""

    elves: list[ElfFacts] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    found: dict[str, Found] = field(default_factory=dict)


def read_wheel(path: Path) -> WheelFacts:
    """The facts of a wheel; whatever is wrong with it is in ``problems``, not raised."""
    name = parse_wheel_name(path.name)
    facts = WheelFacts(path=str(path), size_bytes=path.stat().st_size)
    if name is None:
        problem = Problem(rule="ML024", path="", detail=f"{path.name!r} is not a wheel's file name")
        facts = replace(facts, problems=(problem,))
    else:
        facts = replace(facts, distribution=name.distribution, version=name.version, tags=name.tags)
    if not facts.size_bytes:
        return _with(facts, Problem(rule="ML087", path="", detail="the file is empty"))
    with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as data:
        return _read(open_archive(file.fileno(), data), facts, name)


def _with(facts: WheelFacts, *problems: Problem) -> WheelFacts:
    return replace(facts, problems=facts.problems + problems)


def _read(archive: Archive, facts: WheelFacts, name: WheelName | None) -> WheelFacts:
    unpacked = sum(member.size for member in archive.members)
    files = tuple((member.name, member.size) for member in archive.members)
    facts = replace(facts, members=len(files), files=files, unpacked_bytes=unpacked)
    facts = _with(facts, *archive.problems)
    if unpacked > TOTAL_LIMIT or (archive.problems and not archive.members):
        return facts
    folders = {match[1] for one in archive.members if (match := _DIST_INFO.fullmatch(one.name))}
    gathered = _Gathered()
    folder = next(iter(folders)) if len(folders) == 1 else ""
    if not folder:
        detail = f"{len(folders)} dist-info directories"
        gathered.problems.append(Problem(rule="ML088", path="", detail=detail))
    texts = _texts(archive, folder, gathered)
    entries: dict[str, Entry] = {}
    if folder:
        entries, problems = parse_record(texts.get("RECORD", ""))
        gathered.problems += problems
    for one in _take_all(archive, entries):
        gathered.elves += one.elves
        gathered.problems += one.problems
        gathered.found |= one.found
    if folder:
        gathered.problems += compare_record(entries, gathered.found)
    wheel, metadata = (parse_headers(texts.get(text, "")) for text in ("WHEEL", "METADATA"))
    if folder and name is not None:
        gathered.problems += compare_metadata(name, folder=folder, wheel=wheel, metadata=metadata)
    facts = replace(facts, elves=tuple(gathered.elves), wheel_tags=values(wheel, "tag"), metadata=metadata)
    return _with(facts, *dict.fromkeys(gathered.problems))


def _texts(archive: Archive, folder: str, gathered: _Gathered) -> dict[str, str]:
    found: dict[str, str] = {}
    wanted = {f"{folder}/{name}": name for name in ("WHEEL", "METADATA", "RECORD")} if folder else {}
    for member in archive.members:
        if member.name not in wanted:
            continue
        if member.size > _TEXT_LIMIT:
            detail = f"{member.size} bytes of metadata"
            gathered.problems.append(Problem(rule="ML088", path=member.name, detail=detail))
            continue
        try:
            data = b"".join(stream(archive, member))
        except FormatFault:
            continue  # told when the member is read among the others
        found[wanted[member.name]] = data.decode("utf-8", "replace")
    for path, name in wanted.items():
        if name not in found:
            gathered.problems.append(Problem(rule="ML088", path=path, detail="missing or unreadable"))
    return found


def _take_all(archive: Archive, entries: dict[str, Entry]) -> list[_Gathered]:
    """What each member holds, in order. Large ones go to two threads: inflating and hashing release the GIL.

    What is unpacked at one time stays within five quarters of the largest member.
    """
    found: dict[Member, _Gathered] = {}
    large = deque(one for one in archive.members if one.size >= _LARGE)
    room = Room(max((one.size for one in large), default=0) * 5 // 4)

    def work() -> None:
        while large:
            try:
                one = large.popleft()
            except IndexError:  # the other thread was faster
                return
            with room.of(one.size):
                found[one] = _take(archive, one, entries)

    with at_once(work, threads=_THREADS if len(large) > 1 else len(large)):
        for one in archive.members:
            if one.size < _LARGE:
                found[one] = _take(archive, one, entries)
    return [found[one] for one in archive.members]


def _take(archive: Archive, member: Member, entries: dict[str, Entry]) -> _Gathered:
    """Read one member to its end: hash, and facts where it is code."""
    gathered = _Gathered()
    if member.is_folder or member.size > MEMBER_LIMIT:
        return gathered
    entry = entries.get(member.name)
    algorithm = entry.algorithm if entry and entry.algorithm in STRONG else "sha256"
    digest = hashlib.new(algorithm, usedforsecurity=False)
    try:
        kept = _drain(stream(archive, member), digest.update, member.size)
    except FormatFault as fault:
        gathered.problems.append(Problem(rule="ML087", path=member.name, detail=str(fault)))
        return gathered
    text = urlsafe_b64encode(digest.digest()).rstrip(b"=").decode()
    gathered.found[member.name] = Found(path=member.name, digest=text, size=member.size)
    _look(member, kept, gathered)
    return gathered


def _drain(pieces: Iterator[bytes], update: Callable[[bytes], None], size: int) -> Buffer:
    """Hash all pieces; keep them only where the first says that the member is code.

    They are kept in an anonymous map: memory is taken by what comes, not by the size that is declared, and it
    is never copied to grow.
    """
    kept: Buffer = b""
    place = 0
    for number, piece in enumerate(pieces):
        update(piece)
        if number == 0 and piece.startswith((MAGIC, AR_MAGIC)):
            kept = mmap(-1, size)
        if kept:
            kept[place : place + len(piece)] = piece  # type: ignore[index]  # a map by now
            place += len(piece)
    return kept


def _look(member: Member, kept: Buffer, gathered: _Gathered) -> None:
    if bytes(kept[:4]) == MAGIC:
        gathered.elves.append(read_elf(kept, path=member.name))
    elif kept:
        gathered.elves += read_objects(kept, path=member.name)
    elif SHARED.search(member.name):
        problem = "not an ELF file" if member.size else "the file is empty"
        gathered.elves.append(ElfFacts(path=member.name, size_bytes=member.size, problem=problem))
    elif _NESTED.search(member.name):
        detail = "an archive; its contents are not looked at"
        gathered.problems.append(Problem(rule="ML089", path=member.name, detail=detail))
