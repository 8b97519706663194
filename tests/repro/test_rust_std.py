"""Rust's standard library for musl, compiled again on one core: byte for byte the same."""

import os
from functools import partial
from pathlib import Path

import pytest

from manyloong.cli.doors import open_outside
from manyloong.events import ignore
from manyloong.roots.compile import CompileDoors
from manyloong.roots.rust_std import ensure_rust_layers
from manyloong.store import Store
from manyloong.store.normalise import tree_digest
from manyloong.targets import target
from manyloong.wheels.floors import compile_doors
from manyloong.wheels.kit import ensure_kit, root_of


@pytest.mark.repro
def test_the_standard_library_is_the_same_when_it_is_compiled_again(tmp_path: Path) -> None:
    outside = open_outside(ignore, offline=False, locked=True)
    kit = ensure_kit(target("musllinux_1_2"), outside.host, doors=outside.doors)

    def library(doors: CompileDoors) -> Path:
        found = ensure_rust_layers(
            kit.host, kit.target,
            native_root=kit.native_root, toolchain=kit.toolchain,
            root_of=partial(root_of, doors=outside.doors), doors=doors,
        )  # fmt: skip
        return found[-1].path

    usual = compile_doors(outside.doors)
    stored = library(usual)
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        again = library(
            CompileDoors(
                store=Store(tmp_path / "store"),
                fetcher=usual.fetcher,
                mirrors=usual.mirrors,
                runner=usual.runner,
                listener=ignore,
            )
        )
    finally:
        os.sched_setaffinity(0, cores)
    assert again != stored
    assert tree_digest(again) == tree_digest(stored)
