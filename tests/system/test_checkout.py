"""A checkout builds as it is: version control is readable, nothing in it is written."""

import subprocess
from pathlib import Path

import pytest
from tests.system.manyloong_cli import build, manyloong

from manyloong.store.normalise import tree_digest

PYPROJECT = """\
[build-system]
requires = ["setuptools>=77", "setuptools-scm>=8"]
build-backend = "setuptools.build_meta"
[project]
name = "demo"
dynamic = ["version"]
requires-python = ">=3.14"
[tool.setuptools_scm]
"""
SETUP = "from setuptools import Extension, setup\nsetup(ext_modules=[Extension('demo', ['demo.c'])])\n"
DEMO_C = """\
#include <Python.h>
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "demo", NULL, 0, NULL};
PyMODINIT_FUNC PyInit_demo(void) { return PyModule_Create(&module); }
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "demo"
    folder.mkdir()
    for name, text in (("pyproject.toml", PYPROJECT), ("setup.py", SETUP), ("demo.c", DEMO_C)):
        (folder / name).write_text(text)
    identity = ("-c", "user.name=demo", "-c", "user.email=demo@example.org")
    for words in (("init", "-q"), ("add", "."), (*identity, "commit", "-qm", "demo"), ("tag", "v1.2.3")):
        subprocess.run(["git", *words], cwd=folder, check=True)
    return folder


@pytest.mark.system
def test_the_version_comes_from_the_tag_and_nothing_is_written(checkout: Path, tmp_path: Path) -> None:
    before = tree_digest(checkout)
    results = build(checkout, "--force", output=tmp_path / "out")
    assert [Path(result["wheel"]).name for result in results] == [
        f"demo-1.2.3-{python}-{python}-manylinux_2_36_loongarch64.whl" for python in ("cp314", "cp315")
    ]
    assert tree_digest(checkout) == before


@pytest.mark.system
def test_a_plan_is_printed_and_nothing_is_built(checkout: Path, tmp_path: Path) -> None:
    ran = manyloong("build", checkout, "--dry-run", "--output", tmp_path / "out")
    assert ran.returncode == 0
    assert "cp314-manylinux_loongarch64" in ran.stdout
    assert "cp313-manylinux_loongarch64" not in ran.stdout
    assert not (tmp_path / "out").exists()
