"""Two trees side by side: whether they are the same, and what differs first."""

import hashlib
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from manyloong.store.normalise import tree_digest, walk_in_order, write_tar

_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeDigests:
    """What a tree is, in two ways: over its content and modes, and over its tar with times and owners."""

    tree: str
    tar: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One path that is not the same in both trees; ``offset`` is that of the first byte that differs."""

    path: str
    what: str
    offset: int | None = None

    def __str__(self) -> str:
        return f"{self.path}: {self.what}"


class _Hashing:
    """A stream that only hashes."""

    def __init__(self) -> None:
        self.digest = hashlib.sha256()
        self.position = 0

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        self.position += len(data)
        return len(data)

    def tell(self) -> int:
        return self.position


def tree_digests(path: Path, *, epoch: int) -> TreeDigests:
    """The digests of a tree as it is on the disk; ``epoch`` is the one time stamp of its tar."""
    stream = _Hashing()
    write_tar(path, _as_binary(stream), epoch=epoch)
    return TreeDigests(tree=tree_digest(path), tar=stream.digest.hexdigest())


def _as_binary(stream: _Hashing) -> BinaryIO:
    return stream  # type: ignore[return-value]  # tarfile asks for write() and tell() alone


def tree_differences(old: Path, new: Path, *, limit: int = 20) -> tuple[Difference, ...]:
    """The first paths that differ, in path order; empty for trees with equal digests."""
    found: list[Difference] = []
    for difference in _differences(old, new):
        found.append(difference)
        if len(found) == limit:
            break
    return tuple(found)


def _differences(old: Path, new: Path) -> Iterator[Difference]:
    paths = [{str(entry.relative_to(tree)) for entry in walk_in_order(tree)} for tree in (old, new)]
    for name in sorted(paths[0] | paths[1]):
        if name not in paths[1]:
            yield Difference(path=name, what="only in the first")
        elif name not in paths[0]:
            yield Difference(path=name, what="only in the second")
        elif difference := _difference(name, old / name, new / name):
            yield difference


def _difference(name: str, old: Path, new: Path) -> Difference | None:
    infos = old.lstat(), new.lstat()
    modes = tuple(info.st_mode for info in infos)
    if modes[0] != modes[1]:
        return Difference(path=name, what=f"mode {modes[0]:o} and {modes[1]:o}")
    if stat.S_ISLNK(modes[0]):
        links = old.readlink(), new.readlink()
        what = f"links to {links[0]} and {links[1]}"
        return None if links[0] == links[1] else Difference(path=name, what=what)
    if not stat.S_ISREG(modes[0]):
        return None
    offset = first_difference(old, new)
    if offset is None:
        return None
    sizes = f"{infos[0].st_size} and {infos[1].st_size} bytes"
    return Difference(path=name, what=f"differs from byte {offset} on ({sizes})", offset=offset)


def first_difference(old: Path, new: Path) -> int | None:
    """The offset of the first byte that is not the same in two files, or where the shorter one ends."""
    with old.open("rb") as left, new.open("rb") as right:
        offset = 0
        while True:
            blocks = left.read(_BLOCK_BYTES), right.read(_BLOCK_BYTES)
            if blocks[0] != blocks[1]:
                shorter = min(len(blocks[0]), len(blocks[1]))
                same = next((at for at in range(shorter) if blocks[0][at] != blocks[1][at]), shorter)
                return offset + same
            if not blocks[0]:
                return None
            offset += len(blocks[0])
