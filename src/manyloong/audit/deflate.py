"""Inflating: with zlib-ng where it is installed, in half the time; else with zlib, by the same interface."""

import zlib
from collections.abc import Callable
from importlib.util import find_spec
from typing import Protocol, cast

__all__ = ["DeflateFault", "crc32", "decompressobj"]


class Inflater(Protocol):
    """What both libraries' objects do."""

    eof: bool
    unconsumed_tail: bytes

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        """At most so many bytes; what is left of ``data`` is in ``unconsumed_tail``."""


crc32: Callable[[bytes, int], int]
decompressobj: Callable[[int], Inflater]
DeflateFault: type[Exception]

if find_spec("zlib_ng"):
    from zlib_ng import zlib_ng

    crc32, decompressobj = zlib_ng.crc32, cast("Callable[[int], Inflater]", zlib_ng.decompressobj)
    DeflateFault = cast("type[Exception]", zlib_ng.error)
else:  # no wheel for this machine
    crc32, decompressobj = zlib.crc32, cast("Callable[[int], Inflater]", zlib.decompressobj)
    DeflateFault = zlib.error
