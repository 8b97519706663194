"""The same plan gives the same tree."""

from pathlib import Path

import pytest

from manyloong.cli.doors import open_outside
from manyloong.events import ignore
from manyloong.roots.libstdcxx import gcc_source
from manyloong.roots.sources import ensure_sources
from manyloong.roots.toolchain import _Builder, plan_native, plan_target
from manyloong.sandbox import Runner
from manyloong.store import Store
from manyloong.store.normalise import tree_digest
from manyloong.wheels.kit import Kit

pytestmark = pytest.mark.tools


def test_equal_plans_give_equal_trees(outside_kit: tuple[Kit, Runner], tmp_path: Path) -> None:
    kit, runner = outside_kit
    zig, root = kit.toolchain.zig, kit.native_root.path
    store = Store(tmp_path / "store")
    pinned, doors = gcc_source(), open_outside(ignore, offline=False, locked=False).doors
    source = ensure_sources([pinned], fetcher=doors.fetcher, mirrors=doors.mirrors, listener=ignore)[
        pinned.name
    ]
    builder = _Builder(zig=zig, root=root, source=source, store=store, runner=runner, listener=ignore)
    plan = plan_native(kit.target, kit.host, native_root=root)
    again = builder.ensure("toolchain-native", plan.key(zig.name), plan)
    assert again.name == kit.toolchain.native.name
    assert tree_digest(again) == tree_digest(kit.toolchain.native)


def test_the_targets_key_is_the_one_of_its_inputs(outside_kit: tuple[Kit, Runner]) -> None:
    kit, _ = outside_kit
    plan = plan_target(kit.target, native_root=kit.native_root.path, target_root=kit.target_root.path)
    assert plan.key(kit.toolchain.zig.name) == kit.toolchain.target.name
