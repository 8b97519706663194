"""The plan of the C++ library: what decides it, and what lies ready for the program that builds it."""

import json
from dataclasses import replace
from pathlib import Path

from manyloong.roots.layout import Layout
from manyloong.roots.libstdcxx import OUTPUT, WORK, CxxPlan, gcc_source
from manyloong.roots.payload.libstdcxx import Recipe
from manyloong.targets import target

TARGET = target("manylinux_2_36_loongarch64")
PLAN = CxxPlan(
    layout=Layout(triplet=TARGET.triplet),
    zig_target=("-target", TARGET.zig_target),
    configuration={"cc.cfg": "--target=x\n"},
    library=True,
)


def test_the_source_is_pinned_with_its_licence() -> None:
    source = gcc_source()
    assert source.version.startswith("12.")
    assert source.licence == "GPL-3.0-or-later WITH GCC-exception-3.1"
    assert source.path.startswith("pool/")
    assert source.date


def test_what_decides_the_tree() -> None:
    others = (
        replace(PLAN, library=False),
        replace(PLAN, zig_target=("-target", "loongarch64-linux-gnu.2.38")),
        replace(PLAN, configuration={"cc.cfg": "--target=y\n"}),
        replace(PLAN, layout=Layout(triplet="x86_64-linux-gnu")),
    )
    keys = {plan.key("zig") for plan in (PLAN, *others)} | {PLAN.key("other")}
    assert len(keys) == len(others) + 2
    assert PLAN.key("zig") == replace(PLAN).key("zig")


def test_the_program_finds_what_it_is_told(tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    archive.write_bytes(b"x")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    argv = PLAN.argv(scratch, archive)
    assert argv[-2:] == (f"{WORK}/libstdcxx.py", f"{WORK}/spec.json")
    document = json.loads((scratch / "spec.json").read_text("utf-8"))
    recipe = Recipe(document)
    assert str(recipe.output) == OUTPUT
    assert (scratch / recipe.archive.name).read_bytes() == b"x"
    assert recipe.triplet == TARGET.triplet
    assert recipe.compile_cxx[0] == recipe.zig
