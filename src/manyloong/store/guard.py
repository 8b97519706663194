"""Whether a finished tree is still what it was: one line for each path, written when the tree was whole.

A path whose size and times are what they were is taken as unchanged; another one is hashed again. So looking
at a tree costs a look at each path, and a byte that somebody changed is seen all the same.
"""

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_SEPARATOR = b"\0"
_END = b"\n\0"  # no path has a zero byte in it


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a look at a tree gave."""

    changed: tuple[str, ...]  # paths that are not what they were, in order
    renewed: bytes | None  # lines to keep instead, where only times had changed


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """Something of the store that is not what it was; of a tree, the paths."""

    kind: str
    key: str
    paths: tuple[str, ...] = ()


def write_lines(tree: Path) -> bytes:
    """The lines of a tree, every file hashed."""
    return _joined({name: _line(path, info) for name, path, info in _entries(tree)})


def look_at(tree: Path, lines: bytes, *, thorough: bool = False) -> Look:
    """Every path that was changed, added or removed since; ``thorough`` hashes files whatever their times."""
    before = dict(_parsed(lines))
    now: dict[bytes, bytes] = {}
    changed: list[bytes] = []
    for name, path, info in _entries(tree):
        old = before.get(name)
        if old is not None and not thorough and old.rpartition(_SEPARATOR)[0] == _state(info):
            now[name] = old
            continue
        now[name] = _line(path, info)
        if old is None or _content(old) != _content(now[name]):
            changed.append(name)
    changed += before.keys() - now.keys()
    renewed = _joined(now) if not changed and now != before else None
    return Look(changed=tuple(os.fsdecode(name) for name in sorted(changed)), renewed=renewed)


def _entries(tree: Path) -> Iterator[tuple[bytes, bytes, os.stat_result]]:
    """Name below the tree, whole path and state of everything in it."""
    top = os.fsencode(tree)
    waiting = [top]
    while waiting:
        folder = waiting.pop()
        with os.scandir(folder) as found:
            for entry in found:
                info = entry.stat(follow_symlinks=False)
                yield entry.path[len(top) + 1 :], entry.path, info
                if stat.S_ISDIR(info.st_mode):
                    waiting.append(entry.path)


def _state(info: os.stat_result) -> bytes:
    """Mode, and of files and links size and times: what shows that somebody wrote."""
    if stat.S_ISDIR(info.st_mode):
        return b"%o" % info.st_mode
    return b"%o %d %d %d" % (info.st_mode, info.st_size, info.st_mtime_ns, info.st_ctime_ns)


def _line(path: bytes, info: os.stat_result) -> bytes:
    digest = b""
    if stat.S_ISLNK(info.st_mode):
        digest = hashlib.sha256(os.readlink(path)).hexdigest().encode()  # noqa: PTH115 -- bytes
    elif stat.S_ISREG(info.st_mode):
        with open(path, "rb") as stream:  # noqa: PTH123 -- a path of bytes
            digest = hashlib.file_digest(stream, "sha256").hexdigest().encode()
    return _state(info) + _SEPARATOR + digest


def _content(line: bytes) -> tuple[bytes, bytes]:
    """Mode and digest of a line: what must not change."""
    state, _, digest = line.rpartition(_SEPARATOR)
    return state.partition(b" ")[0], digest


def _joined(lines: dict[bytes, bytes]) -> bytes:
    return _END.join(name + _SEPARATOR + lines[name] for name in sorted(lines))


def _parsed(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    for row in data.split(_END) if data else ():
        name, _, line = row.partition(_SEPARATOR)
        yield name, line
