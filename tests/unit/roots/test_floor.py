"""Recipes of what is built from source: rows, keys, names, and what a build is told."""

from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest

from manyloong.errors import BuildError, FetchError, NotFoundError
from manyloong.events import Event, StageFinished, ignore
from manyloong.roots import Root, Toolchain
from manyloong.roots.compile import CompileDoors, Recipe, Workshop, ensure_compiled
from manyloong.roots.floor import all_floors, ensure_floor, find_floor, floor_recipes, is_floor, last_floor
from manyloong.roots.interpreters import FloorParts, Tree, all_builds, find_build, needs_native, target_recipe
from manyloong.roots.pythons import read_built_python
from manyloong.roots.sources import PinnedSource
from manyloong.sandbox import Command
from manyloong.store import RemoteFile, Store
from manyloong.targets import known_pythons, target
from manyloong.testing.runner import FakeRunner

TARGET = target("manylinux_2_36")
PYTHONS = {row.tag: row for row in known_pythons()}
SOURCE = PinnedSource(
    name="thing", version="1", licence="MIT", sha256="0" * 64, size_bytes=None, urls=("https://x/t",)
)
RECIPE = Recipe(
    name="thing 1",
    kind="thing",
    program="glibc",
    stages=("unpack", "make"),
    sources=(SOURCE,),
    variables=(("A", "b"),),
    inputs=("1",),
)


class Archives:
    """Answers for the files that it has."""

    def __init__(self, place: Path, *, has: bool = True) -> None:
        self.place, self.has = place, has

    def fetch(self, wanted: tuple[RemoteFile, ...], **_: object) -> dict[str, Path]:
        if not self.has:
            raise FetchError("source not reachable on any mirror: thing 1")
        (self.place / "archive").write_bytes(b"archive")
        return {file.sha256: self.place / "archive" for file in wanted}


def doors(tmp_path: Path, runner: FakeRunner, *, has: bool = True) -> CompileDoors:
    archives = Archives(tmp_path, has=has)
    return CompileDoors(
        store=Store(tmp_path / "store"),
        fetcher=archives,  # type: ignore[arg-type]
        mirrors=(),
        runner=runner,
        listener=ignore,
    )


def parts(tmp_path: Path) -> FloorParts:
    def root(name: str) -> Root:
        return Root(name=name, id=name * 8, path=tmp_path / name)

    tree = tmp_path / "tree"
    return FloorParts(
        native_root=root("native"),
        build_root=root("build"),
        target_root=root("target"),
        toolchain=Toolchain(id="t", zig=tree, target=tree, native=tree),
        emulator=None,
        ports=None,
        compiler="t",
    )


def bound(command: Command, target: str) -> Path:
    return next(bind.source for bind in command.binds if bind.target == target)


def test_stages_run_in_order_and_what_they_leave_is_the_tree(tmp_path: Path) -> None:
    def script(command: Command) -> int:
        (bound(command, "/tmp/out") / command.argv[-1]).write_text("made")
        return 0

    runner = FakeRunner(script)
    events: list[Event] = []
    open_doors = replace(doors(tmp_path, runner), listener=events.append)
    tree = ensure_compiled(RECIPE, Workshop(root=tmp_path), open_doors)
    assert sorted(path.name for path in tree.iterdir()) == ["make", "unpack"]
    assert [command.argv[-1] for command in runner.commands] == ["unpack", "make"]
    assert [event.stage for event in events if isinstance(event, StageFinished)] == ["unpack", "make"]
    assert (bound(runner.commands[0], "/io")).name == "io"
    assert not any(command.network for command in runner.commands)
    ensure_compiled(RECIPE, Workshop(root=tmp_path), open_doors)
    assert len(runner.commands) == 2  # not again


def test_a_stage_that_fails_says_which_and_leaves_nothing(tmp_path: Path) -> None:
    runner = FakeRunner(lambda command: int(command.argv[-1] == "make"), output=lambda _: "cc: no such thing")
    open_doors = doors(tmp_path, runner)
    with pytest.raises(
        BuildError, match=r"thing 1: stage 'make' failed \(exit code 1\):\n(.|\n)*no such thing"
    ):
        ensure_compiled(RECIPE, Workshop(root=tmp_path), open_doors)
    assert open_doors.store.tree_path("thing", RECIPE.key()) is None


@pytest.mark.parametrize(
    "other",
    [
        replace(RECIPE, variables=(("A", "c"),)),
        replace(RECIPE, inputs=("2",)),
        replace(RECIPE, program="busybox"),
        replace(RECIPE, stages=("unpack",)),
        replace(RECIPE, sources=(replace(SOURCE, sha256="1" * 64),)),
        replace(RECIPE, patches=("cpython-3.11-loongarch-triplet.patch",)),
    ],
)
def test_all_that_decides_a_tree_is_in_its_key(other: Recipe) -> None:
    assert other.key() != RECIPE.key()


