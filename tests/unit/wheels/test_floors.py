"""Which roots a wheel is tested in, and what is said where it is not."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest

from manyloong.errors import FetchError, GoneError, InputError
from manyloong.events import ignore
from manyloong.roots import Root, Toolchain
from manyloong.roots.floor import find_floor
from manyloong.roots.interpreters import FloorParts
from manyloong.store import RemoteFile, Store
from manyloong.targets import host, known_pythons, target
from manyloong.wheels.backend import prepare_workplace
from manyloong.wheels.cross import PYTHON_HOME, cross_config
from manyloong.wheels.doors import Doors
from manyloong.wheels.floors import (
    FloorRoot,
    SourcePython,
    ensure_floor_root,
    ensure_source_python,
    missing_reason,
    parse_test_roots,
)
from manyloong.wheels.identifier import parse_pythons, serves
from manyloong.wheels.kit import Kit
from manyloong.wheels.lane import prepare_cross, source_trees
from manyloong.wheels.requirements import Supply
from manyloong.wheels.test import TestPlan, dependency_platform, run_tests

TARGET = target("manylinux_2_36")
PYTHONS = {row.tag: row for row in known_pythons()}
TREE = Path("/tree")
CURRENT = Root(name="target-loong64", id="c" * 64, path=TREE)
FLOOR = Root(name="floor-2_36-loong64", id="f" * 64, path=TREE)
KIT = Kit(
    target=TARGET,
    host=host("x86_64"),
    native_root=Root(name="native-amd64", id="n" * 64, path=TREE),
    target_root=CURRENT,
    toolchain=Toolchain(id="t", zig=TREE, target=TREE, native=TREE),
    qemu=None,
    ports={},
)
PARTS = FloorParts(
    native_root=KIT.native_root,
    build_root=KIT.native_root,
    target_root=CURRENT,
    toolchain=KIT.toolchain,
    emulator=None,
    ports=None,
    compiler="t",
)
NOW = datetime(2026, 11, 22, tzinfo=UTC)


class Mirrors:
    """Mirrors that do not have what is asked for, or that do not answer at all."""

    def __init__(self, *, answer: bool) -> None:
        self.answer, self.asked = answer, 0

    def fetch(self, files: tuple[RemoteFile, ...], **_: object) -> dict[str, Path]:
        self.asked += 1
        if self.answer:
            raise GoneError("gone", names=tuple(file.name for file in files))
        raise FetchError("no address answers")


class Outside:
    """What asking for sources needs of a build's doors."""

    def __init__(self, tmp_path: Path, mirrors: Mirrors) -> None:
        self.store, self.fetcher, self.mirrors = Store(tmp_path), mirrors, ()
        self.listener, self.runner = ignore, None


def test_choices_of_roots() -> None:
    assert parse_test_roots("all") == ("current", "floor", "imported")
    assert parse_test_roots("floor, current") == ("current", "floor")
    assert parse_test_roots("floor") == ("floor",)
    for text in ("", "newest", "current,newest"):
        with pytest.raises(InputError, match="--test-roots"):
            parse_test_roots(text)


def test_both_roots_or_one() -> None:
    cp313 = PYTHONS["cp313"]
    kit = replace(KIT, floors=(FloorRoot(python=cp313, name=FLOOR.name, root=FLOOR),))
    assert kit.test_roots(cp313) == (CURRENT, FLOOR)
    assert replace(kit, current=False).test_roots(cp313) == (FLOOR,)
    assert KIT.test_roots(cp313) == (CURRENT,)
    assert kit.built_ids(cp313) == ((CURRENT.name, CURRENT.id), (FLOOR.name, FLOOR.id))


def test_a_root_that_a_build_needs_is_not_tested_in_where_only_the_user_s_own_are_asked_for() -> None:
    cp313, cp314 = PYTHONS["cp313"], PYTHONS["cp314"]
    rows = (
        FloorRoot(python=cp313, name=FLOOR.name, root=FLOOR),
        FloorRoot(python=cp314, name="musl-1_2-loong64-cp314", root=None, reason="not reachable"),
    )
    kit = replace(KIT, floors=rows, current=False, own_only=True)
    assert kit.test_roots(cp313) == ()
    assert kit.untested(cp314) == ()


def test_a_python_without_a_root_says_why() -> None:
    reason = "source of cpython 3.14.8 not reachable"
    cp314, cp311 = PYTHONS["cp314"], PYTHONS["cp311"]
    kit = replace(
        KIT, floors=(FloorRoot(python=cp314, name="floor-2_36-loong64-cp314", root=None, reason=reason),)
    )
    assert kit.untested(cp314) == (("floor-2_36-loong64-cp314", reason),)
    assert kit.untested(cp311) == ((CURRENT.name, "it has no CPython 3.11"),)
    assert kit.test_roots(cp311) == ()


