"""Rust: PyO3 for the stable ABI and for one version, C through a build script, crates from each source."""

import io
import json
import os
import shutil
import tarfile
from pathlib import Path

import pytest
from evidence.crates import packaged_crates
from tests.system.crate_registry import INDEX, cargo_lock, make_crate, serving
from tests.system.manyloong_cli import build, manyloong

from manyloong.wheels.cargo import CHECKSUM

PROJECTS = Path(__file__).parent / "rust"
ANSWER = make_crate("answer", "1.0.3", "pub fn answer() -> u32 { 42 }\n")
ONE = ("--python", "cp313", "--lane", "cross")


@pytest.fixture(scope="module")
def crates() -> Path:
    """Debian's packages of the crates that the projects need, as one directory source."""
    return packaged_crates(PROJECTS / "crates.toml")


def project(name: str, place: Path) -> Path:
    folder = place / name
    shutil.copytree(PROJECTS / name, folder)
    return folder


def locked_program(place: Path, *, checksum: str | None = None) -> Path:
    folder = project("program", place)
    (folder / "Cargo.lock").write_text(cargo_lock("demo-rust-program", ANSWER, checksum=checksum))
    return folder


@pytest.mark.system
def test_one_wheel_of_the_stable_abi_serves_two_pythons(crates: Path, tmp_path: Path) -> None:
    (result,) = build(
        project("abi3", tmp_path), "--python", "cp313,cp314", "--lane", "cross",
        "--relock", "--crates", crates, "--test-command", "python {project}/check.py",
        output=tmp_path / "out",
    )  # fmt: skip
    record = result["record"]
    assert record["wheel"]["filename"].endswith("-cp311-abi3-manylinux_2_36_loongarch64.whl")
    assert {report["outcome"] for report in record["tests"]} == {"passed"}
    assert {report["python"].rpartition(".")[0] for report in record["tests"]} == {"3.13", "3.14"}
    assert {crate["name"] for crate in record["crates"]} >= {"pyo3", "libc", "syn"}
    assert any(line.startswith("pyo3 none -> ") for line in record["relocked"])
    assert any(name.startswith("rust-") for name in record["kit"])


@pytest.mark.system
def test_a_build_script_compiles_c_for_the_target(crates: Path, tmp_path: Path) -> None:
    (result,) = build(
        project("per-version", tmp_path), *ONE, "--relock", "--crates", crates,
        "--test-command", 'python -c "import demo_rust_setuptools as d; print(d.mantissa(), d.built_for())"',
        output=tmp_path / "out",
    )  # fmt: skip
    record = result["record"]
    assert "-cp313-cp313-" in record["wheel"]["filename"]
    for report in record["tests"]:
        said = report["command_output"].strip().splitlines()[-1]
        assert said == "113 loongarch64-unknown-linux-gnu"


@pytest.mark.system
def test_locked_crates_are_fetched_by_cargo_and_then_kept(tmp_path: Path) -> None:
    home = tmp_path / "cargo-home"
    source, out = locked_program(tmp_path), tmp_path / "out"
    unlike = make_crate("answer", "1.0.3", f"pub fn answer() -> u32 {{ 42 }} // {os.urandom(8).hex()}\n")
    (source / "Cargo.lock").write_text(cargo_lock("demo-rust-program", unlike))
    with serving(unlike, home) as asked:
        ran = manyloong(
            "build", source, *ONE, "--output", out, "--test-command", "demo-rust-program",
            variables={"CARGO_HOME": str(home)},
        )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert f"/dl/answer/{unlike.version}/download" in asked
    again = manyloong("build", source, *ONE, "--output", out, "--offline", "--force")
    assert again.returncode == 0, again.stderr


@pytest.mark.system
def test_the_standard_library_of_musl_is_compiled_from_its_source(crates: Path, tmp_path: Path) -> None:
    """Once; threads and unwinding work with it."""
    (result,) = build(
        project("abi3", tmp_path), *ONE, "--platform", "musllinux_1_2", "--relock", "--crates", crates,
        "--test-command", "python {project}/check.py",
        output=tmp_path / "out",
    )  # fmt: skip
    record = result["record"]
    assert record["wheel"]["filename"].endswith("-cp311-abi3-musllinux_1_2_loongarch64.whl")
    assert record["grafted"] == ["libgcc_s.so.1"]
    assert {report["outcome"] for report in record["tests"]} == {"passed"}
    assert {report["libc"] for report in record["tests"]} == {"musl 1.2.5"}
    assert {"rust-amd64", "rust-src-loong64", "rust-std"} <= set(record["kit"])


