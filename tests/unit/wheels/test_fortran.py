"""Which packages get the Fortran compiler, and what is said where a build mixes compilers' flags."""

from pathlib import Path

import pytest

from manyloong.errors import InputError
from manyloong.store import Store
from manyloong.wheels.compilers import FORTRAN, OPENMP, asked_compilers, find_compilers
from manyloong.wheels.diagnosis import diagnose_build
from manyloong.wheels.recipes import Recipe, merged, parse_recipe
from manyloong.wheels.source import Source
from manyloong.wheels.test import run_variables

MESON = "meson.build"
CMAKE = "CMakeLists.txt"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (MESON, "project('demo', 'c', 'fortran')"),
        (MESON, "project(\n  'demo', 'c', ['fortran'],\n  version: '1',\n)"),
        (MESON, "project('demo', version: run_command('v').stdout().strip())\nadd_languages('fortran')"),
        (MESON, "project('demo', version: run_command(['v.py'], check: true).stdout(), 'fortran')"),
        (MESON, "if not get_option('x')\n  add_languages('fortran', native: false)\nendif"),
        (CMAKE, "cmake_minimum_required(VERSION 3.20)\nproject(demo LANGUAGES C Fortran)"),
        (CMAKE, "enable_language(Fortran)"),
        ("setup.py", "Extension('demo', ['demo.c', 'solve.f90'])"),
        ("setup.py", "from numpy.distutils.core import setup"),
        ("pyproject.toml", "[build-system]\nrequires = ['f2py>=1']"),
    ],
)  # fmt: skip
def test_fortran_is_seen_in_the_sources(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, "utf-8")
    assert find_compilers(tmp_path) == (FORTRAN,)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (MESON, "project('demo', 'c')  # no 'fortran'"),
        (MESON, "project('demo', 'c')\nadd_languages('fortran', required: false)"),
        (MESON, "project('demo', 'c')\nadd_global_arguments('-x', language: ['c', 'fortran'])"),
        (CMAKE, "project(demo C)\n# enable_language(Fortran)"),
        (CMAKE, "enable_language(Fortran OPTIONAL)"),
        ("setup.py", "Extension('demo', ['demo.c'])"),
        ("pyproject.toml", "[build-system]\nrequires = ['numpy']"),
    ],
)
def test_a_wish_is_no_need(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, "utf-8")
    assert find_compilers(tmp_path) == ()


@pytest.mark.parametrize(
    "line",
    [
        "dependency('solver', fallback: ['solver', 'solver_dep'])",
        "dependency('solver', fallback : 'solver')",
        "solver = subproject('solver')",
    ],
)
def test_fortran_is_seen_in_a_project_that_is_taken_in(tmp_path: Path, line: str) -> None:
    folder = tmp_path / "subprojects" / "solver"
    folder.mkdir(parents=True)
    (folder / MESON).write_text("project(\n  'solver',\n  'fortran',\n)\n", "utf-8")
    (tmp_path / MESON).write_text("project('demo', 'c')\n", "utf-8")
    assert find_compilers(tmp_path) == ()
    (tmp_path / MESON).write_text(f"project('demo', 'c')\n{line}\n", "utf-8")
    assert find_compilers(tmp_path) == (FORTRAN,)


@pytest.mark.parametrize(
    "line",
    [
        "/bin/sh: 1: gfortran: not found",
        "make: gfortran: No such file or directory",
        "FileNotFoundError: [Errno 2] No such file or directory: 'gfortran'",
    ],
)
def test_a_makefile_that_runs_gfortran_is_told_how_to_ask_for_it(tmp_path: Path, line: str) -> None:
    found = diagnose_build(f"gfortran -O2 -c a.f90\n{line}\n", tmp_path)
    assert found is not None
    assert 'toolchain = "gcc"' in found.hint


def test_a_recipe_can_ask_for_gcc_and_for_nothing_else() -> None:
    asked = parse_recipe('toolchain = "gcc"\n', where="demo.toml", name="demo")
    assert asked.toolchain == "gcc"
    assert merged(asked, Recipe()).toolchain == "gcc"
    assert asked.digest != Recipe().digest
    with pytest.raises(InputError, match=r"demo\.toml: toolchain: there is none named 'gccc'") as caught:
        parse_recipe('toolchain = "gccc"\n', where="demo.toml", name="demo")
    assert caught.value.hint == "did you mean 'gcc'?"


def test_what_asks_for_no_toolchain_keeps_its_digest() -> None:
    assert (
        Recipe(ports=("zlib",)).digest == "59504b5cbf99956e2e7bd6f2c406055383cea637c22b2874d7f7dab7c22d0490"
    )


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            "gfortran: error: unrecognized command-line option '-flarge-sizes'",
            "meson.build:2 gives gfortran -flarge-sizes, a flag of another compiler",
        ),
        (
            "x-gfortran-14: error: unrecognized command-line option \u2018-flarge-sizes\u2019; did you mean?",
            "meson.build:2 gives gfortran -flarge-sizes, a flag of another compiler",
        ),
        (
            "zig: error: unknown argument: '-fallow-argument-mismatch'",
            "the build gives the C compiler -fallow-argument-mismatch, a flag of Fortran compilers",
        ),
    ],
)
def test_flags_of_another_compiler_are_named_with_their_place(tmp_path: Path, line: str, said: str) -> None:
    (tmp_path / MESON).write_text(
        "project('demo', 'fortran')\nadd_project_arguments('-flarge-sizes')\n", "utf-8"
    )
    found = diagnose_build(f"one\n{line}\nninja: build stopped\n", tmp_path)
    assert found is not None
    assert found.cause == said


def test_openmp_looks_for_no_cores_where_an_emulator_shows_none() -> None:
    assert run_variables(emulated=True)["KMP_AFFINITY"] == "disabled"
    assert "KMP_AFFINITY" not in run_variables(emulated=False)


def test_a_recipe_s_toolchain_adds_to_what_the_sources_ask_for(tmp_path: Path) -> None:
    project = tmp_path / "demo"
    project.mkdir()
    (project / "setup.py").write_text("Extension('demo', extra_compile_args=['-fopenmp'])", "utf-8")
    source = Source(
        kind="directory", location="demo", name=None, version=None, sha256="0" * 64, path=project,
        requires_python=None,
    )  # fmt: skip
    store = Store(tmp_path / "store")
    assert asked_compilers(source, "", store) == (OPENMP,)
    assert asked_compilers(source, "gcc", store) == (FORTRAN, OPENMP)
