"""Reads a ZIP archive as a hostile one: its directory, its local headers, and members as streams.

PKWARE APPNOTE 6.3.10. `zipfile` believes the central directory and keeps no account of where it lies, so
the directory is read here and compared with the local headers; no member is inflated beyond its declared
size, which bounds both memory and bombs.
"""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from mmap import mmap

from manyloong.audit.cursor import Cursor, FormatFault
from manyloong.audit.deflate import DeflateFault, crc32, decompressobj
from manyloong.audit.extra import second_name, wide_numbers
from manyloong.audit.facts import Problem

STORED, DEFLATED = 0, 8
MEMBER_LIMIT = 4 << 30  # bytes of one member
TOTAL_LIMIT = 8 << 30  # bytes of all members
COUNT_LIMIT = 1 << 20  # members
_RATIO_LIMIT = 1032  # deflate cannot do better; zlib's technical notes
_CHUNK = 1 << 16  # packed bytes fed at a time
_END, _END64, _LOCATOR64 = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
_CENTRAL, _LOCAL = 0x02014B50, 0x04034B50
_MASK32, _MASK16 = 0xFFFFFFFF, 0xFFFF
_ENCRYPTED, _DESCRIPTOR, _UTF8 = 0x0001, 0x0008, 0x0800
_UNIX, _FILE_TYPES, _REGULAR, _FOLDER, _LINK = 3, 0o170000, 0o100000, 0o040000, 0o120000
_BAD_NAME = re.compile(r"[\x00-\x1f\\]|^/|^[A-Za-z]:|(^|/)\.\.?(/|$)|//")


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One entry of the central directory; sizes in bytes."""

    name: str
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    header: int  # offset of the local header
    mode: int  # Unix mode, 0 where the archive says none
    second_name: str = ""  # of the Unicode path field, where that names something else

    @property
    def is_folder(self) -> bool:
        """Whether the entry is a directory."""
        return self.name.endswith("/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """The directory of an archive, and what is wrong with it."""

    file: int  # descriptor; members are read through it, so that their packed bytes are not held as well
    members: tuple[Member, ...]
    starts: dict[int, int]  # offset of a local header -> offset of the packed bytes; only where it was read
    problems: tuple[Problem, ...]


def open_archive(file: int, data: mmap) -> Archive:
    """The directory of the archive in ``data``, which is ``file``; no members where it cannot be read."""
    cursor = Cursor(data)
    try:
        members = tuple(_directory(cursor))
    except FormatFault as fault:
        return Archive(file=file, members=(), starts={}, problems=(_problem("ML087", "", str(fault)),))
    starts: dict[int, int] = {}
    problems = [*_names(members), *_kinds(members), *_sizes(members), *_layout(cursor, members, starts)]
    return Archive(file=file, members=members, starts=starts, problems=tuple(problems))


def _problem(rule: str, path: str, detail: str) -> Problem:
    return Problem(rule=rule, path=path, detail=detail)


def _directory(cursor: Cursor) -> Iterator[Member]:
    end = bytes(cursor.buffer[max(0, cursor.size - 65557) :]).rfind(_END)
    if end < 0:
        raise FormatFault("no end-of-directory record: truncated, or not a ZIP archive")
    end += max(0, cursor.size - 65557)
    record = cursor.unpack("IHHHHIIH", end, "end of directory")
    if end + 22 + record[7] != cursor.size:
        raise FormatFault("bytes follow the end-of-directory record")
    count, size, offset = narrow = record[4], record[5], record[6]
    if end >= 20 and bytes(cursor.buffer[end - 20 : end - 16]) == _LOCATOR64:
        count, size, offset, end = _directory64(cursor, end - 20)
        limits = zip(narrow, (count, size, offset), (_MASK16, _MASK32, _MASK32), strict=True)
        if any(old not in {new, limit} for old, new, limit in limits):
            raise FormatFault("the ZIP64 record and the older one differ")
    if record[1] or record[2]:
        raise FormatFault("the archive is split over several files")
    if offset + size != end:
        raise FormatFault(
            "the directory does not end where its record says: bytes were put before or between"
        )
    if count > COUNT_LIMIT:
        raise FormatFault(f"{count} members")
    cursor.check(offset, size, "directory")
    place = offset
    for _ in range(count):
        member, place = _entry(cursor, place)
        yield member
    if place != end:
        raise FormatFault("the directory holds more or less than its record says")


def _directory64(cursor: Cursor, locator: int) -> tuple[int, int, int, int]:
    place = cursor.unpack("IIQI", locator, "ZIP64 locator")[2]
    cursor.check(place, 56, "ZIP64 record")
    if bytes(cursor.buffer[place : place + 4]) != _END64:
        raise FormatFault("the ZIP64 record is not where its locator says")
    record = cursor.unpack("IQHHIIQQQQ", place, "ZIP64 record")
    return record[7], record[8], record[9], place


def _entry(cursor: Cursor, place: int) -> tuple[Member, int]:
    row = cursor.unpack("IHHHHHHIIIHHHHHII", place, "directory entry")
    if row[0] != _CENTRAL:
        raise FormatFault(f"no directory entry at {place:#x}")
    name_size, extra_size, comment_size = row[10:13]
    name = cursor.raw(place + 46, name_size, "member name")
    extra = cursor.raw(place + 46 + name_size, extra_size, "extra field")
    size, packed, header = wide_numbers(extra, size=row[9], packed=row[8], header=row[16])
    system = row[1] >> 8
    member = Member(
        name=(text := _text(name, row[3])),
        second_name=second_name(extra, text),
        flags=row[3],
        method=row[4],
        crc=row[7],
        packed=packed,
        size=size,
        header=header,
        mode=row[15] >> 16 if system == _UNIX else 0,
    )
    return member, place + 46 + name_size + extra_size + comment_size


def _text(name: bytes, flags: int) -> str:
    return name.decode("utf-8", "surrogateescape") if flags & _UTF8 else name.decode("cp437")


def _names(members: tuple[Member, ...]) -> Iterator[Problem]:
    seen: set[str] = set()
    for one in members:
        if one.name in seen:
            yield _problem("ML082", one.name, "the name occurs more than once")
        seen.add(one.name)
        if not one.name or _BAD_NAME.search(one.name):
            yield _problem("ML084", one.name, f"member name {one.name!r}")
        elif "\ufffd" in one.name or not one.name.isprintable():
            yield _problem("ML084", one.name, f"member name {one.name!r} is not printable")
        if one.second_name:
            yield _problem("ML090", one.name, f"its Unicode path field says {one.second_name!r}")


def _kinds(members: tuple[Member, ...]) -> Iterator[Problem]:
    for one in members:
        kind = one.mode & _FILE_TYPES
        if kind == _LINK:
            yield _problem("ML085", one.name, "a symbolic link")
        elif kind not in {0, _REGULAR, _FOLDER}:
            yield _problem("ML085", one.name, f"file type {kind:o}")
        if one.flags & _ENCRYPTED:
            yield _problem("ML086", one.name, "encrypted")
        elif one.method not in {STORED, DEFLATED}:
            yield _problem("ML086", one.name, f"compression method {one.method}")


def _sizes(members: tuple[Member, ...]) -> Iterator[Problem]:
    for one in members:
        if one.size > MEMBER_LIMIT:
            yield _problem("ML087", one.name, f"{one.size} bytes unpacked; at most {MEMBER_LIMIT} are read")
        elif one.size > _RATIO_LIMIT * (one.packed + 1):
            yield _problem("ML087", one.name, f"{one.packed} packed bytes cannot become {one.size}")
    total = sum(one.size for one in members)
    if total > TOTAL_LIMIT:
        yield _problem("ML087", "", f"{total} bytes unpacked in all; at most {TOTAL_LIMIT} are read")


def _layout(cursor: Cursor, members: tuple[Member, ...], starts: dict[int, int]) -> Iterator[Problem]:
    """Local headers against the directory, and that members neither overlap nor hide others between them."""
    end = 0
    for one in sorted(members, key=lambda member: member.header):
        try:
            start, detail = _local(cursor, one)
        except FormatFault as fault:
            yield _problem("ML087", one.name, str(fault))
            continue
        starts[one.header] = start
        if detail:
            yield _problem("ML083", one.name, detail)
        if other := _local_second_name(cursor, one):
            yield _problem("ML090", one.name, f"the Unicode path field of its local header says {other!r}")
        if one.header < end:
            yield _problem("ML083", one.name, "overlaps the member before it")
        elif bytes(cursor.buffer[end : end + 4]) == b"PK\x03\x04" and end != one.header:
            yield _problem("ML083", one.name, f"a member that the directory does not list lies at {end:#x}")
        end = start + one.packed


def _local(cursor: Cursor, member: Member) -> tuple[int, str]:
    """Where the member's bytes start, and how its local header differs from the directory."""
    row = cursor.unpack("IHHHHHIIIHH", member.header, "local header")
    if row[0] != _LOCAL:
        raise FormatFault(f"no local header at {member.header:#x}")
    name = cursor.raw(member.header + 30, row[9], "local name")
    start = member.header + 30 + row[9] + row[10]
    cursor.check(start, member.packed, "member")
    flags = row[2]
    if _text(name, flags) != member.name:
        return start, f"the local header calls it {_text(name, flags)!r}"
    if row[3] != member.method or (flags ^ member.flags) & _ENCRYPTED:
        return start, "method or encryption differ in the local header"
    if not flags & _DESCRIPTOR:
        extra = cursor.raw(member.header + 30 + row[9], row[10], "extra field")
        size, packed, _ = wide_numbers(extra, size=row[8], packed=row[7], header=0)
        if (row[6], packed, size) != (member.crc, member.packed, member.size):
            return start, "CRC or sizes differ in the local header"
    return start, ""