@pytest.mark.system
def test_a_registry_with_another_crate_is_refused(tmp_path: Path) -> None:
    home = tmp_path / "cargo-home"
    locked = make_crate("answer", "1.0.3", f"// {os.urandom(8).hex()}\n")
    source = project("program", tmp_path)
    (source / "Cargo.lock").write_text(cargo_lock("demo-rust-program", locked))
    with serving(ANSWER, home):
        ran = manyloong(
            "build", source, *ONE, "--output", tmp_path / "out", variables={"CARGO_HOME": str(home)}
        )
    assert ran.returncode == 5, ran.stderr
    assert "a crate is not what Cargo.lock says" in ran.stderr
    assert "checksum for `answer v1.0.3` changed" in ran.stderr


@pytest.mark.system
def test_a_stale_lock_is_named_by_the_fetch_too(tmp_path: Path) -> None:
    home = tmp_path / "cargo-home"
    crate = make_crate("answer", "1.0.3", f"// {os.urandom(8).hex()}\n")
    source = project("program", tmp_path)
    (source / "Cargo.lock").write_text(cargo_lock("demo-rust-program", crate))
    manifest = source / "Cargo.toml"
    manifest.write_text(manifest.read_text("utf-8").replace('answer = "1"', 'answer = "2"'), "utf-8")
    with serving(crate, home):
        ran = manyloong(
            "build", source, *ONE, "--output", tmp_path / "out", variables={"CARGO_HOME": str(home)}
        )
    assert ran.returncode == 8, ran.stderr
    assert "Cargo.lock is stale" in ran.stderr


@pytest.mark.system
def test_what_cannot_be_had_is_listed(tmp_path: Path) -> None:
    unlike = make_crate("answer", "1.0.9", f"// {os.urandom(8).hex()}\n")
    source = project("program", tmp_path)
    (source / "Cargo.lock").write_text(cargo_lock("demo-rust-program", unlike))
    ran = manyloong("build", source, *ONE, "--output", tmp_path / "out", "--offline")
    assert ran.returncode == 8, ran.stderr
    assert "crate source needed for 1: answer 1.0.9" in ran.stderr
    assert "--crates DIR" in ran.stderr


@pytest.mark.system
def test_a_crate_that_is_not_the_locked_one_is_refused(tmp_path: Path) -> None:
    source = locked_program(tmp_path, checksum="0" * 63 + "1")
    (tmp_path / "given").mkdir()
    (tmp_path / "given" / ANSWER.filename).write_bytes(ANSWER.data)
    ran = manyloong("build", source, *ONE, "--output", tmp_path / "out", "--crates", tmp_path / "given")
    assert ran.returncode == 5, ran.stderr
    assert f"answer 1.0.3 in {tmp_path / 'given'}" in ran.stderr
    assert ANSWER.checksum in ran.stderr


@pytest.mark.system
def test_a_lock_that_is_missing_or_stale_is_named(tmp_path: Path) -> None:
    source, out = project("program", tmp_path), tmp_path / "out"
    missing = manyloong("build", source, *ONE, "--output", out)
    assert missing.returncode == 8, missing.stderr
    assert "has no Cargo.lock" in missing.stderr
    other = make_crate("other", "1.0.0", "\n")
    (source / "Cargo.lock").write_text(cargo_lock("demo-rust-program", other))
    (tmp_path / "given").mkdir()
    (tmp_path / "given" / other.filename).write_bytes(other.data)
    stale = manyloong("build", source, *ONE, "--output", out, "--crates", tmp_path / "given")
    assert stale.returncode == 8, stale.stderr
    assert "Cargo.lock is stale" in stale.stderr
    assert "--relock" in stale.stderr


@pytest.mark.system
def test_an_edition_of_the_future_is_named(tmp_path: Path) -> None:
    source = locked_program(tmp_path)
    manifest = source / "Cargo.toml"
    manifest.write_text(manifest.read_text("utf-8").replace("2021", "2087"), "utf-8")
    (tmp_path / "given").mkdir()
    (tmp_path / "given" / ANSWER.filename).write_bytes(ANSWER.data)
    ran = manyloong("build", source, *ONE, "--output", tmp_path / "out", "--crates", tmp_path / "given")
    assert ran.returncode == 8, ran.stderr
    assert "2087" in ran.stderr
    assert "newer Rust" in ran.stderr


