"""The emulated lane, the way to it from a cross build that cannot be, and downloads that are declared."""

import hashlib
import json
import tarfile
import zipfile
from pathlib import Path

import pytest
from tests.system.manyloong_cli import build, manyloong

# A build that imports the extension module which it has just made, to write code from it.
SELF_IMPORTING = """\
import subprocess, sys
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

class BuildAndGenerate(build_ext):
    def run(self):
        super().run()
        sys.path.insert(0, self.build_lib)
        import _table
        with open(self.build_lib + "/generated.py", "w") as stream:
            stream.write(f"ANSWER = {_table.answer()}\\n")

setup(ext_modules=[Extension("_table", ["table.c"])], cmdclass={"build_ext": BuildAndGenerate})
"""
TABLE = """\
#include <Python.h>
static PyObject *answer(PyObject *self, PyObject *none) { return PyLong_FromLong(sizeof(long double)); }
static PyMethodDef methods[] = {{"answer", answer, METH_NOARGS, 0}, {0}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_table", 0, -1, methods};
PyMODINIT_FUNC PyInit__table(void) { return PyModule_Create(&module); }
"""
SETUPTOOLS = '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
METADATA = '[project]\nname = "demo"\nversion = "1.0"\n'
URL = "https://downloads.example.org/zoo-1.2.tar.gz"
CMAKE = """\
cmake_minimum_required(VERSION 3.15...3.31)
project(demo LANGUAGES C)
find_package(Python COMPONENTS Interpreter Development.Module REQUIRED)
include(FetchContent)
set(ZOO_VERSION 1.2)
FetchContent_Declare(zoo
  URL https://downloads.example.org/zoo-${ZOO_VERSION}.tar.gz
  URL_HASH SHA256=@HASH@
)
FetchContent_MakeAvailable(zoo)
python_add_library(demo MODULE demo.c WITH_SOABI)
target_include_directories(demo PRIVATE ${zoo_SOURCE_DIR})
install(TARGETS demo DESTINATION .)
"""
DEMO_C = """\
#include <Python.h>
#include "zoo.h"
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "demo", ZOO, -1, 0};
PyMODINIT_FUNC PyInit_demo(void) { return PyModule_Create(&module); }
"""


def project(folder: Path, files: dict[str, str]) -> Path:
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


@pytest.mark.system
def test_a_build_that_imports_its_own_extension_falls_back_and_says_so(tmp_path: Path) -> None:
    source = project(
        tmp_path / "demo",
        {"pyproject.toml": SETUPTOOLS + METADATA, "setup.py": SELF_IMPORTING, "table.c": TABLE},
    )
    arguments = ("build", source, "--python", "cp313", "--output", tmp_path / "out")
    ran = manyloong(*arguments)
    assert ran.returncode == 0, ran.stderr
    reason = "the build imports _table, which it has just made for loongarch64"
    lines = [line for line in ran.stderr.splitlines() if reason in line]
    assert len(lines) == 1, ran.stderr
    wheel = next((tmp_path / "out").glob("*.whl"))
    assert "manylinux_2_36_loongarch64" in wheel.name
    with zipfile.ZipFile(wheel) as archive:
        assert archive.read("generated.py") == b"ANSWER = 16\n"
    record = json.loads(Path(f"{wheel}.record.json").read_text())
    assert (record["lane"], record["fallback"], record["accepted"]) == ("emulated", reason, True)
    again = manyloong(*arguments, "--json")
    assert [result["cached"] for result in again.json()["results"]] == [True]
    crossed = manyloong("build", source, "--python", "cp313", "--output", tmp_path / "x", "--lane", "cross")
    assert crossed.returncode == 8
    assert "No module named '_table'" in crossed.stderr


@pytest.mark.system
def test_a_compile_error_does_not_fall_back(tmp_path: Path) -> None:
    source = project(
        tmp_path / "demo",
        {
            "pyproject.toml": SETUPTOOLS + METADATA,
            "setup.py": SELF_IMPORTING,
            "table.c": "int x = undeclared_name;\n",
        },
    )
    ran = manyloong("build", source, "--python", "cp313", "--output", tmp_path / "out")
    assert ran.returncode == 8
    assert "undeclared_name" in ran.stderr
    assert "emulated" not in ran.stderr


def zoo(tmp_path: Path) -> Path:
    (tmp_path / "zoo-1.2").mkdir()
    (tmp_path / "zoo-1.2/zoo.h").write_text('#define ZOO "giraffe"\n')
    file = tmp_path / "zoo-1.2.tar.gz"
    with tarfile.open(file, "w:gz") as archive:
        archive.add(tmp_path / "zoo-1.2", "zoo-1.2")
    return file


def cmake_project(tmp_path: Path, digest: str) -> Path:
    backend = '[build-system]\nrequires = ["scikit-build-core"]\nbuild-backend = "scikit_build_core.build"\n'
    files = {"CMakeLists.txt": CMAKE.replace("@HASH@", digest), "demo.c": DEMO_C}
    return project(tmp_path / "demo", {"pyproject.toml": backend + METADATA, **files})


@pytest.mark.system
@pytest.mark.parametrize("lane", ["cross", "emulated"])
def test_a_declared_download_is_supplied_in_each_lane(lane: str, tmp_path: Path) -> None:
    file = zoo(tmp_path)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    source = cmake_project(tmp_path, digest)
    words = (source, "--python", "cp313", "--lane", lane)
    result = build(*words, "--source", f"{URL}={file}", output=tmp_path / "out")[0]
    assert result["record"]["lane"] == lane
    assert result["record"]["downloads"] == [
        {"url": URL, "sha256": digest, "declared": f"sha256:{digest}", "origin": "given", "differs": ""}
    ]
    assert {report["outcome"] for report in result["record"]["tests"]} == {"passed"}


@pytest.mark.system
def test_a_download_that_cannot_be_had_is_named_with_its_hash(tmp_path: Path) -> None:
    source = cmake_project(tmp_path, "ab" * 32)
    words = ("build", source, "--python", "cp313", "--output", tmp_path / "out")
    ran = manyloong(*words)
    assert ran.returncode == 8
    assert f"source needed: {URL}, sha256:{'ab' * 32}" in ran.stderr
    assert f"--source {URL}=FILE" in ran.stderr
    wrong = manyloong(*words, "--source", f"{URL}={zoo(tmp_path)}")
    assert wrong.returncode == 5
    assert "is not what the package declares" in wrong.stderr


@pytest.mark.system
def test_an_undeclared_download_is_named(tmp_path: Path) -> None:
    setup = f"import urllib.request\nurllib.request.urlopen('{URL}')\n"
    source = project(tmp_path / "demo", {"pyproject.toml": SETUPTOOLS + METADATA, "setup.py": setup})
    ran = manyloong("build", source, "--python", "cp313", "--output", tmp_path / "out")
    assert ran.returncode == 8
    assert f"downloads {URL} (setup.py), for which its sources declare no hash" in ran.stderr
