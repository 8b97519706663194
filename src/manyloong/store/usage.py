"""What a store holds, and the removal of what nobody needs."""

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from manyloong.store.locks import open_locked
from manyloong.store.scratch import remove_tree, scratch_directory, size_of, sweep_scratch

DAY_S = 86_400
_TOOLS = ("logs", "uv")


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeInfo:
    """One finished tree."""

    kind: str
    key: str
    size_bytes: int
    idle_days: float  # since a process last asked for it


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreInfo:
    """A store in figures; sizes are bytes on disk."""

    path: Path
    objects: int
    objects_bytes: int
    trees: tuple[TreeInfo, ...]
    partial_bytes: int
    scratch_bytes: int
    json_bytes: int
    kept_bytes: int  # folders of failed builds that --keep saved
    other_bytes: int  # logs, and caches of the tools we run

    @property
    def total_bytes(self) -> int:
        """All of it."""
        trees = sum(tree.size_bytes for tree in self.trees)
        fetched = self.objects_bytes + self.partial_bytes
        return trees + fetched + self.scratch_bytes + self.json_bytes + self.kept_bytes + self.other_bytes


def read_info(path: Path) -> StoreInfo:
    """Measure a store; missing parts count as empty."""
    objects = list((path / "objects" / "sha256").glob("*/*"))
    return StoreInfo(
        path=path,
        objects=len(objects),
        objects_bytes=sum(size_of(found) for found in objects),
        trees=tuple(_tree_info(tree, path) for tree in sorted((path / "trees").glob("*/*"))),
        partial_bytes=size_of(path / "partial"),
        scratch_bytes=size_of(path / "scratch"),
        json_bytes=size_of(path / "results") + size_of(path / "json"),
        kept_bytes=size_of(path / "kept"),
        other_bytes=sum(size_of(path / name) for name in _TOOLS),
    )


def _use_lock(path: Path, tree: Path) -> Path:
    return path / "locks" / "trees" / tree.parent.name / f"{tree.name}.use"


def _tree_info(tree: Path, path: Path) -> TreeInfo:
    lock = _use_lock(path, tree)
    used = lock.stat().st_mtime if lock.exists() else tree.stat().st_mtime
    return TreeInfo(
        kind=tree.parent.name,
        key=tree.name,
        size_bytes=size_of(tree),
        idle_days=max(0.0, (time.time() - used) / DAY_S),
    )


def prune_store(path: Path, *, keep_days: int | None) -> int:
    """Remove leftovers, and what was idle for ``keep_days`` (None: leftovers only); bytes freed."""
    (path / "scratch").mkdir(parents=True, exist_ok=True)
    freed = sweep_scratch(path / "scratch")
    if keep_days is None:
        return freed
    oldest = time.time() - keep_days * DAY_S
    return freed + _prune_trees(path, keep_days) + _prune_files(path, oldest)


def _prune_trees(path: Path, keep_days: int) -> int:
    freed = 0
    for tree in sorted((path / "trees").glob("*/*")):
        info = _tree_info(tree, path)
        if keep_days and info.idle_days < keep_days:
            continue
        descriptor = open_locked(_use_lock(path, tree), wait=False)
        if descriptor is None:
            continue  # a live process uses it
        with scratch_directory(path / "scratch", "pruned") as gone:
            tree.rename(gone / "tree")
        _use_lock(path, tree).unlink(missing_ok=True)
        os.close(descriptor)
        freed += info.size_bytes
    return freed


def _old_files(path: Path, oldest: float) -> Iterator[Path]:
    for pattern in ("objects/sha256/*/*", "partial/*", "results/*/*", "json/*/*", "kept/*", "logs/*", "uv"):
        for found in path.glob(pattern):
            with suppress(FileNotFoundError):
                if found.stat().st_mtime <= oldest:
                    yield found


def _prune_files(path: Path, oldest: float) -> int:
    descriptor = open_locked(path / "locks" / "objects.use", wait=False)
    if descriptor is None:
        return 0  # a live process uses objects
    freed = 0
    for found in _old_files(path, oldest):
        freed += size_of(found)
        remove_tree(found)
    os.close(descriptor)
    return freed
