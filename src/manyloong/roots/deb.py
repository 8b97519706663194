"""A .deb file: an ar archive with a compressed tar of files in it; deb(5)."""

import gzip
import io
import lzma
import os
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import zstandard

from manyloong.errors import IntegrityError

_AR_MAGIC = b"!<arch>\n"
_HEADER_BYTES = 60
BUFFER_BYTES = 1 << 20
# What reading a damaged .deb raises below us.
BROKEN = (tarfile.TarError, lzma.LZMAError, zstandard.ZstdError, zlib.error, gzip.BadGzipFile, EOFError)


class _Section(io.RawIOBase):
    """A part of a file as a file of its own."""

    def __init__(self, descriptor: int, start: int, size: int) -> None:
        self._descriptor = descriptor
        self._position = start
        self._end = start + size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # typeshed: any buffer
        wanted = min(len(buffer), self._end - self._position)
        data = os.pread(self._descriptor, wanted, self._position)
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)


def ar_members(stream: BinaryIO, name: str) -> Iterator[tuple[str, int, int]]:
    """Name, offset and size of each member; IntegrityError where it is no ar archive or is cut short."""
    end = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    if stream.read(len(_AR_MAGIC)) != _AR_MAGIC:
        raise IntegrityError(f"{name}: not a .deb (no ar archive)")
    offset = len(_AR_MAGIC)
    while offset < end:
        stream.seek(offset)
        header = stream.read(_HEADER_BYTES)
        size_text = header[48:58].strip()
        if len(header) < _HEADER_BYTES or header[58:] != b"`\n" or not size_text.isdigit():
            raise IntegrityError(f"{name}: damaged at byte {offset}")
        size = int(size_text)
        start = offset + _HEADER_BYTES
        if start + size > end:
            raise IntegrityError(f"{name}: cut short at byte {end}, {start + size} expected")
        yield header[:16].decode("ascii", "replace").strip().rstrip("/"), start, size
        offset = start + size + size % 2


@contextmanager
def open_data(path: Path, name: str) -> Iterator[BinaryIO]:
    """The uncompressed data.tar of a .deb, as a stream to read once from start to end."""
    with path.open("rb") as stream:
        for member, start, size in ar_members(stream, name):
            if member.startswith("data.tar"):
                raw = _Section(stream.fileno(), start, size)
                section = cast("BinaryIO", io.BufferedReader(raw, BUFFER_BYTES))
                with _decompressor(section, member, name) as data:
                    yield data
                return
    raise IntegrityError(f"{name}: not a .deb (no data.tar)")


def _decompressor(section: BinaryIO, member: str, name: str) -> BinaryIO:
    suffix = member.removeprefix("data.tar")
    if suffix == ".xz":
        return cast("BinaryIO", lzma.open(section))
    if suffix == ".zst":
        return cast("BinaryIO", zstandard.ZstdDecompressor().stream_reader(section))
    if suffix == ".gz":
        return cast("BinaryIO", gzip.open(section))
    if not suffix:
        return section
    raise IntegrityError(f"{name}: unknown compression of {member}")
