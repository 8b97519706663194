"""Order, mtime, mode and owner: decided here and nowhere else, so that equal inputs give equal bytes."""

import hashlib
import os
import stat
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

DIRECTORY_MODE = 0o755
PROGRAM_MODE = 0o755
FILE_MODE = 0o644
MTIME_MAX = (1 << 32) - 1
UMASK = 0o022  # of every program whose files end up in something that we make


def file_mode(mode: int) -> int:
    """0755 for what anyone may execute, else 0644: no set-uid, no write for others, no umask in it."""
    return PROGRAM_MODE if mode & 0o111 else FILE_MODE


def set_open_file(descriptor: int, *, mode: int, mtime: float) -> None:
    """Give an open regular file its final mode and mtime; call after the last write."""
    os.fchmod(descriptor, file_mode(mode))
    clamped = min(max(int(mtime), 0), MTIME_MAX)
    os.utime(descriptor, (clamped, clamped))


def normalise_tree(path: Path, *, epoch: int, files: bool = True) -> None:
    """Set modes and mtimes of a directory and all below; ``files=False``: files have them already."""
    for entry in walk_in_order(path):
        info = entry.lstat()
        if stat.S_ISDIR(info.st_mode):
            continue
        if stat.S_ISLNK(info.st_mode):
            os.utime(entry, (epoch, epoch), follow_symlinks=False)
        elif files:
            entry.chmod(file_mode(info.st_mode))
            os.utime(entry, (epoch, epoch))
    for directory, _, _ in os.walk(path, topdown=False):
        Path(directory).chmod(DIRECTORY_MODE)
        os.utime(directory, (epoch, epoch))


def normalise_modes(path: Path) -> None:
    """Set the modes of a directory and all below, and leave times as they are."""
    for entry in (path, *walk_in_order(path)):
        info = entry.lstat()
        if stat.S_ISDIR(info.st_mode):
            entry.chmod(DIRECTORY_MODE)
        elif stat.S_ISREG(info.st_mode):
            entry.chmod(file_mode(info.st_mode))


def walk_in_order(path: Path) -> Iterator[Path]:
    """Everything below a directory, sorted by name in each directory, a directory before its content."""
    for entry in sorted(os.scandir(path), key=lambda entry: entry.name):
        yield path / entry.name
        if entry.is_dir(follow_symlinks=False):
            yield from walk_in_order(path / entry.name)


def tree_digest(path: Path) -> str:
    """SHA-256 over path, type, mode and content or link of all in a tree; not over mtimes and owners."""
    digest = hashlib.sha256()
    for entry in walk_in_order(path):
        info = entry.lstat()
        name = os.fsencode(entry.relative_to(path))
        digest.update(b"%s\0%o\0" % (name, info.st_mode))
        if stat.S_ISLNK(info.st_mode):
            digest.update(os.fsencode(entry.readlink()))
        elif stat.S_ISREG(info.st_mode):
            with entry.open("rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
        digest.update(b"\0")
    return digest.hexdigest()


def write_tar(path: Path, stream: BinaryIO, *, epoch: int) -> None:
    """A tree as an uncompressed tar (pax): sorted, owned by root, one mtime. Equal trees give equal bytes."""
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for entry in walk_in_order(path):
            member = archive.gettarinfo(entry, arcname=str(entry.relative_to(path)))
            if not (member.isreg() or member.isdir() or member.issym() or member.islnk()):
                raise ValueError(f"neither file, directory nor link: {entry}")
            member.uid = member.gid = 0
            member.uname = member.gname = ""
            member.mtime = epoch
            member.mode = _tar_mode(member)
            if member.isreg():
                with entry.open("rb") as content:
                    archive.addfile(member, content)
            else:
                archive.addfile(member)


def _tar_mode(member: tarfile.TarInfo) -> int:
    if member.isdir():
        return DIRECTORY_MODE
    return 0o777 if member.issym() else file_mode(member.mode)
