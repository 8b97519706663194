"""cibuildwheel's own reader with an architecture added: precedence, overrides, and what is refused."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from manyloong.ci.reader import Table, read_table, reading_ahead
from manyloong.ci.stock import Stock
from manyloong.errors import InputError
from manyloong.store import Store
from manyloong.targets import target
from manyloong.wheels.image_parts import image_targets
from manyloong.wheels.source import Source

CP313 = "cp313-manylinux_loongarch64"
CP314 = "cp314-manylinux_loongarch64"
WHOLE = """
[tool.cibuildwheel]
build = ["cp313-*", "cp314*"]
skip = "*-musllinux_* cp314t-*"
before-all = ["a", "b"]
test-groups = ["tests"]
test-command = "pytest {project}"
environment = { ONE = "1", TWO = "$(echo 2)" }
config-settings = { "setup-args" = ["-Da=b", "-Dc=d"], dir = "{project}/x" }
build-frontend = { name = "build", args = ["-Cmore=1"] }
[tool.cibuildwheel.linux]
test-requires = ["-r", "reqs.txt"]
[tool.cibuildwheel.macos]
before-all = "brew"
[[tool.cibuildwheel.overrides]]
select = "cp314-*loongarch64"
inherit.environment = "append"
environment = { THREE = "3" }
before-all = "c"
[[tool.cibuildwheel.overrides]]
select = "*-win_amd64"
test-command = "other"
[dependency-groups]
tests = ["hypothesis"]
"""


def directory(folder: Path, sha256: str = "0") -> Source:
    return Source(
        kind="directory",
        location="p",
        name="p",
        version="1",
        sha256=sha256,
        path=folder,
        requires_python=None,
    )


def read(folder: Path, text: str, store: Store, **variables: str) -> Table:
    (folder / "pyproject.toml").write_text(text, "utf-8")
    source = directory(folder, str(hash((text, *variables.items()))))
    return read_table(source, target("manylinux_2_36"), environ=variables, store=store)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "reqs.txt").write_text("pytest>=8  # runs\n-r more.txt\n")
    (folder / "more.txt").write_text("iniconfig\n")
    return folder


def test_everything_of_a_table(project: Path, store: Store) -> None:
    table = read(project, WHOLE, store, CIBW_TEST_COMMAND_LINUX="echo {wheel}", CIBW_TEST_COMMAND="no")
    assert table.selected == (CP313, CP314)
    common, later = table.of(CP313), table.of(CP314)
    assert common.before_all == "a && b"
    assert later.before_all == "c"
    assert common.test_command == "echo {wheel}"
    assert common.test_requires == ("pytest>=8", "iniconfig", "hypothesis")
    assert common.settings == (
        ("setup-args", "-Da=b"),
        ("setup-args", "-Dc=d"),
        ("dir", "/project/x"),
        ("more", "1"),
    )
    assert common.environment == (("ONE", '"1"'), ("TWO", '"$(echo 2)"'))
    assert common.plain is None
    assert later.environment[-1] == ("THREE", '"3"')
    origins = dict(table.origins)
    assert origins["test-command"][-1] == "CIBW_TEST_COMMAND_LINUX"
    assert "tool.cibuildwheel.overrides (cp314-*loongarch64)" in origins["environment"]
    again = read(project, WHOLE, store, CIBW_TEST_COMMAND_LINUX="echo {wheel}", CIBW_TEST_COMMAND="no")
    assert again == table  # from the store


def test_a_reader_that_began_early_answers_alike(project: Path, tmp_path: Path) -> None:
    """It is not believed where the file has changed since, and does not outlive its block."""
    wanted, source = target("manylinux_2_36"), directory(project)
    (project / "pyproject.toml").write_text("[tool.cibuildwheel]\nbefore-all = 'one'\n", "utf-8")
    with reading_ahead(project, wanted, {}) as ahead:
        assert ahead is not None
        early = read_table(source, wanted, environ={}, store=Store(tmp_path / "a"), ahead=ahead)
    assert early == read_table(source, wanted, environ={}, store=Store(tmp_path / "b"))
    with reading_ahead(project, wanted, {}) as ahead:
        assert ahead is not None
        (project / "pyproject.toml").write_text("[tool.cibuildwheel]\nbefore-all = 'two'\n", "utf-8")
        late = read_table(source, wanted, environ={}, store=Store(tmp_path / "c"), ahead=ahead)
    assert late.of(CP313).before_all == "two"
    assert ahead.process.poll() is not None
    (project / "pyproject.toml").write_text("[project]\n", "utf-8")
    with reading_ahead(project, wanted, {}) as none:
        assert none is None


def test_nothing_on_disk_changes(project: Path, store: Store) -> None:
    import cibuildwheel  # noqa: PLC0415

    folder = Path(cibuildwheel.__file__).parent

    def content() -> dict[str, bytes]:
        return {str(file): file.read_bytes() for file in folder.rglob("*") if file.is_file()}

    before = content()
    read(project, "[tool.cibuildwheel]\n", store)
    assert content() == before
    names = [path.stem for path in folder.glob("*.py")]
    assert "architecture" in names  # what the comparison looked at is the real package


@pytest.mark.parametrize(
    ("text", "said", "hint"),
    [
        ("before-al = 'x'", "before-al", "before-all"),
        ("[tool.cibuildwheel.linux]\ntest-comand = 'x'", "test-comand", "test-command"),
        ("[[tool.cibuildwheel.overrides]]\nselect='*'\nbefore-biuld='x'", "before-biuld", "before-build"),
        ("[[tool.cibuildwheel.overrides]]\nbefore-build='x'", "select", ""),
        ("test-command = 'pytest {projct}'", "{projct}", "project"),
        ("before-build = 'ls {dest_dir}'", "{dest_dir}", "{project}"),
        ("test-groups = ['gone']", "gone", ""),
        ("test-requires = ['-r', 'gone.txt']", "gone.txt", ""),
        ("test-requires = ['--pre', 'x']", "--pre", ""),
        ("environment = 'A=$(x'", "Malformed environment", ""),
        ("enable = ['nothing']", "Unknown enable group", ""),
        ("before-all = { a = 1 }", "doesn't accept a table", ""),
        ("inherit = { build = 'sideways' }", "inherit", ""),
    ],
)
def test_faults_are_named(text: str, said: str, hint: str, project: Path, store: Store) -> None:
    with pytest.raises(InputError) as caught:
        read(project, f"[tool.cibuildwheel]\n{text}\n", store)
    whole = f"{caught.value.message} {caught.value.hint}"
    assert said in caught.value.message
    assert hint in whole


def test_an_unknown_variable_is_a_fault(project: Path, store: Store) -> None:
    with pytest.raises(InputError, match="CIBW_BEFOR_ALL") as caught:
        read(project, "", store, CIBW_BEFOR_ALL="x")
    assert "CIBW_BEFORE_ALL" in str(caught.value.hint)


def test_what_older_releases_had_is_left_out_and_said(project: Path, store: Store) -> None:
    """Sources of a release keep the table of its day: what no build needs any more is no fault of theirs."""
    text = """
