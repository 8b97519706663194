"""Rust sources as they are read, crates as they are had, and which compilers a package asks for."""

import json
from pathlib import Path

import pytest
from tests.system.crate_registry import INDEX, MadeCrate, cargo_lock, make_crate

from manyloong.errors import InputError, IntegrityError
from manyloong.sandbox import Command
from manyloong.store import Store
from manyloong.targets import host, target
from manyloong.testing import FakeRunner
from manyloong.wheels.cargo import CHECKSUM, Crate, cargo_projects, find_crate, read_cargo_lock
from manyloong.wheels.compilers import (
    GO,
    OPENMP,
    RUST,
    NotSupportedError,
    check_compilers,
    find_compilers,
    refuse_go,
)
from manyloong.wheels.crates import (
    CargoDoor,
    CratesNeededError,
    HadCrate,
    crates_key,
    ensure_crates,
    had_crates,
)
from manyloong.wheels.downloads import SourceNeededError
from manyloong.wheels.given_crates import GivenCrates, parse_given_crates
from manyloong.wheels.rust import cargo_variables, cross_variables

ANSWER = make_crate("answer", "1.0.3", "pub fn answer() -> u32 { 42 }\n")


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def wanted(made: MadeCrate, checksum: str | None = None) -> Crate:
    digest = made.checksum if checksum is None else checksum
    return Crate(name=made.name, version=made.version, checksum=digest, source=INDEX)


def door(tmp_path: Path, runner: FakeRunner | None = None) -> CargoDoor:
    return CargoDoor(
        root=tmp_path / "root",
        runner=runner or FakeRunner(),
        store=Store(tmp_path / "store"),
        environment={"CARGO_HOME": str(tmp_path / "cargo-home"), "https_proxy": "http://proxy.example"},
        offline=runner is None,
    )


def had(
    tmp_path: Path, crate: Crate, given: GivenCrates, runner: FakeRunner | None = None
) -> tuple[HadCrate, ...]:
    sources = tmp_path / "src"
    sources.mkdir(exist_ok=True)
    return had_crates(
        [crate], given, label="demo 1.0", sources=sources, manifest="Cargo.toml", door=door(tmp_path, runner)
    )


def test_the_lock_names_crates_and_their_digests(tmp_path: Path) -> None:
    lock = write(tmp_path / "Cargo.lock", cargo_lock("demo", ANSWER))
    assert read_cargo_lock(lock) == (wanted(ANSWER),)


@pytest.mark.parametrize(
    "text", ["[[", "package = 1\n", '[[package]]\nname = "../x"\nversion = "1"\nsource = "r"\n']
)
def test_a_lock_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match=r"Cargo\.lock"):
        read_cargo_lock(write(tmp_path / "Cargo.lock", text))


def test_a_distribution_that_states_no_digest_has_none(tmp_path: Path) -> None:
    write(tmp_path / "heck-0.5.0-1+really0.5.0/Cargo.toml", '[package]\nname = "heck"\nversion = "0.5.0"\n')
    write(
        tmp_path / "heck-0.5.0-1+really0.5.0" / CHECKSUM, json.dumps({"package": "none known", "files": {}})
    )
    found = find_crate(tmp_path, "heck", "0.5.0")
    assert found is not None
    assert found.checksum == ""
    assert find_crate(tmp_path, "heck", "0.4.0") is None


def test_the_project_that_pyproject_names_is_the_one(tmp_path: Path) -> None:
    write(tmp_path / "pyproject.toml", '[tool.maturin]\nmanifest-path = "rust/Cargo.toml"\n')
    for name in ("Cargo.toml", "rust/Cargo.toml", "Cargo.lock"):
        write(tmp_path / name, "")
    (project,) = cargo_projects(tmp_path)
    assert project.manifest == tmp_path / "rust/Cargo.toml"
    assert project.lock == tmp_path / "Cargo.lock"
    assert project.vendored is None


def test_vendored_crates_are_no_projects_and_their_folder_is_found(tmp_path: Path) -> None:
    write(tmp_path / "Cargo.toml", "")
    write(tmp_path / "vendor/answer/Cargo.toml", "")
    write(tmp_path / "vendor/answer/Cargo.lock", "")
    write(tmp_path / "vendor/answer" / CHECKSUM, "{}")
    write(
        tmp_path / ".cargo/config.toml",
        '[source.crates-io]\nreplace-with = "here"\n[source.here]\ndirectory = "vendor"\n',
    )
    (project,) = cargo_projects(tmp_path)
    assert project.manifest == tmp_path / "Cargo.toml"
    assert project.vendored == tmp_path / "vendor"


