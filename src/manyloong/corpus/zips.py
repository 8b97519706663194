"""Writes ZIP archives, honest or not: each entry may say in one place what is not so in the other."""

import zlib
from dataclasses import dataclass
from struct import pack

_STORED, _DEFLATED = 0, 8
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
    listed: bool = True  # False: not in the central directory


def write_zip(entries: tuple[Entry, ...]) -> bytes:
    """The archive; equal entries give equal bytes."""
    body, directory, count = bytearray(), bytearray(), 0
    for one in entries:
        packed = _deflated(one.data) if one.method == _DEFLATED else one.data
        crc = zlib.crc32(one.data) if one.crc is None else one.crc
        size = len(one.data) if one.size is None else one.size
        local_crc = crc if one.local_crc is None else one.local_crc
        local = (one.name if one.local_name is None else one.local_name).encode()
        name = one.name.encode()
        flags = one.flags | 0x800
        offset = len(body)
        head = (0x04034B50, 20, flags, one.method, 0, _DATE, local_crc, len(packed), size, len(local), 0)
        body += pack("<IHHHHHIIIHH", *head) + local + packed
        if one.listed:
            row = (
                0x02014B50,
                3 << 8 | 20,
                20,
                flags,
                one.method,
                0,
                _DATE,
                crc,
                len(packed),
                size,
                len(name),
            )
            directory += pack("<IHHHHHHIIIHHHHHII", *row, 0, 0, 0, 0, one.mode << 16, offset) + name
            count += 1
    end = (0x06054B50, 0, 0, min(count, 0xFFFF), min(count, 0xFFFF), len(directory), len(body), 0)
    wide = b""
    if count > 0xFFFF:
        at = len(body) + len(directory)
        wide = pack("<IQHHIIQQQQ", 0x06064B50, 44, 45, 45, 0, 0, count, count, len(directory), len(body))
        wide += pack("<IIQI", 0x07064B50, 0, at, 1)
    return bytes(body) + bytes(directory) + wide + pack("<IHHHHIIH", *end)


def _deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()
