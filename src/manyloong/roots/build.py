"""From packages to a finished tree, step by step; read this first."""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from manyloong.errors import HostError, IntegrityError
from manyloong.events import Listener, StageFinished, StageStarted
from manyloong.roots.bytecode import compile_stdlib
from manyloong.roots.finish import finish_tree
from manyloong.roots.model import RootLock, RootSpec
from manyloong.roots.unpack import unpack_packages
from manyloong.sandbox import Bind, Command, Emulator, Runner
from manyloong.store import Store
from manyloong.store.normalise import normalise_tree

MAX_WORKERS = 4  # more threads wait for the interpreter lock


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What runs programs of a new root; one of another architecture needs an emulator and a native root."""

    runner: Runner
    store: Store
    listener: Listener
    emulator: Emulator | None = None
    native: Path | None = None


def build_root(
    tree: Path, *, spec: RootSpec, lock: RootLock, packages: Mapping[str, Path], tools: Tools
) -> None:
    """Fill an empty directory: unpack, finish, loader cache, bytecode, normalise."""
    with _stage(lock, "unpack", tools.listener):
        _unpack(tree, spec=spec, lock=lock, packages=packages)
        finish_tree(tree, spec)
    with _stage(lock, "loader cache", tools.listener):
        write_loader_cache(tree, tools)
    with _stage(lock, "bytecode", tools.listener), tools.store.scratch("bytecode") as scratch:
        compile_stdlib(tree, native=tools.native or tree, runner=tools.runner, scratch=scratch)
    normalise_tree(tree, epoch=lock.epoch)


def build_emulator(tree: Path, *, spec: RootSpec, lock: RootLock, packages: Mapping[str, Path]) -> None:
    """Fill an empty directory with the few files that the spec takes."""
    _unpack(tree, spec=spec, lock=lock, packages=packages)
    normalise_tree(tree, epoch=lock.epoch)


def _unpack(tree: Path, *, spec: RootSpec, lock: RootLock, packages: Mapping[str, Path]) -> None:
    workers = min(len(os.sched_getaffinity(0)), MAX_WORKERS)
    unpack_packages(sorted(packages.items()), tree, spec=spec, epoch=lock.epoch, workers=workers)


def write_loader_cache(tree: Path, tools: Tools) -> None:
    """``/etc/ld.so.cache``, by the root's own ldconfig; not its auxiliary cache, which has inode numbers."""
    with tools.store.scratch("ldconfig") as scratch:
        done = tools.runner.run(
            Command(
                argv=("/usr/sbin/ldconfig", "-X", "-i", "-C", "/build/ld.so.cache"),
                root=tree,
                log=scratch / "log",
                binds=(Bind(source=scratch, target="/build", writable=True),),
                environment=(("PATH", "/usr/bin"),),
                emulator=tools.emulator,
            )
        )
        if not done.succeeded:
            raise HostError(f"ldconfig failed in the new root: {done.last_lines()}", hint="manyloong doctor")
        cache = scratch / "ld.so.cache"
        if not cache.is_file():
            raise IntegrityError("ldconfig of the new root left no cache")
        (tree / "etc/ld.so.cache").write_bytes(cache.read_bytes())


@contextmanager
def _stage(lock: RootLock, stage: str, listener: Listener) -> Iterator[None]:
    listener(StageStarted(job=lock.root, stage=stage))
    start = time.monotonic()
    yield
    listener(StageFinished(job=lock.root, stage=stage, seconds=time.monotonic() - start))
