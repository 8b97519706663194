"""The toolchain and the root of musl before they are built: what decides them, and what is laid where."""

from dataclasses import replace
from pathlib import Path

import pytest

from manyloong.roots.floor import find_floor, floor_name
from manyloong.roots.layout import Layout
from manyloong.roots.musl import plan_musl, soname
from manyloong.roots.musl_tree import lay_libc
from manyloong.roots.runtime import libc_source
from manyloong.targets import Target, all_targets, distribution_target, known_pythons, policy, target

MUSL, GLIBC = target("musllinux_1_2"), target("manylinux_2_36")
PLAN = plan_musl(MUSL, native_root=Path("/none"), binutils=GLIBC.triplet)


def test_the_library_has_the_name_that_the_policy_allows() -> None:
    assert soname(MUSL) in policy(MUSL).allowed
    assert PLAN.specification()["musl"] == {
        "archive": "/build/musl",
        "triplet": "loongarch64-linux-musl",
        "soname": "libc.musl-loongarch64.so.1",
        "loader": "/lib/ld-musl-loongarch64.so.1",
        "binaries": "/opt/manyloong/target/bin",
    }


def test_it_is_the_first_release_for_the_architecture() -> None:
    assert libc_source(MUSL).version == "1.2.5"


def test_binutils_are_those_of_the_build_root_under_both_names() -> None:
    for name in ("nm", "strip", "readelf"):
        path = f"/usr/bin/loongarch64-linux-gnu-{name}"
        assert PLAN.tree.links[f"bin/{name}"] == PLAN.tree.links[f"bin/loongarch64-linux-musl-{name}"] == path


def test_all_that_decides_the_tree_is_in_its_key() -> None:
    other = replace(PLAN.tree, layout=Layout(triplet=MUSL.triplet, tree="/elsewhere"))
    keys = {
        PLAN.key("zig-1"),
        PLAN.key("zig-2"),
        replace(PLAN, tree=other).key("zig-1"),
        replace(PLAN, target=replace(MUSL, interpreter="/lib/other")).key("zig-1"),
    }
    assert len(keys) == 4


def test_clang_is_told_of_musl() -> None:
    words = PLAN.tree.files["lib/clang/cc.cfg"].split()
    assert "--target=loongarch64-linux-musl" in words
    assert not any("glibc" in word.lower() for word in words)


def test_a_root_for_each_python_named_as_the_floors_are() -> None:
    pythons = {row.tag: row for row in known_pythons()}
    assert floor_name(MUSL, pythons["cp313"]) == "musl-1_2-loong64"
    assert find_floor("musl-1_2-loong64-cp313t").python == MUSL.python(pythons["cp313t"])
    assert [source.name for source in find_floor("musl-1_2-loong64").sources] == [
        "musl",
        "busybox",
        "cpython",
    ]


@pytest.mark.parametrize("row", all_targets(), ids=lambda row: row.tag)
def test_what_no_root_brings_is_built_on_what_one_does(row: Target) -> None:
    base = distribution_target(row)
    assert not base.from_source
    assert base.architecture == MUSL.architecture


def test_the_loader_and_the_library_are_one_file(tmp_path: Path) -> None:
    libraries, tree = tmp_path / "lib", tmp_path / "tree"
    libraries.mkdir()
    (tree / "usr/lib").mkdir(parents=True)
    (tree / "lib").symlink_to("usr/lib")
    (libraries / soname(MUSL)).write_text("musl")
    (libraries / "libc.so").symlink_to(soname(MUSL))
    lay_libc(tree, MUSL, libraries)
    assert (tree / "usr/lib/ld-musl-loongarch64.so.1").read_text() == "musl"
    assert (tree / "usr/lib" / soname(MUSL)).readlink() == Path("ld-musl-loongarch64.so.1")
