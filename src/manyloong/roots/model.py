"""The values of this room: what a root shall hold, what exactly it holds, and the root itself."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class RootSpec:
    """What is wanted of a root: a row of ``roots.toml`` for one architecture.

    Patterns are ``fnmatch`` patterns over paths without a leading slash; ``keep`` wins over ``drop``.
    ``only``, where not empty, is all that is unpacked.
    """

    name: str  # ROLE-ARCHITECTURE, e.g. native-amd64
    role: str
    architecture: str  # Debian's name
    suite: str
    packages: tuple[str, ...]
    without: tuple[str, ...] = ()  # dependencies that count as met although they are not there
    only: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    links: tuple[tuple[str, str], ...] = ()  # path, what it points to: alternatives and the like
    directories: tuple[str, ...] = ()  # empty mount points
    files: tuple[tuple[str, str], ...] = ()  # path, text


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedPackage:
    """One .deb, by the bytes that decide it; ``path`` is below a mirror's base address."""

    name: str
    version: str
    path: str
    sha256: str
    size: int
    licence: str = ""  # as its copyright file says; it decides nothing

    @property
    def source_directory(self) -> str:
        """The pool directory, which all binary packages of one source share."""
        return self.path.rpartition("/")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class RootLock:
    """Every byte that decides a root; equal locks give equal trees."""

    root: str
    architecture: str
    suite: str
    date: datetime  # of the index it was resolved from, UTC; also every file's mtime
    recipe: int  # bump when root-building code changes its output
    packages: tuple[LockedPackage, ...]  # sorted by name
    tree: str = ""  # SHA-256 of the finished tree (store.normalise.tree_digest), where it was verified
    spec: str = ""  # SHA-256 of the spec that ``tree`` is of

    @property
    def epoch(self) -> int:
        """The date in seconds."""
        return int(self.date.timestamp())


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """A finished tree. ``drift`` says, one line each, where it differs from the committed lock."""

    name: str
    id: str
    path: Path
    drift: tuple[str, ...] = ()
