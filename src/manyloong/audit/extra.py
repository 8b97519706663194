"""Extra fields of a ZIP member. PKWARE APPNOTE 6.3.10, 4.5 (ZIP64) and 4.6.9 (Info-ZIP Unicode path)."""

from collections.abc import Iterator

from manyloong.audit.cursor import Cursor

_MASK32 = 0xFFFFFFFF
_WIDE, _UNICODE_PATH = 0x0001, 0x7075
_PATH_START = 5  # bytes before the name: a version, and the CRC of the name that is replaced


def wide_numbers(extra: bytes, *, size: int, packed: int, header: int) -> tuple[int, int, int]:
    """The three numbers, from the ZIP64 extra field where 32 bits do not hold them."""
    if _MASK32 not in {size, packed, header}:
        return size, packed, header
    for kind, place, length in _fields(extra):
        if kind == _WIDE:
            values = iter(Cursor(extra).table("Q", place, length // 8, "ZIP64 extra field"))
            wide = [next(values, (one,))[0] if one == _MASK32 else one for one in (size, packed, header)]
            return wide[0], wide[1], wide[2]
    return size, packed, header


def second_name(extra: bytes, name: str) -> str:
    """What a Unicode path field calls the member, where that is not its name; "" where all agree.

    Some programs believe the field, some only when its checksum fits, some not at all: any difference counts.
    """
    for kind, place, length in _fields(extra):
        if kind == _UNICODE_PATH:
            said = extra[place + _PATH_START : place + length].decode("utf-8", "backslashreplace")
            if said != name:
                return said or "(nothing)"
    return ""


def _fields(extra: bytes) -> Iterator[tuple[int, int, int]]:
    """(kind, offset of its data, length) of each field; the data of the last may be cut."""
    place = 0
    while place + 4 <= len(extra):
        kind, length = Cursor(extra).unpack("HH", place, "extra field")
        yield kind, place + 4, length
        place += 4 + length
