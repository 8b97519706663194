"""A layer of an image: named files of trees, links and texts, as one tar whose bytes follow from them alone.

No tree is made on disk: a member says where its content is. Nothing is compressed, since the bytes of a
compressor change with its version, and an image's digest would with them.
"""

import hashlib
import io
import stat
import tarfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from manyloong.store.normalise import DIRECTORY_MODE, FILE_MODE, PROGRAM_MODE, file_mode, walk_in_order

SHARED_MODE = 0o1777  # directories in which everyone may write, such as /tmp


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One entry: a link, a file from the disk or of a text of ours, or, with none of these, a directory."""

    source: Path | None = None
    data: bytes | None = None
    link: str = ""
    mode: int = FILE_MODE


Members = dict[str, Member]  # by path without leading slash; later ones replace earlier ones


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a layer came to."""

    sha256: str
    size_bytes: int


def text_file(text: str, *, program: bool = False) -> Member:
    """A file of ours."""
    return Member(data=text.encode("utf-8"), mode=PROGRAM_MODE if program else FILE_MODE)


def directory(*, shared: bool = False) -> Member:
    """An empty directory."""
    return Member(mode=SHARED_MODE if shared else DIRECTORY_MODE)


def tree_members(
    tree: Path, prefix: str = "", *, wanted: Callable[[str], bool] = lambda _: True
) -> Iterator[tuple[str, Member]]:
    """Everything of a tree, below a prefix; ``wanted`` is asked with each path inside the tree."""
    for entry in walk_in_order(tree):
        name = entry.relative_to(tree).as_posix()
        if not wanted(name):
            continue
        info = entry.lstat()
        if stat.S_ISLNK(info.st_mode):
            member = Member(link=str(entry.readlink()))
        elif stat.S_ISDIR(info.st_mode):
            member = directory()
        else:
            member = Member(source=entry, mode=file_mode(info.st_mode))
        yield f"{prefix}{name}", member


def write_layer(stream: BinaryIO, members: Mapping[str, Member], *, epoch: int) -> Written:
    """The layer's tar, a directory before its content; all is root's and of one time."""
    counted = _Counted(stream)
    with tarfile.open(fileobj=counted, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        for name in sorted(_with_parents(members), key=lambda name: name.split("/")):
            _add(archive, name, members.get(name, directory()), epoch)
    return Written(sha256=counted.digest.hexdigest(), size_bytes=counted.size)


def _with_parents(members: Mapping[str, Member]) -> set[str]:
    names = set(members)
    for name in members:
        parts = name.split("/")
        names.update("/".join(parts[:count]) for count in range(1, len(parts)))
    return names


def _add(archive: tarfile.TarFile, name: str, member: Member, epoch: int) -> None:
    info = tarfile.TarInfo(name)
    info.mtime = epoch
    info.mode = 0o777 if member.link else member.mode
    if member.link:
        info.type, info.linkname = tarfile.SYMTYPE, member.link
        archive.addfile(info)
    elif member.data is not None:
        info.size = len(member.data)
        archive.addfile(info, io.BytesIO(member.data))
    elif member.source is not None:
        info.size = member.source.stat().st_size
        with member.source.open("rb") as content:
            archive.addfile(info, content)
    else:
        info.type = tarfile.DIRTYPE
        archive.addfile(info)


class _Counted(io.RawIOBase):
    """Passes on what is written, and knows its digest and length."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.digest = hashlib.sha256()
        self.size = 0

    def writable(self) -> bool:
        return True

    def write(self, block: bytes) -> int:  # type: ignore[override]  # tarfile writes bytes only
        self.digest.update(block)
        self.size += len(block)
        return self._stream.write(block)