def _local_second_name(cursor: Cursor, member: Member) -> str:
    name_size, extra_size = cursor.unpack("HH", member.header + 26, "local header")
    return second_name(cursor.raw(member.header + 30 + name_size, extra_size, "extra field"), member.name)


def stream(archive: Archive, member: Member) -> Iterator[bytes]:
    """The member's bytes in pieces; raises FormatFault where they are not what the directory says."""
    if member.flags & _ENCRYPTED or member.method not in {STORED, DEFLATED}:
        raise FormatFault("encrypted, or an unknown compression method")
    start = archive.starts.get(member.header)
    if start is None:
        raise FormatFault("its local header cannot be read")
    pieces = _stored if member.method == STORED else _inflated
    crc = size = 0
    for piece in pieces(archive.file, start, start + member.packed, member.size):
        crc = crc32(piece, crc)
        size += len(piece)
        if size > member.size:
            raise FormatFault(f"more unpacked bytes than the directory says, {member.size}")
        yield piece
    if size != member.size:
        raise FormatFault(f"{size} bytes unpacked, the directory says {member.size}")
    if crc != member.crc:
        raise FormatFault(f"CRC is {crc:#010x}, the directory says {member.crc:#010x}")


def _stored(file: int, start: int, end: int, size: int) -> Iterator[bytes]:
    del size  # compared by the caller
    for place in range(start, end, _CHUNK):
        yield os.pread(file, min(_CHUNK, end - place), place)


def _inflated(file: int, start: int, end: int, size: int) -> Iterator[bytes]:
    inflater = decompressobj(-15)
    inflate: Callable[[bytes, int], bytes] = inflater.decompress
    left = size + 1  # one more than declared, to see that there is more
    try:
        for place in range(start, end, _CHUNK):
            packed = os.pread(file, min(_CHUNK, end - place), place)
            while packed and left and not inflater.eof:
                piece = inflate(packed, min(left, 4 * _CHUNK))
                packed = inflater.unconsumed_tail
                left -= len(piece)
                if piece:
                    yield piece
    except DeflateFault as fault:
        raise FormatFault(f"not a deflate stream: {fault}") from None
    if left and not inflater.eof:
        raise FormatFault("the deflate stream has no end")
