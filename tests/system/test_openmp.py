"""OpenMP: a build that asks for it gets clang's runtime, which is grafted; threads come as asked for."""

import shutil
from pathlib import Path

import pytest
from tests.system.manyloong_cli import build

PROJECT = Path(__file__).parent / "openmp"
AS_SCIKIT_LEARN = Path(__file__).parent / "openmp_cython"
SUMS = (
    "import demo_openmp as d; "
    "assert d.sum_of_squares(1000, 1) == (332833500, 1); "
    "assert d.sum_of_squares(1000, 4) == (332833500, 4); "
    "print('counted')"
)


@pytest.mark.system
def test_sums_are_right_on_one_and_on_four_threads(tmp_path: Path) -> None:
    project = tmp_path / "demo"
    shutil.copytree(PROJECT, project)
    command = f'python -c "{SUMS}"'
    (result,) = build(
        project, "--python", "cp313", "--lane", "cross", "--test-command", command,
        output=tmp_path / "out",
    )  # fmt: skip
    record = result["record"]
    assert [name.partition("-")[0].partition(".")[0] for name in record["grafted"]] == ["libomp"]
    assert record["carried"] == ["openmp 22.1.8"]
    assert record["recipe"]["ports"] == ["openmp"]
    assert record["tests"]
    for report in record["tests"]:
        assert report["outcome"] == "passed"
        assert "counted" in report["command_output"]


@pytest.mark.system
def test_threads_over_points_as_in_scikit_learn(tmp_path: Path) -> None:
    """Cython's prange, an optional dependency in Meson that a table switches on."""
    (result,) = build(AS_SCIKIT_LEARN, "--python", "cp313", "--lane", "cross", output=tmp_path / "out")
    record = result["record"]
    assert record["carried"] == ["openmp 22.1.8"]
    assert {report["cpu"] for report in record["tests"]} == {"la464", "la464,lasx=off"}
    for report in record["tests"]:
        assert report["outcome"] == "passed"
        assert "counted" in report["command_output"]
