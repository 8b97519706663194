"""Roots built twice from the same files, in two stores: equal bytes."""

import os
import shutil
from pathlib import Path

import pytest

from manyloong.config.mirrors import debian_mirrors
from manyloong.config.paths import cache_directory
from manyloong.events import ignore
from manyloong.roots import ensure_root
from manyloong.sandbox import BubblewrapRunner, probe_host
from manyloong.store import HttpFetcher, Store
from manyloong.store.normalise import tree_digest
from manyloong.targets import host

pytestmark = pytest.mark.tools


def test_roots_built_twice_are_equal(tmp_path: Path) -> None:
    names = (f"native-{host(os.uname().machine).debian}", "target-loong64")
    cache = cache_directory(os.environ)
    runner = BubblewrapRunner(probe_host(cache_dir=cache))

    def digests(path: Path) -> list[str]:
        store = Store(path)
        fetcher, mirrors = HttpFetcher(store), debian_mirrors(os.environ)
        roots = [
            ensure_root(name, store=store, fetcher=fetcher, mirrors=mirrors, runner=runner, listener=ignore)
            for name in names
        ]
        return [tree_digest(root.path) for root in roots]

    first = digests(cache)
    shutil.copytree(cache / "objects", tmp_path / "store" / "objects", copy_function=os.link)
    assert digests(tmp_path / "store") == first
