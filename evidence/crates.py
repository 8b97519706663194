"""Crates that Debian packages, as one directory source: pinned by a lock of the same form as a root's."""

from pathlib import Path

from manyloong.cli.doors import open_outside
from manyloong.events import ignore
from manyloong.roots import RootSpec
from manyloong.roots.ensure import Sources, ensure_root_from
from manyloong.roots.lock import parse_lock

REGISTRY = "usr/share/cargo/registry"


def packaged_crates(lock_file: Path) -> Path:
    """The folder of the crates in a lock, fetched where they are not in the cache."""
    doors = open_outside(ignore, offline=False, locked=True).doors
    lock = parse_lock(lock_file.read_text("utf-8"), where=lock_file.name)
    spec = RootSpec(
        name="crates", role="crates", architecture=lock.architecture, suite=lock.suite,
        packages=tuple(package.name for package in lock.packages), only=(f"{REGISTRY}/*",),
    )  # fmt: skip
    sources = Sources(
        store=doors.store, fetcher=doors.fetcher, mirrors=doors.mirrors, listener=ignore, locked=True
    )
    return ensure_root_from(spec, lock, runner=doors.runner, sources=sources).path / REGISTRY