[tool.cibuildwheel]
free-threaded-support = true
enable = ["cpython-freethreading", "pypy"]
[tool.cibuildwheel.linux]
free-threaded-support = true
"""
    table = read(project, text, store, CIBW_PRERELEASE_PYTHONS="1")
    assert CP313 in table.selected
    assert [note.partition(":")[0] for note in table.notes] == [
        "CIBW_PRERELEASE_PYTHONS",
        "free-threaded-support",
        "enable cpython-freethreading",
    ]
    assert all("cibuildwheel" in note for note in table.notes)


def test_braces_of_the_shell_stay(project: Path, store: Store) -> None:
    text = "[tool.cibuildwheel]\nbefore-build = \"awk '{print}' x; echo ${HOME} {a,b}\"\n"
    table = read(project, text, store)
    assert "{print}" in table.of(CP313).before_build
    assert any("{print} is no placeholder" in note for note in table.notes)


def test_files_that_are_not_there_are_named(project: Path, store: Store) -> None:
    text = """
[tool.cibuildwheel]
before-all = "bash tools/gone.sh && cat {project}/reqs.txt"
before-build = "python -c 'import a.b' && ls $HOME/x.sh /opt/y.sh"
test-command = "pytest {package}/tests/test_a.py::test_b {package}/more*"
"""
    missing = dict(read(project, text, store).of(CP313).missing)
    assert missing == {"before-all": ("tools/gone.sh",), "test-command": ("tests/test_a.py",)}


def test_a_cibuildwheel_that_has_moved_on_is_refused(project: Path) -> None:
    program = (
        "import sys, cibuildwheel.options as o; from manyloong.ci.payload import added\n"
        "try: added.install(added.Addition(name='loongarch64', oci='linux/loong64'))\n"
        "except added.MovedOnError as e: print(e)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=project, capture_output=True, text=True, check=True
    )
    assert "was imported before" in done.stdout


def test_images_that_are_gone_are_no_fault_of_other_architectures(tmp_path: Path, store: Store) -> None:
    text = '[tool.cibuildwheel]\nbefore-all = "a"\nlinux.manylinux-x86_64-image = "manylinux1"\n'
    assert read(tmp_path, text, store).of(CP313).before_all == "a"


def test_stock_builds_are_planned_by_cibuildwheel_itself(project: Path, tmp_path: Path) -> None:
    """Engine and image from the project's table, as cibuildwheel reads it; none for what it refuses."""
    text = '[project]\nname = "x"\n[tool.cibuildwheel]\nbuild = "cp313-*"\ncontainer-engine = "podman"\n'
    (project / "pyproject.toml").write_text(text, "utf-8")
    environ = {"PATH": os.defpath, "HOME": str(tmp_path)}
    stock = Stock(targets=image_targets(), environ=environ)
    builds = stock.plan(["--archs", "loongarch64", str(project)])
    assert [(row.identifier, row.engine, row.image) for row in builds] == [
        ("cp313-manylinux_loongarch64", "podman", "manylinux_2_36_loongarch64"),
        ("cp313-musllinux_loongarch64", "podman", "musllinux_1_2_loongarch64"),
    ]
    assert stock.plan(["--archs", "loongarch65", str(project)]) == ()
