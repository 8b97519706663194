"""Writes ZIP archives, honest or not: each entry may say in one place what is not so in the other."""

import zlib
from dataclasses import dataclass
from struct import pack

_STORED, _DEFLATED = 0, 8
_UTF8 = 0x800
_DATE = 0x21  # 1980-01-01
_REGULAR = 0o100644


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One member; what is None is told truly."""

    name: str
    data: bytes
    local_name: str | None = None
    local_crc: int | None = None
    crc: int | None = None
    size: int | None = None
    method: int = _DEFLATED
    flags: int = 0
    mode: int = _REGULAR
    extra: bytes = b""  # extra fields, in the directory
    local_extra: bytes = b""
    listed: bool = True  # False: not in the central directory


def write_zip(entries: tuple[Entry, ...]) -> bytes:
    """The archive; equal entries give equal bytes."""
    body, directory, count = bytearray(), bytearray(), 0
    for one in entries:
        packed = _deflated(one.data) if one.method == _DEFLATED else one.data
        offset = len(body)
        body += _local(one, len(packed)) + packed
        if one.listed:
            directory += _listed(one, len(packed), offset)
            count += 1
    end = (0x06054B50, 0, 0, min(count, 0xFFFF), min(count, 0xFFFF), len(directory), len(body), 0)
    wide = b""
    if count > 0xFFFF:
        at = len(body) + len(directory)
        wide = pack("<IQHHIIQQQQ", 0x06064B50, 44, 45, 45, 0, 0, count, count, len(directory), len(body))
        wide += pack("<IIQI", 0x07064B50, 0, at, 1)
    return bytes(body) + bytes(directory) + wide + pack("<IHHHHIIH", *end)


def _told(one: Entry) -> tuple[int, int]:
    """CRC and size as the directory says them."""
    crc = zlib.crc32(one.data) if one.crc is None else one.crc
    return crc, len(one.data) if one.size is None else one.size


def _local(one: Entry, packed: int) -> bytes:
    crc, size = _told(one)
    name = (one.name if one.local_name is None else one.local_name).encode()
    row = (0x04034B50, 20, one.flags | _UTF8, one.method, 0, _DATE)
    sizes = (crc if one.local_crc is None else one.local_crc, packed, size)
    return pack("<IHHHHHIIIHH", *row, *sizes, len(name), len(one.local_extra)) + name + one.local_extra


def _listed(one: Entry, packed: int, offset: int) -> bytes:
    name = one.name.encode()
    row = (0x02014B50, 3 << 8 | 20, 20, one.flags | _UTF8, one.method, 0, _DATE, *_told(one)[:1], packed)
    sizes = (_told(one)[1], len(name), len(one.extra))
    return pack("<IHHHHHHIIIHHHHHII", *row, *sizes, 0, 0, 0, one.mode << 16, offset) + name + one.extra


def unicode_path(name: str, *, replaces: str) -> bytes:
    """The Info-ZIP extra field by which a member has a second name."""
    data = pack("<BI", 1, zlib.crc32(replaces.encode())) + name.encode()
    return pack("<HH", 0x7075, len(data)) + data


def _deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()