def test_what_was_not_tested_is_in_the_reports(tmp_path: Path) -> None:
    plan = TestPlan(
        wheel=tmp_path / "x-1-cp311-cp311-linux_loongarch64.whl",
        python=PYTHONS["cp311"],
        command=None,
        requires=(),
        find_links=(),
        project=None,
    )
    reports = run_tests(plan, KIT, tmp_path, cast("Doors", None), cast("Supply", None))
    assert [(report.outcome, report.root, report.reason) for report in reports] == [
        ("not tested", CURRENT.name, "it has no CPython 3.11")
    ]


def test_dependencies_must_run_on_the_floor_where_it_is_tested() -> None:
    cp313 = PYTHONS["cp313"]
    newest = dependency_platform(KIT, cp313).tags
    kit = replace(KIT, floors=(FloorRoot(python=cp313, name="f", root=FLOOR),))
    floor = dependency_platform(kit, cp313).tags
    assert newest[0] == "manylinux_2_43_loongarch64"
    assert floor == ("manylinux_2_36_loongarch64",)


def test_mirrors_without_the_source_are_not_asked_again_at_once(tmp_path: Path) -> None:
    mirrors = Mirrors(answer=True)
    doors = cast("Doors", Outside(tmp_path, mirrors))
    cp314 = PYTHONS["cp314"]
    found = ensure_floor_root(cp314, TARGET, PARTS, doors, clock=lambda: NOW)
    assert found.root is None
    assert "cpython 3.14.8" in found.reason
    row = find_floor("floor-2_36-loong64-cp314")
    assert missing_reason(row, doors.store, doors.mirrors).endswith("not reachable")
    assert not missing_reason(row, doors.store, ("https://another.example",))
    ensure_floor_root(cp314, TARGET, PARTS, doors, clock=lambda: NOW + timedelta(hours=1))
    assert mirrors.asked == 1
    ensure_floor_root(cp314, TARGET, PARTS, doors, clock=lambda: NOW + timedelta(days=2))
    assert mirrors.asked == 2


def test_a_network_that_is_down_is_not_noted(tmp_path: Path) -> None:
    mirrors = Mirrors(answer=False)
    doors = cast("Doors", Outside(tmp_path, mirrors))
    for _ in range(2):
        assert ensure_floor_root(PYTHONS["cp314"], TARGET, PARTS, doors, clock=lambda: NOW).root is None
    assert mirrors.asked == 2


def test_a_source_python_that_cannot_be_had_is_an_error_of_its_job(tmp_path: Path) -> None:
    doors = cast("Doors", Outside(tmp_path, Mirrors(answer=True)))
    cp312 = PYTHONS["cp312"]
    found = ensure_source_python(cp312, TARGET, PARTS, doors)
    assert isinstance(found.error, FetchError)
    assert "source of CPython 3.12.13 not reachable" in found.error.message
    with pytest.raises(FetchError, match="cp312"):
        replace(KIT, sources=(found,)).source_python(cp312)
    assert KIT.source_python(PYTHONS["cp313"]) is None
    assert SourcePython(python=cp312).binds() == ()


def test_names_of_pythons() -> None:
    pythons = parse_pythons("3.13,python3.13t,cp311")
    assert pythons is not None
    assert [row.tag for row in pythons] == ["cp311", "cp313", "cp313t"]
    assert PYTHONS["cp313t"].for_build.tag == "cp313"
    assert PYTHONS["cp313t"].interpreter == "cp313"
    assert PYTHONS["cp311"].for_build.executable == "/opt/manyloong/python/bin/python3.11"


def test_a_free_threaded_python_takes_its_own_wheels_and_no_abi3() -> None:
    python = PYTHONS["cp313t"]
    assert serves("x-1-cp313-cp313t-manylinux_2_36_loongarch64.whl", python)
    assert not serves("x-1-cp313-cp313-manylinux_2_36_loongarch64.whl", python)
    assert not serves("x-1-cp39-abi3-manylinux_2_36_loongarch64.whl", python)
    assert serves("x-1-py3-none-manylinux_2_36_loongarch64.whl", python)


def test_whom_a_source_python_presents_as() -> None:
    config = cross_config(TARGET, PYTHONS["cp313t"])
    assert (config["abiflags"], config["python_home"]) == ("t", PYTHON_HOME)
    config = cross_config(TARGET, PYTHONS["cp313"])
    assert config["abiflags"] == ""
    assert config["python_home"].endswith("/python/cp313")


def test_a_build_for_a_source_python_sees_its_headers_and_a_native_interpreter(
    tmp_path: Path,
) -> None:
    home, native = tmp_path / "home", tmp_path / "native"
    (home / "include").mkdir(parents=True)
    (home / "include/Python.h").write_text("")
    native.mkdir()
    cp311 = PYTHONS["cp311"]
    kit = replace(KIT, sources=(SourcePython(python=cp311, home=home, native=native),))
    workplace = prepare_workplace(tmp_path / "build")
    prepare_cross(workplace, kit, cp311)
    assert (workplace.path / ".python/include/Python.h").is_file()
    assert PYTHON_HOME == "/build/.python"
    assert source_trees(kit, cp311) == ((native, "/opt/manyloong/python"),)
    assert source_trees(kit, PYTHONS["cp313"]) == ()