@pytest.mark.system
def test_a_build_script_that_wants_the_network_is_named(tmp_path: Path) -> None:
    source = project("program", tmp_path)
    manifest = source / "Cargo.toml"
    manifest.write_text(manifest.read_text("utf-8").partition("[dependencies]")[0], "utf-8")
    (source / "src" / "main.rs").write_text("fn main() {}\n")
    (source / "build.rs").write_text(
        'fn main() {\n    std::net::TcpStream::connect("host.example:80").unwrap();\n}\n'
    )
    ran = manyloong("build", source, *ONE, "--output", tmp_path / "out")
    assert ran.returncode == 8, ran.stderr
    assert "the build script of the crate demo-rust-program v1.0.0 wants the network" in ran.stderr
    assert "builds have no network" in ran.stderr


def vendored_program(place: Path, *, stated: str) -> Path:
    """A project that brings its crate; ``stated``: the digest that its folder says the archive had."""
    source = locked_program(place)
    folder = source / "vendor"
    with tarfile.open(fileobj=io.BytesIO(ANSWER.data)) as archive:
        archive.extractall(folder, filter="data")
    (folder / "answer-1.0.3" / CHECKSUM).write_text(json.dumps({"files": {}, "package": stated}))
    (source / ".cargo").mkdir()
    (source / ".cargo" / "config.toml").write_text(
        '[source.crates-io]\nreplace-with = "vendored"\n\n[source.vendored]\ndirectory = "vendor"\n'
    )
    return source


@pytest.mark.system
def test_a_project_may_bring_its_crates(tmp_path: Path) -> None:
    source = vendored_program(tmp_path, stated=ANSWER.checksum)
    (result,) = build(source, *ONE, "--no-test", "--offline", output=tmp_path / "out")
    assert result["record"]["wheel"]["filename"].endswith("-py3-none-manylinux_2_36_loongarch64.whl")
    assert result["record"]["crates"] == []
    again = manyloong("rebuild", result["wheel"], source, "--json", "--output", tmp_path / "again")
    assert again.returncode == 0, again.stderr
    assert again.json()["strict"]


@pytest.mark.system
def test_a_vendored_crate_of_another_digest_is_refused(tmp_path: Path) -> None:
    source = vendored_program(tmp_path, stated="0" * 63 + "1")
    ran = manyloong("build", source, *ONE, "--no-test", "--offline", "--output", tmp_path / "out")
    assert ran.returncode == 5, ran.stderr
    assert "not what Cargo.lock says" in ran.stderr


@pytest.mark.system
def test_a_vendored_crate_with_a_changed_file_is_refused(tmp_path: Path) -> None:
    source = vendored_program(tmp_path, stated=ANSWER.checksum)
    listed = {"files": {"src/lib.rs": "0" * 64}, "package": ANSWER.checksum}
    (source / "vendor/answer-1.0.3" / CHECKSUM).write_text(json.dumps(listed))
    ran = manyloong("build", source, *ONE, "--no-test", "--offline", "--output", tmp_path / "out")
    assert ran.returncode == 5, ran.stderr
    assert "vendor/answer-1.0.3/src/lib.rs is not the file that its crate's" in ran.stderr


@pytest.mark.system
def test_a_crate_of_a_repository_may_be_given(tmp_path: Path) -> None:
    source = locked_program(tmp_path)
    manifest, lock = source / "Cargo.toml", source / "Cargo.lock"
    address = "https://host.example/answer.git"
    manifest.write_text(manifest.read_text("utf-8").replace('"1"', f'{{ git = "{address}" }}'), "utf-8")
    lines = lock.read_text("utf-8").replace(INDEX, f"git+{address}#{'0123456789' * 4}").splitlines()
    lock.write_text("\n".join(line for line in lines if not line.startswith("checksum")), "utf-8")
    missing = manyloong("build", source, *ONE, "--no-test", "--offline", "--output", tmp_path / "out")
    assert missing.returncode == 8, missing.stderr
    assert f"answer 1.0.3; from git: git+{address}" in missing.stderr
    given = tmp_path / "given"
    with tarfile.open(fileobj=io.BytesIO(ANSWER.data)) as archive:
        archive.extractall(given, filter="data")
    (given / "answer-1.0.3" / CHECKSUM).write_text(json.dumps({"files": {}, "package": None}))
    (result,) = build(source, *ONE, "--no-test", "--crates", given, output=tmp_path / "out")
    assert [crate["name"] for crate in result["record"]["crates"]] == ["answer"]


