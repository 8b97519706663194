"""Roots and toolchain made from downloads that are there: a cache with the warm one's objects, no trees."""

import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from benchmarks.commands import take_command
from benchmarks.goals import ROOTS, TOOLCHAIN

from manyloong.cli.doors import Outside
from manyloong.store import HttpFetcher, Store
from manyloong.targets import Target
from manyloong.wheels.kit import ensure_kit


def take_roots(target: Target, *, outside: Outside, place: Path) -> Iterator[tuple[str, float]]:
    """One round: the command that makes both roots, then the toolchain in this process."""
    doors = outside.doors
    _link_downloads(doors.store.path, place)
    names = (f"native-{outside.host.debian}", target.test_root)
    variables = {"MANYLOONG_CACHE_DIR": str(place)}
    yield from take_command(ROOTS, "root", "build", *names, "--offline", variables=variables)
    store = Store(place)
    fresh = replace(doors, store=store, fetcher=HttpFetcher(store, offline=True))
    began = time.perf_counter()
    ensure_kit(target, outside.host, doors=fresh)  # finds both roots, so it makes what is left
    yield TOOLCHAIN, time.perf_counter() - began
    store.release()


def _link_downloads(warm: Path, fresh: Path) -> None:
    """Hard links: the same bytes under a second name, in no time. What drifted is known there too."""
    shutil.copytree(warm / "objects", fresh / "objects", copy_function=os.link)
    if (warm / "results" / "drift").is_dir():
        shutil.copytree(warm / "results" / "drift", fresh / "results" / "drift")
