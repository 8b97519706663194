"""Sources that only another machine can build: the error names the line and the way on."""

import re
from pathlib import Path

import pytest
from tests.system.manyloong_cli import Ran, manyloong
from tests.system.test_bad_input import project

pytestmark = pytest.mark.system
MODULE = """
#include <Python.h>
static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "demo", NULL, -1, NULL};
PyMODINIT_FUNC PyInit_demo(void) { return PyModule_Create(&definition); }
"""
EXTENSION = """from setuptools import Extension, setup

setup(ext_modules=[Extension("demo", ["demo.c"], extra_compile_args=[FLAGS])], py_modules=[])
"""
GENERATOR = """import os
import subprocess

from setuptools import Extension, setup

subprocess.check_call([os.environ["CXX_FOR_BUILD"], "generator.cc", "-lelf", "-o", "generator"])
"""
TOOL = "import subprocess\n\nsubprocess.check_call(['swig', '-python', 'demo.i'])\n"
# name -> setup.py, other files, words of the error
CASES = {
    "intrinsics": (
        EXTENSION.replace("FLAGS", ""),
        {"demo.c": "\n#include <immintrin.h>\n" + MODULE},
        ("demo.c:2 includes immintrin.h", "#if defined(__x86_64__)"),
    ),
    "flags": (
        EXTENSION.replace("FLAGS", '"-mavx2"'),
        {"demo.c": MODULE},
        ("setup.py:3 gives the compiler -mavx2", "-C, -e"),
    ),
    "assembly": (
        EXTENSION.replace("FLAGS", ""),
        {"demo.c": MODULE + 'int now(void) { int a; __asm__("rdtsc" : "=a"(a)); return a; }\n'},
        ("demo.c:5 has another architecture's assembly", "#assembly"),
    ),
    "library": (
        EXTENSION.replace("FLAGS", ""),
        {"demo.c": "#include <libelf.h>\n" + MODULE},
        ("demo.c:1 includes libelf.h", "manyloong ports list"),
    ),
    "generator": (
        GENERATOR,
        {"generator.cc": "#include <libelf.h>\nint main() {}\n"},
        ("generator.cc:1 includes libelf.h", "a program that the build runs itself", "#generators"),
    ),
    "generator's library": (
        GENERATOR,
        {"generator.cc": "int main() {}\n"},
        ("a program that the build runs itself links libelf", "#generators"),
    ),
    "tool": (TOOL, {}, ("the build runs swig, which is not there (setup.py:3)", "[build-system] requires")),
}


def attempt(folder: Path, setup: str, files: dict[str, str]) -> Ran:
    source = project(folder / "demo", setup=setup, files=files)
    arguments = ("--python", "cp313", "--lane", "cross", "--test-roots", "current", "--force")
    return manyloong("build", source, *arguments, "--output", folder / "out")


@pytest.mark.parametrize("name", CASES)
def test_the_error_names_the_line_and_the_way_on(name: str, tmp_path: Path) -> None:
    setup, files, words = CASES[name]
    ran = attempt(tmp_path, setup, files)
    assert ran.returncode == 8, ran.stderr
    for word in words:
        assert word in ran.stderr
    assert 'Traceback (most recent call last):\n  File "/usr' not in ran.stderr


def test_a_crash_of_the_compiler_leaves_what_reproduces_it(tmp_path: Path) -> None:
    ran = attempt(
        tmp_path, EXTENSION.replace("FLAGS", ""), {"demo.c": "#pragma clang __debug crash\n" + MODULE}
    )
    assert ran.returncode == 8, ran.stderr
    found = re.search(r"crash again: (\S+\.c), (\S+\.sh)", ran.stderr)
    assert found is not None, ran.stderr
    source, script = (Path(path) for path in found.groups())
    assert "PyInit_demo" in source.read_text()
    assert "demo" in script.read_text()


def test_native_tuning_is_left_out_and_named(tmp_path: Path) -> None:
    ran = attempt(tmp_path, EXTENSION.replace("FLAGS", '"-march=native"'), {"demo.c": MODULE})
    assert ran.returncode == 0, ran.stderr
    assert "setup.py:3: -march=native was left out" in ran.stderr