def test_where_a_source_comes_from_is_not_in_the_key() -> None:
    moved = replace(RECIPE, sources=(replace(SOURCE, urls=("https://y/t",)),))
    assert moved.key() == RECIPE.key()


def test_every_python_has_a_recipe_and_every_recipe_a_python() -> None:
    assert {build.tag for build in all_builds()} == set(PYTHONS)
    for build in all_builds():
        assert build.source.version.startswith(PYTHONS[build.tag].version + ".")
        assert ("--disable-gil" in build.options) == PYTHONS[build.tag].free_threaded
    with pytest.raises(NotFoundError, match="cp27"):
        find_build("cp27")


def test_patches_say_where_they_stand_upstream() -> None:
    folder = files("manyloong.roots").joinpath("patches")
    patches = [path for path in folder.iterdir() if path.name.endswith(".patch")]
    assert {path.name for path in patches} == {name for build in all_builds() for name in build.patches}
    assert all("\nUpstream-Status: " in path.read_text("utf-8") for path in patches)


def test_a_root_for_each_floor_and_python() -> None:
    names = [floor.name for floor in all_floors()]
    assert len(set(names)) == len(names)
    assert {"floor-2_36-loong64", "floor-2_36-loong64-cp311", "floor-2_36-loong64-cp313t"} < set(names)
    assert all(is_floor(name) for name in names)
    assert not is_floor("target-loong64")
    assert find_floor("floor-2_38-loong64").sources[0].version == "2.38"
    with pytest.raises(NotFoundError, match="floor-9"):
        find_floor("floor-9")


def test_what_a_cross_build_of_cpython_is_told(tmp_path: Path) -> None:
    made = parts(tmp_path)
    recipe = target_recipe(PYTHONS["cp313t"], TARGET, compiler=made.compiler, ports=None)
    told = dict(recipe.variables)
    assert told["NAME"] == "python3.13t"
    assert told["OPTIONS"] == "--disable-gil"
    assert told["BUILD_PYTHON"] == "/usr/bin/python3.13"
    assert told["TRIPLET"] == "loongarch64-linux-gnu"
    assert told["PORTS"] == ""
    with_ports = target_recipe(
        PYTHONS["cp313t"],
        TARGET,
        compiler=made.compiler,
        ports=Tree(id="p", path=tmp_path),
    )
    assert dict(with_ports.variables)["PORTS"]
    assert with_ports.key() != recipe.key()


def test_only_versions_that_the_native_root_lacks_are_built_for_it() -> None:
    assert {tag for tag, python in PYTHONS.items() if needs_native(python)} == {"cp311", "cp312"}


def test_glibc_is_made_for_the_oldest_kernel_and_by_gcc(tmp_path: Path) -> None:
    libc, busybox, _ = floor_recipes(find_floor("floor-2_36-loong64"), parts(tmp_path))
    told = dict(libc.variables)
    assert (told["VERSION"], told["KERNEL"]) == ("2.36", "5.19.0")
    assert told["COMPILER"].startswith("loongarch64-linux-gnu-gcc")
    assert libc.inputs == ("build" * 8,)
    assert busybox.inputs == ("t",)


def test_nothing_is_built_when_a_source_is_not_reachable(tmp_path: Path) -> None:
    runner = FakeRunner()
    with pytest.raises(FetchError, match="source not reachable"):
        ensure_floor(
            find_floor("floor-2_36-loong64-cp314"), parts(tmp_path), doors(tmp_path, runner, has=False)
        )
    assert runner.commands == []


def test_the_floor_that_was_made_last_is_remembered(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    floor = find_floor("floor-2_36-loong64")
    assert last_floor(floor, store) is None
    store.put_json("floor", floor.name, {"id": "a" * 64})
    assert last_floor(floor, store) is None  # the tree is gone
    store.tree("root", "a" * 64, lambda tree: (tree / "x").mkdir())
    found = last_floor(floor, store)
    assert found is not None
    assert found.id == "a" * 64


def test_headers_and_variables_of_a_built_python_are_found(tmp_path: Path) -> None:
    headers, library = tmp_path / "usr/include/python3.11", tmp_path / "usr/lib/python3.11"
    headers.mkdir(parents=True)
    library.mkdir(parents=True)
    (headers / "pyconfig.h").write_text("#define HAVE_X 1\n")
    module = library / "_sysconfigdata__linux_loongarch64-linux-gnu.py"
    module.write_text("build_time_vars = {'VERSION': '3.11'}\n")
    found = read_built_python(tmp_path, "cp311", "python3.11", "loongarch64-linux-gnu")
    assert (found.name, found.module) == ("cp311", module.name)
