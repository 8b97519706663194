"""``manyloong cibuildwheel``: what it refuses before a container is started, as a user sees it."""

from pathlib import Path

import pytest
from tests.system.manyloong_cli import Ran, manyloong

HOOKED = Path(__file__).parent / "hooked"

pytestmark = pytest.mark.system


def stock(folder: Path, engine: str, answer: str | None, *, status: int = 0) -> Ran:
    """The command where the engine is not installed, or answers every question with the same words."""
    if answer is not None:
        program = folder / engine
        program.write_text(f"#!/bin/sh\necho {answer}\nexit {status}\n", "utf-8")
        program.chmod(0o755)
    variables = {"CIBW_CONTAINER_ENGINE": engine, "PATH": str(folder), "CIBW_BUILD": "cp313-manylinux_*"}
    return manyloong("cibuildwheel", HOOKED, "--output-dir", folder / "out", variables=variables)


@pytest.mark.parametrize(
    ("engine", "answer", "status", "code", "said"),
    [
        ("podman", None, 0, 7, ["podman is not installed", "install podman or docker"]),
        ("podmn", None, 0, 2, ["there is no engine 'podmn'", "did you mean 'podman'?"]),
        ("podman", "linux/amd64", 0, 7, ["is for linux/amd64, not for linux/loong64", "root export"]),
        ("docker", "", 1, 3, ["docker has no image 'manylinux_2_36_loongarch64'", "docker load --input"]),
    ],
)
def test_it_is_refused_before_it_starts(
    engine: str, answer: str | None, status: int, code: int, said: list[str], tmp_path: Path
) -> None:
    ran = stock(tmp_path, engine, answer, status=status)
    assert ran.returncode == code, ran.stderr
    for text in said:
        assert text in ran.stderr.replace("\n", " ")
    assert "Traceback" not in ran.stderr
    assert not (tmp_path / "out").exists()


def test_faults_of_the_table_are_cibuildwheels_own(tmp_path: Path) -> None:
    variables = {"CIBW_BUILD": "cp39-*", "CIBW_CONTAINER_ENGINE": "podman"}
    ran = manyloong("cibuildwheel", HOOKED, "--output-dir", tmp_path, variables=variables)
    assert ran.returncode == 3
    assert "No build identifiers selected" in ran.stderr