@pytest.mark.system
def test_what_only_tests_and_other_platforms_need_is_stood_in_for(tmp_path: Path) -> None:
    source, given = project("program", tmp_path), tmp_path / "given"
    manifest = source / "Cargo.toml"
    more = '\n[dev-dependencies]\ncriterion = "0.8.1"\n'
    more += "\n[target.'cfg(target_os = \"macos\")'.dependencies]\n"
    more += 'objc2 = { version = "0.6", features = ["x"] }\n'
    manifest.write_text(manifest.read_text("utf-8") + more, "utf-8")
    with tarfile.open(fileobj=io.BytesIO(ANSWER.data)) as archive:
        archive.extractall(given, filter="data")
    (given / "answer-1.0.3" / CHECKSUM).write_text(json.dumps({"files": {}, "package": ANSWER.checksum}))
    options = (*ONE, "--no-test", "--relock", "--crates", given)
    (result,) = build(source, *options, output=tmp_path / "out")
    assert result["record"]["relocked"] == [
        "answer none -> 1.0.3",
        "criterion none -> 0.8.1 (stand-in)",
        "objc2 none -> 0.6.0 (stand-in)",
    ]
    manifest.write_text(manifest.read_text("utf-8").replace("macos", "linux"), "utf-8")
    needed = manyloong("build", source, *options, "--output", tmp_path / "out")
    assert needed.returncode == 8, needed.stderr
    assert "objc2 stands in for a crate that no folder of --crates has, and it is needed" in needed.stderr


@pytest.mark.system
def test_a_crate_of_a_future_edition_is_named(tmp_path: Path) -> None:
    crate = make_crate("answer", "1.0.3", "\n", edition="2087")
    source = project("program", tmp_path)
    (source / "Cargo.lock").write_text(cargo_lock("demo-rust-program", crate))
    (tmp_path / "given").mkdir()
    (tmp_path / "given" / crate.filename).write_bytes(crate.data)
    ran = manyloong("build", source, *ONE, "--output", tmp_path / "out", "--crates", tmp_path / "given")
    assert ran.returncode == 8, ran.stderr
    assert "answer-1.0.3/Cargo.toml" in ran.stderr
    assert "`2087` is unknown" in ran.stderr
    assert "newer Rust" in ran.stderr


SETUP_GO = """\
from setuptools import Extension, setup

setup(build_golang={"root": "host.example/answer"}, ext_modules=[Extension("answer", ["answer.go"])])
"""
SETUP_MAKE = """\
import subprocess

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext


class Build(build_ext):
    def run(self):
        subprocess.check_call(["make", "-C", "library"])


setup(cmdclass={"build_ext": Build}, ext_modules=[Extension("answer", [])])
"""


def go_project(place: Path, *, requires: str, setup: str) -> Path:
    source = place / "demo-go"
    (source / "library").mkdir(parents=True)
    (source / "pyproject.toml").write_text(
        f'[build-system]\nrequires = [{requires}]\nbuild-backend = "setuptools.build_meta"\n\n'
        '[project]\nname = "demo-go"\nversion = "1.0"\n'
    )
    (source / "setup.py").write_text(setup)
    (source / "library/Makefile").write_text("answer.so:\n\tgo build -buildmode=c-shared -o $@ .\n")
    for name, text in (("go.mod", "module host.example/answer\n"), ("answer.go", "package main\n")):
        (source / "library" / name).write_text(text)
    return source


def test_go_is_not_supported_yet(tmp_path: Path) -> None:
    """Said before anything is built: also of a plan."""
    source = go_project(tmp_path, requires='"setuptools", "setuptools-golang"', setup=SETUP_GO)
    ran = manyloong("build", source, *ONE, "--dry-run")
    assert ran.returncode == 8, ran.stderr
    assert "is compiled from Go (c-shared, cgo), which is not supported yet" in ran.stderr
    assert "GOARCH=loong64 CGO_ENABLED=1" in ran.stderr


@pytest.mark.system
def test_go_that_its_sources_do_not_speak_of_is_told_by_the_build(tmp_path: Path) -> None:
    source = go_project(tmp_path, requires='"setuptools"', setup=SETUP_MAKE)
    ran = manyloong("build", source, *ONE, "--output", tmp_path / "out")
    assert ran.returncode == 8, ran.stderr
    assert "the build runs go, which is not there (library/Makefile:2)" in ran.stderr
    assert "it is compiled from Go, which is not supported yet" in ran.stderr