def test_an_archive_that_is_given_is_checked_and_kept(tmp_path: Path) -> None:
    (tmp_path / "given").mkdir()
    (tmp_path / "given" / ANSWER.filename).write_bytes(ANSWER.data)
    given = parse_given_crates([tmp_path / "given"], relock=False)
    (one,) = had(tmp_path, wanted(ANSWER), given)
    assert one.origin == "given"
    (again,) = had(tmp_path, wanted(ANSWER), GivenCrates())
    assert again.origin == "store"
    tree = ensure_crates([again], Store(tmp_path / "store"))
    assert json.loads((tree / "answer-1.0.3" / CHECKSUM).read_text())["package"] == ANSWER.checksum
    assert (tree / "answer-1.0.3/src/lib.rs").is_file()
    assert tree.name == crates_key([one])
    with pytest.raises(IntegrityError, match=ANSWER.checksum):
        had(tmp_path, wanted(ANSWER, "0" * 64), given)


def test_cargo_fetches_what_is_missing_with_the_users_configuration(tmp_path: Path) -> None:
    write(tmp_path / "cargo-home/config.toml", "# mirror\n")

    def fetch(command: Command) -> int:
        assert command.network
        place = command.binds[0].source
        assert (place / "home/config.toml").read_text() == "# mirror\n"
        for made in (ANSWER, make_crate("answer", "1.0.4", "")):
            cache = place / "home/registry/cache/mirror"
            cache.mkdir(parents=True, exist_ok=True)
            (cache / made.filename).write_bytes(made.data)
        return 0

    runner = FakeRunner(fetch)
    (one,) = had(tmp_path, wanted(ANSWER), GivenCrates(), runner)
    assert one.origin == "cargo fetch"
    assert ("https_proxy", "http://proxy.example") in runner.commands[0].environment
    assert "--locked" in runner.commands[0].argv


def test_what_nothing_has_is_listed_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(CratesNeededError, match=r"crate source needed for 1: answer 1\.0\.3") as caught:
        had(tmp_path, wanted(ANSWER), GivenCrates())
    assert isinstance(caught.value, SourceNeededError)
    assert caught.value.exit_code == 8
    assert "--crates DIR" in str(caught.value.hint)


def test_folders_that_hold_no_crates_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a folder"):
        parse_given_crates([tmp_path / "nowhere"], relock=False)
    with pytest.raises(InputError, match="holds neither crates"):
        parse_given_crates([tmp_path], relock=False)


@pytest.mark.parametrize(
    ("files", "compilers"),
    [
        ({"pyproject.toml": '[build-system]\nrequires = ["maturin>=1,<2"]\n'}, (RUST,)),
        ({"pyproject.toml": '[build-system]\nrequires = ["Setuptools_Rust"]\n'}, (RUST,)),
        ({"setup.py": "from setuptools_rust import RustExtension\n"}, (RUST,)),
        ({"setup.py": "Extension('x', extra_compile_args=['-fopenmp'])\n"}, (OPENMP,)),
        ({"CMakeLists.txt": "find_package(OpenMP REQUIRED COMPONENTS CXX)\n"}, (OPENMP,)),
        ({"CMakeLists.txt": "find_package(OpenMP)\n"}, ()),
        ({"meson.build": "omp = dependency('openmp')\n"}, (OPENMP,)),
        ({"meson.build": "omp = dependency('openmp', required: false)\n"}, ()),
        ({"setup.py": "setup(build_golang={'root': 'x'})\n", "go.mod": "module x\n"}, (GO,)),
        ({"pyproject.toml": '[build-system]\nrequires = ["setuptools"]\n', "Cargo.toml": ""}, ()),
        ({"pyproject.toml": "[["}, ()),
    ],
)
def test_sources_say_which_compilers_they_want(
    tmp_path: Path, files: dict[str, str], compilers: tuple[str, ...]
) -> None:
    for name, text in files.items():
        write(tmp_path / name, text)
    assert find_compilers(tmp_path) == compilers


def test_go_is_refused_by_a_type_of_its_own() -> None:
    refuse_go((RUST,), label="demo 1.0", go_names="")
    with pytest.raises(NotSupportedError, match="not supported yet"):
        refuse_go((GO,), label="demo 1.0", go_names="GOARCH=loong64")


def test_a_backend_that_asks_too_late_is_told() -> None:
    check_compilers(["maturin"], (RUST,), label="demo 1.0")
    with pytest.raises(SourceNeededError.__base__, match="only while it is built"):  # type: ignore[arg-type]
        check_compilers(["maturin"], (), label="demo 1.0")


def test_each_machine_has_its_own_linker() -> None:
    wanted_target = target("manylinux_2_36")
    variables = cargo_variables(host("x86_64"), wanted_target, jobs=2)
    variables |= cross_variables(wanted_target, python_home="/opt/manyloong/target/python/cp313")
    assert variables["CARGO_BUILD_TARGET"] == "loongarch64-unknown-linux-gnu"
    assert variables["CARGO_TARGET_LOONGARCH64_UNKNOWN_LINUX_GNU_LINKER"] == "/opt/manyloong/target/bin/cc"
    assert variables["CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER"] == "/opt/manyloong/native/bin/cc"
    assert variables["CC_x86_64_unknown_linux_gnu"] == "/opt/manyloong/native/bin/cc"
    assert variables["PYO3_CROSS_LIB_DIR"].endswith("/cp313")
