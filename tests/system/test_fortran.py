"""Fortran: a package by f2py and one with OpenMP get gfortran and its library, and compute rightly."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.system.manyloong_cli import build, manyloong

PROJECTS = Path(__file__).parent / "fortran"
BY_F2PY = """
import numpy as np, demo_f2py as d
m = np.random.default_rng(1).random((30, 30))
b = m @ np.arange(30.0)
a, x = np.asfortranarray(m), b.copy()
assert d.numbers.solve(a, x) == 0 and np.allclose(x, np.arange(30.0)), x
assert d.numbers.solve(np.zeros((2, 2), order="F"), np.ones(2)) == 1
assert d.numbers.digits(2).strip() == b"1.41421356237309504880168872420970", d.numbers.digits(2)
c = np.asfortranarray(m + 1j * m.T)
assert np.allclose(d.numbers.product_of(c, c), c @ c)
assert d.through_old(np.arange(1000.0)) == 499500
print("computed")
"""
BY_OPENMP = """
import demo_fortran_openmp as d
for call in (d.by_fortran, d.by_c, d.by_fortran):
    for threads in (1, 4):
        assert call(1000, threads) == (332833500, threads), (call, call(1000, threads))
print("computed")
"""


def built(name: str, script: str, tmp_path: Path, *options: str) -> dict[str, Any]:
    project = tmp_path / name
    shutil.copytree(PROJECTS / name, project)
    (project / "try.py").write_text(script, "utf-8")
    (result,) = build(
        project, "--python", "cp313", "--test-command", "python {project}/try.py", *options,
        output=tmp_path / "out",
    )  # fmt: skip
    record: dict[str, Any] = result["record"]
    return record


def check(record: dict[str, Any], *sonames: str) -> None:
    """It carries these libraries and no other, keeps the tag's promises, and computed in every test."""
    assert sorted(name.partition("-")[0].partition(".")[0] for name in record["grafted"]) == sorted(sonames)
    assert record["verdict"]["accepted"]
    assert record["tests"]
    for report in record["tests"]:
        assert report["outcome"] == "passed"
        assert "computed" in report["command_output"]


@pytest.mark.system
def test_a_package_by_f2py(tmp_path: Path) -> None:
    record = built("f2py", BY_F2PY, tmp_path, "--lane", "cross")
    check(record, "libgfortran")
    assert record["carried"] == ["libgfortran 14.3.0"]
    assert {name for name, _ in record["kit"]} >= {"fortran-amd64", "gfortran"}


@pytest.mark.system
def test_a_package_with_openmp_in_both_languages(tmp_path: Path) -> None:
    record = built("openmp", BY_OPENMP, tmp_path, "--lane", "cross")
    check(record, "libgfortran", "libomp")


@pytest.mark.system
def test_a_flag_of_another_compiler_is_named(tmp_path: Path) -> None:
    project = tmp_path / "demo"
    shutil.copytree(PROJECTS / "openmp", project)
    text = (project / "meson.build").read_text("utf-8")
    line = "add_project_arguments('-flarge-sizes', language: 'fortran')\n"
    (project / "meson.build").write_text(text.replace("\npy =", f"\n{line}py =", 1), "utf-8")
    ran = manyloong("build", project, "--python", "cp313", "--lane", "cross", "--output", tmp_path / "out")
    assert ran.returncode != 0
    said = " ".join((ran.stdout + ran.stderr).split())
    assert "meson.build:2 gives gfortran -flarge-sizes, a flag of another compiler" in said
