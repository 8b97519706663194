"""Archives to directories: strictly for what strangers made, quickly for what Debian signed.

Strict means: nothing outside the destination, no links that lead out, no devices, and limits on number and
size of what comes out. What breaks a rule raises IntegrityError that names the archive and the member.
"""

import bz2
import gzip
import lzma
import os
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

import zstandard

from manyloong.errors import IntegrityError
from manyloong.store.normalise import DIRECTORY_MODE, set_open_file

BLOCK_BYTES = 1 << 20
_HEADER_LIMIT_BYTES = 1 << 20
_HEADER_TYPES = {
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
}
_BROKEN = (tarfile.TarError, zipfile.BadZipFile, EOFError, zlib.error, lzma.LZMAError, zstandard.ZstdError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What may come out of an archive."""

    members: int = 200_000
    file_bytes: int = 2 << 30
    total_bytes: int = 6 << 30
    ratio: int = 200  # of bytes out to bytes in; asked only of what came out beyond
    ratio_free_bytes: int = 256 << 20


def extract_tar(
    source: Path | BinaryIO,
    dest: Path,
    *,
    limits: Limits | None = None,
    strip_components: int = 0,
    name: str | None = None,
    rooted: bool = False,
    members: Sequence[str] = (),
) -> None:
    """Unpack a tar (plain, gz, bz2, xz, zst) into an existing directory, strictly; ``name`` is for errors.

    ``rooted``: it is a root filesystem, whose absolute links lead to places in it, and are made relative.
    ``members``: patterns of what is unpacked, over paths without what is stripped; empty: all.
    """
    archive_name = name or (source.name if isinstance(source, Path) else "archive")
    with _reporting(archive_name), _opened(source) as packed:
        writer = _Writer(archive_name, dest, limits or Limits(), _size_of(packed), strip_components)
        writer.rooted = rooted
        with tarfile.open(fileobj=_decompressed(packed), mode="r|", tarinfo=_Member) as archive:
            for member in archive:
                if not members or _is_member(member.name, members, strip_components):
                    _extract_member(archive, member, writer)
        writer.finish()


def extract_zip(
    source: Path | BinaryIO,
    dest: Path,
    *,
    limits: Limits | None = None,
    strip_components: int = 0,
    name: str | None = None,
) -> None:
    """Unpack a zip into an existing directory, strictly; links in it are refused."""
    archive_name = name or (source.name if isinstance(source, Path) else "archive")
    with _reporting(archive_name), _opened(source) as packed:
        writer = _Writer(archive_name, dest, limits or Limits(), _size_of(packed), strip_components)
        with zipfile.ZipFile(packed) as archive:
            for info in archive.infolist():
                _extract_info(archive, info, writer)
        writer.finish()


def _is_member(name: str, patterns: Sequence[str], strip_components: int) -> bool:
    path = "/".join(PurePosixPath(name).parts[strip_components:])
    return any(fnmatchcase(path, pattern) for pattern in patterns)


class _Member(tarfile.TarInfo):
    """Refuses headers that tarfile would read whole into memory, or be led astray by."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> "_Member":
        member = super().frombuf(buf, encoding, errors)
        if member.size < 0 or (member.type in _HEADER_TYPES and member.size > _HEADER_LIMIT_BYTES):
            raise IntegrityError(f"damaged header: {member.name!r} of {member.size} bytes")
        return member


def _extract_member(archive: tarfile.TarFile, member: tarfile.TarInfo, writer: "_Writer") -> None:
    if member.isdir():
        writer.directory(member.name)
    elif member.issym():
        writer.link(member.name, member.linkname)
    elif member.islnk():
        writer.copy(member.name, member.linkname, mtime=member.mtime)
    elif member.isreg() and not member.issparse():
        stream = archive.extractfile(member)
        if stream is None:
            raise IntegrityError(f"{writer.archive}: {member.name!r} has no content")
        writer.file(member.name, cast("BinaryIO", stream), mode=member.mode, mtime=member.mtime)
    elif member.isreg():
        raise IntegrityError(
            f"{writer.archive}: {member.name!r} is packed as a file with holes",
            hint="pack it again without --sparse",
        )
    else:
        raise IntegrityError(
            f"{writer.archive}: {member.name!r} is neither file, directory nor link",
            hint="devices and pipes are never unpacked: pack it without them, tar --exclude='./dev/*'",
        )


def _extract_info(archive: zipfile.ZipFile, info: zipfile.ZipInfo, writer: "_Writer") -> None:
    mode = info.external_attr >> 16
    if info.is_dir():
        writer.directory(info.filename)
        return
    if stat.S_IFMT(mode) not in {0, stat.S_IFREG}:
        raise IntegrityError(f"{writer.archive}: {info.filename!r} is neither file nor directory")
    if info.flag_bits & 1:
        raise IntegrityError(f"{writer.archive}: {info.filename!r} is encrypted")
    try:
        mtime = datetime(*info.date_time, tzinfo=UTC).timestamp()
    except ValueError:
        mtime = 0.0
    with archive.open(info) as stream:
        writer.file(info.filename, cast("BinaryIO", stream), mode=mode, mtime=mtime)


class _Writer:
    """Writes members below ``dest`` and counts. Links are made last: till then none is on a path."""

    def __init__(self, archive: str, dest: Path, limits: Limits, packed_bytes: int, strip: int) -> None:
        self.archive = archive
        self._dest = dest
        self._limits = limits
        self._packed_bytes = packed_bytes
        self._strip = strip
        self._members = 0
        self._bytes = 0
        self._links: dict[Path, tuple[str, str]] = {}  # place -> name of the member, where it leads
        self.rooted = False  # whether an absolute link starts at ``dest``

    def directory(self, name: str) -> None:
        path = self._path(name)
        if path is not None:
            self._make(path, name)

    def file(self, name: str, stream: BinaryIO, *, mode: int, mtime: float) -> None:
        path = self._path(name)
        if path is None:
            return
        self._make(path.parent, name)
        self._refuse(path.is_dir(), name, "is a file and a directory")
        path.unlink(missing_ok=True)
        size = 0
        with path.open("xb") as out:
            while block := stream.read(BLOCK_BYTES):
                size += len(block)
                self._count(name, size, len(block))
                out.write(block)
            out.flush()
            set_open_file(out.fileno(), mode=mode, mtime=mtime)

    def copy(self, name: str, target: str, *, mtime: float) -> None:
        """A hard link becomes a copy: later writes into one file must not change another."""
        original = self._path(target, counted=False)
        found = original is not None and original.is_file()
        self._refuse(not found, name, f"is a link to {target!r}, which is not before it in the archive")
        if original is not None:
            with original.open("rb") as stream:
                self.file(name, stream, mode=original.stat().st_mode, mtime=mtime)

    def link(self, name: str, target: str) -> None:
        path = self._path(name)
        if path is None:
            return
        if self.rooted and target.startswith("/"):
            target = os.path.relpath(self._dest / target.lstrip("/"), path.parent)
        self._refuse(target.startswith("/") or not target, name, f"is a link to {target!r}")
        self._links[path] = (name, target)

    def finish(self) -> None:
        for path, (name, target) in self._links.items():
            self._make(path.parent, name)
            self._refuse(os.path.lexists(path), name, "is there twice")
            path.symlink_to(target)
        inside = self._dest.resolve()
        for path, (name, target) in self._links.items():
            try:
                real = path.resolve()
            except (OSError, RuntimeError) as error:  # a loop; RuntimeError before Python 3.13
                raise IntegrityError(f"{self.archive}: {name!r} is a link to itself") from error
            self._refuse(not real.is_relative_to(inside), name, f"is a link to {target!r}, outside")

    def _path(self, name: str, *, counted: bool = True) -> Path | None:
        """The place of a member; None for what is stripped."""
        if counted:
            self._members += 1
            self._refuse(self._members > self._limits.members, name, f"is one of over {self._limits.members}")
        parts = PurePosixPath(name).parts
        bad = not name or name.startswith("/") or ".." in parts or "\0" in name or len(name) > 4000
        self._refuse(bad, name, "leads out of the archive")
        kept = parts[self._strip :]
        return self._dest.joinpath(*kept) if kept else None

    def _make(self, path: Path, name: str) -> None:
        try:
            path.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            raise IntegrityError(f"{self.archive}: {name!r} is below a file") from error

    def _count(self, name: str, size: int, block: int) -> None:
        self._bytes += block
        self._refuse(size > self._limits.file_bytes, name, f"is over {self._limits.file_bytes} bytes")
        over = self._bytes > self._limits.total_bytes
        self._refuse(over, name, f"makes the content over {self._limits.total_bytes} bytes")
        if self._packed_bytes and self._bytes > self._limits.ratio_free_bytes:
            ratio = self._bytes // self._packed_bytes
            self._refuse(ratio > self._limits.ratio, name, f"makes the content {ratio} times the archive")

    def _refuse(self, wrong: bool, name: str, why: str) -> None:  # noqa: FBT001 - reads as a sentence
        if wrong:
            raise IntegrityError(
                f"{self.archive}: member {name[:200]!r} {why}",
                hint="the archive is damaged or hostile; nothing of it was used",
            )


@contextmanager
def _reporting(name: str) -> Iterator[None]:
    try:
        yield
    except (*_BROKEN, gzip.BadGzipFile, UnicodeError, NotImplementedError) as error:
        text = f"{name}: damaged or truncated archive: {error}"
        raise IntegrityError(text, hint="get the file again") from error


@contextmanager
def _opened(source: Path | BinaryIO) -> Iterator[BinaryIO]:
    if isinstance(source, Path):
        with source.open("rb") as stream:
            yield stream
    else:
        yield source


def _size_of(stream: BinaryIO) -> int:
    try:
        return os.fstat(stream.fileno()).st_size
    except (OSError, AttributeError):
        return 0  # not a file: the ratio is not asked


def _decompressed(stream: BinaryIO) -> BinaryIO:
    start = stream.read(6)
    stream.seek(-len(start), os.SEEK_CUR)
    if start.startswith(b"\x1f\x8b"):
        return cast("BinaryIO", gzip.open(stream))
    if start.startswith(b"BZh"):
        return cast("BinaryIO", bz2.open(stream))
    if start.startswith(b"\xfd7zXZ\0"):
        return cast("BinaryIO", lzma.open(stream))
    if start.startswith(b"\x28\xb5\x2f\xfd"):
        return cast("BinaryIO", zstandard.ZstdDecompressor().stream_reader(stream))
    return stream
