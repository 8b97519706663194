"""A small project for each build system: generators and configure checks run, C++ throws, the wheel works."""

import json
import os
import shutil
from pathlib import Path

import pytest
from tests.system.manyloong_cli import build

PROJECTS = Path(__file__).parent / "projects"
NATIVE = os.uname().machine
TARGET = "loongarch64"
# project -> the machine its generator runs on: the build machine's or the target's; "" where it has none
SYSTEMS = {
    "autotools-setup": NATIVE,
    "cffi": "",
    "cmake-setup": TARGET,
    "cython": "",
    "hatchling": TARGET,
    "meson-python": NATIVE,
    "nanobind": "",
    "pdm": "",
    "poetry": "",
    "pybind11": "",
    "scikit-build": TARGET,
    "scikit-build-core": TARGET,
    "setuptools": NATIVE,
}
DIGITS = 113  # of long double on the target: what only a check that ran there can know
COMMAND = "python -c 'import demo, json; print(json.dumps(demo.facts()))'"


def test_every_project_is_built() -> None:
    assert {path.name for path in PROJECTS.iterdir()} == {*SYSTEMS, "common"}


@pytest.mark.system
@pytest.mark.parametrize("name", SYSTEMS)
def test_a_build_system(name: str, tmp_path: Path) -> None:
    project = tmp_path / name
    shutil.copytree(PROJECTS / name, project)
    for path in (PROJECTS / "common").iterdir():
        if not (project / path.name).exists():
            shutil.copy(path, project)
    (result,) = build(
        project, "--python", "cp313", "--lane", "cross", "--test-roots", "current",
        "--test-command", COMMAND,
        output=tmp_path / "out",
    )  # fmt: skip
    record = result["record"]
    assert record["accepted"]
    assert {report["outcome"] for report in record["tests"]} == {"passed"}
    for report in record["tests"]:
        facts = json.loads(report["command_output"].strip().splitlines()[-1])
        assert facts["mantissa"] == DIGITS
        assert facts["caught"] == 1
        if SYSTEMS[name]:
            assert facts["made_on"] == SYSTEMS[name]
