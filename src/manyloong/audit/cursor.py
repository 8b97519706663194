"""Bounds-checked reading of binary structures out of a buffer that may lie about itself."""

from collections.abc import Callable, Iterator
from functools import cache
from mmap import mmap
from struct import Struct

Buffer = bytes | bytearray | mmap

NAME_LIMIT = 1 << 16  # bytes of one name; C++ symbols of 20 kB exist
_NAMES_PER_BYTE = 8  # names may share tails; more overlap than this is an attack on the reader


class FormatFault(Exception):  # noqa: N818  a fact about the file, told in ElfFacts.problem; never leaves the room
    """The buffer is not what it claims to be."""


@cache
def _struct(form: str) -> Struct:
    return Struct(form)


class Cursor:
    """A buffer and its byte order; every read is checked against the end.

    Holds one number of state: how many bytes of names may still be read.
    """

    __slots__ = ("budget", "buffer", "order", "size")

    def __init__(self, buffer: Buffer, *, little_endian: bool = True) -> None:
        self.buffer = buffer
        self.size = len(buffer)
        self.order = "<" if little_endian else ">"
        self.budget = _NAMES_PER_BYTE * self.size + NAME_LIMIT

    def check(self, offset: int, size: int, what: str) -> None:
        """Raise FormatFault unless ``size`` bytes from ``offset`` lie inside the buffer."""
        if offset < 0 or size < 0 or offset + size > self.size:
            raise FormatFault(
                f"{what} at {offset:#x} (+{size:#x}) is outside the file of {self.size:#x} bytes"
            )

    def unpack(self, form: str, offset: int, what: str) -> tuple[int, ...]:
        """The numbers of a struct format (without byte order) at an offset."""
        layout = _struct(self.order + form)
        self.check(offset, layout.size, what)
        return layout.unpack_from(self.buffer, offset)

    def table(self, form: str, offset: int, count: int, what: str) -> list[tuple[int, ...]]:
        """``count`` structs one after the other."""
        layout = _struct(self.order + form)
        self.check(offset, layout.size * count, what)
        with memoryview(self.buffer) as view, view[offset : offset + layout.size * count] as part:
            return list(layout.iter_unpack(part))

    def rows(self, form: str, offset: int, count: int, what: str) -> Iterator[tuple[int, ...]]:
        """As ``table``, one at a time: a list of them takes ten times the memory of the table."""
        layout = _struct(self.order + form)
        self.check(offset, layout.size * count, what)
        with memoryview(self.buffer) as view, view[offset : offset + layout.size * count] as part:
            yield from layout.iter_unpack(part)

    def words(self, offset: int, count: int, what: str) -> list[int]:
        """``count`` 32-bit numbers."""
        return [value for (value,) in self.table("I", offset, count, what)]

    def raw(self, offset: int, size: int, what: str) -> bytes:
        """A copy of some bytes."""
        self.check(offset, size, what)
        return bytes(self.buffer[offset : offset + size])

    def name(self, offset: int, end: int, what: str) -> str:
        """The text from an offset to its NUL, which must come before ``end``."""
        end = min(end, self.size, offset + NAME_LIMIT)
        if not 0 <= offset < end:
            raise FormatFault(f"{what} at {offset:#x} is outside the string table")
        stop = self.buffer.find(b"\0", offset, end)
        if stop < 0:
            raise FormatFault(f"{what} at {offset:#x} has no end")
        self.budget -= stop - offset
        if self.budget < 0:
            raise FormatFault("names overlap more than an honest file's do")
        return bytes(self.buffer[offset:stop]).decode("utf-8", "backslashreplace")

    def namer(self, table: int, size: int, what: str) -> Callable[[int], str]:
        """A function from an index into a string table to the name there."""
        self.check(table, size, what)
        return lambda index: self.name(table + index, table + size, what)
