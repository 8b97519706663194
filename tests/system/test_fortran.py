"""Fortran: packages by Meson and by CMake get gfortran and its library, and compute rightly.

What f2py makes is proven by ``evidence/linked.json``, since it is compiled against NumPy.
"""

import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.system.manyloong_cli import Ran, build, manyloong

PROJECTS = Path(__file__).parent / "fortran"
ONE = ("--python", "cp313", "--lane", "cross")


def built(name: str, place: Path, *options: str) -> dict[str, Any]:
    (result,) = build(PROJECTS / name, *ONE, *options, output=place / "out")
    record: dict[str, Any] = result["record"]
    return record


def check(record: dict[str, Any], *sonames: str) -> None:
    """It carries these libraries and no other, keeps the tag's promises, and computed in every test."""
    assert sorted(name.partition("-")[0].partition(".")[0] for name in record["grafted"]) == sorted(sonames)
    assert record["accepted"]
    assert {report["cpu"] for report in record["tests"]} == {"la464", "la464,lasx=off"}
    for report in record["tests"]:
        assert report["outcome"] == "passed"
        assert "computed" in report["command_output"]


@pytest.mark.system
def test_a_package_by_cmake(tmp_path: Path) -> None:
    record = built("cmake", tmp_path)
    check(record, "libgfortran")
    assert record["carried"] == ["libgfortran 14.3.0"]
    assert {*record["kit"]} >= {"fortran-amd64", "gfortran"}


@pytest.mark.system
def test_a_package_with_openmp_in_both_languages(tmp_path: Path) -> None:
    """Its Fortran calls the threads' runtime and nothing of libgfortran, which is therefore not carried."""
    check(built("openmp", tmp_path), "libomp")


def changed(place: Path, file: str, old: str, new: str) -> Path:
    """The Meson project with one line more."""
    project = place / "demo"
    shutil.copytree(PROJECTS / "openmp", project)
    text = (project / file).read_text("utf-8")
    assert old in text
    (project / file).write_text(text.replace(old, new, 1), "utf-8")
    return project


def failed(place: Path, file: str, old: str, new: str) -> str:
    """What is said of the Meson project with one line more."""
    ran: Ran = manyloong("build", changed(place, file, old, new), *ONE, "--output", place / "out")
    assert ran.returncode == 8, ran.stderr
    return " ".join((ran.stdout + ran.stderr).split())


MIXED = "'-fallow-argument-mismatch', '-ffixed-line-length=132', '-Qunused-arguments'"  # gfortran's, flang's


@pytest.mark.system
def test_flags_of_two_compilers_are_taken_translated_and_told(tmp_path: Path) -> None:
    line = f"add_project_arguments({MIXED}, language: 'fortran')\n"
    project = changed(tmp_path, "meson.build", "\npy =", f"\n{line}py =")
    (result,) = build(project, *ONE, output=tmp_path / "out")
    check(result["record"], "libomp")
    assert "-ffixed-line-length=132 -> -ffixed-line-length-132" in result["record"]["translated_flags"]
    assert "-Qunused-arguments" in result["record"]["dropped_flags"]


@pytest.mark.system
def test_among_flags_of_two_compilers_the_wrong_one_is_named(tmp_path: Path) -> None:
    line = f"add_project_arguments({MIXED}, '-flarge-sizes', language: 'fortran')\n"
    said = failed(tmp_path, "meson.build", "\npy =", f"\n{line}py =")
    assert "meson.build:3 gives gfortran -flarge-sizes, a flag of another compiler" in said


@pytest.mark.system
def test_a_flag_of_another_compiler_is_named(tmp_path: Path) -> None:
    line = "add_project_arguments('-flarge-sizes', language: 'fortran')\n"
    said = failed(tmp_path, "meson.build", "\npy =", f"\n{line}py =")
    assert "meson.build:3 gives gfortran -flarge-sizes, a flag of another compiler" in said


@pytest.mark.system
def test_a_flag_of_fortran_for_c_is_named(tmp_path: Path) -> None:
    line = "add_project_arguments('-fallow-argument-mismatch', language: ['c', 'fortran'])\n"
    said = failed(tmp_path, "meson.build", "\npy =", f"\n{line}py =")
    assert "meson.build:3 gives the C compiler -fallow-argument-mismatch, a flag of Fortran compilers" in said


@pytest.mark.system
def test_the_same_package_for_musl(tmp_path: Path) -> None:
    record = built("cmake", tmp_path, "--platform", "musllinux_1_2")
    check(record, "libgcc_s", "libgfortran")  # the first is no promise of this platform
    assert {report["libc"] for report in record["tests"]} == {"musl 1.2.5"}
    assert {*record["kit"]} >= {"fortran-amd64", "gfortran"}
