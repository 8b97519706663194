"""Two trees side by side: whether they are the same, and what differs first."""

import hashlib
import stat
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO

from manyloong.store.normalise import tree_digest, walk_in_order, write_tar

_BLOCK_BYTES = 1 << 20
_SHOWN_BYTES = 8  # where files differ


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
    with old.open("rb") as left, new.open("rb") as right:
        return _of_content(name, left, right)


def _of_content(name: str, left: IO[bytes], right: IO[bytes]) -> Difference | None:
    """The first byte that differs in two files that can be sought in, with what is there."""
    offset = _first_difference(left, right)
    if offset is None:
        return None
    sizes, found = [], []
    for stream in (left, right):
        sizes.append(stream.seek(0, 2))
        stream.seek(offset)
        found.append(stream.read(_SHOWN_BYTES).hex(" ") or "nothing")
    what = f"differs from byte {offset} on ({sizes[0]} and {sizes[1]} bytes): {found[0]} and {found[1]}"
    return Difference(path=name, what=what, offset=offset)


def first_difference(old: Path, new: Path) -> int | None:
    """The offset of the first byte that is not the same in two files, or where the shorter one ends."""
    with old.open("rb") as left, new.open("rb") as right:
        return _first_difference(left, right)


def _first_difference(left: IO[bytes], right: IO[bytes]) -> int | None:
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


def tar_differences(old: Path, new: Path, *, limit: int = 20) -> tuple[Difference, ...]:
    """The first members that differ between two tars without compression, by name; or their order."""
    with tarfile.open(old, "r:") as one, tarfile.open(new, "r:") as two:
        left, right = ({member.name: member for member in archive} for archive in (one, two))
        found: list[Difference] = []
        for name in sorted(left.keys() | right.keys()):
            if name not in left or name not in right:
                where = "first" if name in left else "second"
                difference: Difference | None = Difference(path=name, what=f"only in the {where}")
            else:
                difference = _of_members(one, left[name], two, right[name])
            found += [difference] if difference else []
            if len(found) == limit:
                break
    if not found and list(left) != list(right):
        found.append(Difference(path="members", what="in another order"))
    return tuple(found)


def _of_members(
    one: tarfile.TarFile, old: tarfile.TarInfo, two: tarfile.TarFile, new: tarfile.TarInfo
) -> Difference | None:
    for what in ("type", "mode", "linkname", "mtime", "uid", "gid", "uname", "gname"):
        values = getattr(old, what), getattr(new, what)
        if values[0] != values[1]:
            both = " and ".join(f"{value:o}" if what == "mode" else str(value) for value in values)
            return Difference(path=old.name, what=f"{what} {both}")
    left, right = one.extractfile(old) if old.isfile() else None, two.extractfile(new)
    return _of_content(old.name, left, right) if left and right else None
