"""Two C++ wheels in one process: one library's exception, type and thread-local state reach the other."""

import json
from pathlib import Path

import pytest
from tests.system.manyloong_cli import build

PYPROJECT = """[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "{name}"
version = "1.0"
"""
SETUP = """from setuptools import Extension, setup

setup(ext_modules=[Extension("{name}", ["{name}.cc"], extra_compile_args=["-std=c++17"])], py_modules=[])
"""
SHARED = """#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <iostream>
#include <stdexcept>
#include <string>
struct Fault : std::runtime_error { using runtime_error::runtime_error; int code = 7; };
struct Shape { virtual ~Shape() = default; };
struct Square : Shape {};
struct Table {
  void (*fail)(int);
  Shape *(*make)();
  std::ostream &(*show)(std::ostream &, int);
  int *(*depth)();
};
"""
GIVER = """#include "shared.h"
static thread_local int depth = 40;
static void fail(int how) {
  if (how == 1) throw Fault("fault");
  if (how == 2) throw std::out_of_range("range");
  throw how;
}
static Shape *make() { return new Square; }
static std::ostream &show(std::ostream &stream, int number) { return stream << number << std::endl; }
static int *place() { return &++depth; }
static Table table = {fail, make, show, place};
static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "giver", nullptr, -1, nullptr};
PyMODINIT_FUNC PyInit_giver() {
  PyObject *module = PyModule_Create(&definition);
  PyModule_AddObject(module, "table", PyCapsule_New(&table, "giver.table", nullptr));
  return module;
}
"""
TAKER = """#include "shared.h"
#include <sstream>
#include <thread>
static PyObject *facts(PyObject *, PyObject *) {
  auto *table = static_cast<Table *>(PyCapsule_Import("giver.table", 0));
  if (!table) return nullptr;
  int code = 0, range = 0, number = 0;
  try { table->fail(1); } catch (const Fault &fault) { code = fault.code; }
  try { table->fail(2); } catch (const std::out_of_range &) { range = 2; }
  try { table->fail(3); } catch (int thrown) { number = thrown; }
  Shape *shape = table->make();
  int square = dynamic_cast<Square *>(shape) != nullptr;
  delete shape;
  std::ostringstream stream;
  table->show(stream, 5);
  int other = 0;
  std::thread([&] { other = *table->depth(); }).join();
  int mine = *table->depth();
  return Py_BuildValue("[iiiisii]", code, range, number, square, stream.str().c_str(), mine, other);
}
static PyMethodDef methods[] = {{"facts", facts, METH_NOARGS, nullptr}, {nullptr, nullptr, 0, nullptr}};
static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "taker", nullptr, -1, methods};
PyMODINIT_FUNC PyInit_taker() { return PyModule_Create(&definition); }
"""


def wheel(folder: Path, name: str, source: str, *arguments: str) -> dict[str, object]:
    place = folder / name
    place.mkdir()
    (place / "pyproject.toml").write_text(PYPROJECT.format(name=name))
    (place / "setup.py").write_text(SETUP.format(name=name))
    (place / f"{name}.cc").write_text(source)
    (place / "shared.h").write_text(SHARED)
    (place / "MANIFEST.in").write_text("include shared.h\n")
    common = ("--python", "cp313", "--lane", "cross", "--test-roots", "all")
    (result,) = build(place, *common, *arguments, output=folder / "out")
    record: dict[str, object] = result["record"]
    return record


@pytest.mark.system
def test_two_wheels_share_one_runtime(tmp_path: Path) -> None:
    wheel(tmp_path, "giver", GIVER)
    command = "python -c 'import taker, json; print(json.dumps(taker.facts()))'"
    record = wheel(tmp_path, "taker", TAKER, "--test-requires", "giver", "--test-command", command)
    reports = record["tests"]
    assert isinstance(reports, list)
    assert len({report["libc"] for report in reports}) == 2  # the current one and the floor
    for report in reports:
        assert report["outcome"] == "passed", report
        said = json.loads(report["command_output"].strip().splitlines()[-1])
        assert said == [7, 2, 3, 1, "5\n", 41, 41]
