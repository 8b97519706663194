"""Releases of the index become wheels that the audit accepts and that import on both CPU models."""

from pathlib import Path

import pytest
from tests.system.manyloong_cli import build, manyloong

CPUS = {"la464", "la464,lasx=off"}
# C, Cython and C++ sources, setuptools of several ages, limited API, one with a test suite of its own.
RELEASES = ["markupsafe==3.0.4", "msgpack==1.2.4", "psutil", "xxhash", "greenlet", "wrapt"]


@pytest.mark.system
@pytest.mark.parametrize("release", RELEASES)
def test_a_release_becomes_tested_wheels(release: str, tmp_path: Path) -> None:
    results = build(release, "--python", "cp313", "--force", output=tmp_path)
    assert results
    for result in results:
        record = result["record"]
        assert record["verdict"]["findings"] == [
            finding for finding in record["verdict"]["findings"] if finding["severity"] != "error"
        ]
        assert Path(result["wheel"]).name.endswith("manylinux_2_36_loongarch64.whl")
        assert Path(result["wheel"] + ".record.json").is_file()
        assert {report["cpu"] for report in record["tests"]} == CPUS
        assert {report["outcome"] for report in record["tests"]} == {"passed"}
        assert all(report["imported"] > 0 for report in record["tests"])


@pytest.mark.system
def test_every_python_and_again_from_the_cache(tmp_path: Path) -> None:
    first = build("markupsafe==3.0.4", "--force", output=tmp_path / "first")
    assert [result["record"]["identifier"] for result in first] == [
        f"{python}-manylinux_loongarch64" for python in ("cp313", "cp314", "cp315")
    ]
    again = build("markupsafe==3.0.4", "--offline", output=tmp_path / "again")
    assert all(result["cached"] for result in again)
    for one, two in zip(first, again, strict=True):
        assert Path(one["wheel"]).read_bytes() == Path(two["wheel"]).read_bytes()


@pytest.mark.system
def test_a_test_suite_runs_under_emulation(tmp_path: Path) -> None:
    results = build(
        "msgpack==1.2.4", "--python", "cp313", "--force", "--test-requires", "pytest",
        "--test-command", "pytest -q -p no:cacheprovider {project}/test",
        output=tmp_path,
    )  # fmt: skip
    for report in results[0]["record"]["tests"]:
        assert report["outcome"] == "passed"
        assert " passed" in report["command_output"]


@pytest.mark.system
def test_a_pure_release_is_told_so(tmp_path: Path) -> None:
    ran = manyloong("build", "packaging", "--output", tmp_path)
    assert ran.returncode == 0
    assert "pure Python" in ran.stdout
    assert not list(tmp_path.iterdir())
