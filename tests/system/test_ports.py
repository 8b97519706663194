"""Ports as a user has them: one of their own, built, grafted, named in the wheel; and every bad input."""

import hashlib
import io
import json
import random
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
from evidence import ports as evidence
from tests.system.manyloong_cli import build, manyloong

from manyloong.roots.ports.libraries import read_libraries

pytestmark = pytest.mark.system

LIBRARY = {
    "greet.h": "int greet(void);\n",
    "greet.c": '#include "greet.h"\nint greet(void) { return 42; }\n',
    "LICENSE": "Do what you like.\n",
    "Makefile": """\
SONAME = libwrong.so.1
all:
\t$(CC) $(CFLAGS) -fPIC -shared -Wl,-soname,$(SONAME) -o $(SONAME) greet.c
install:
\tmkdir -p $(DESTDIR)$(PREFIX)/lib
\tcp $(SONAME) $(DESTDIR)$(PREFIX)/lib/
""",
}
STEPS = """[
  'cc $CFLAGS $LDFLAGS -fPIC -shared -Wl,-soname,libgreet.so.1 -o libgreet.so.1 greet.c',
  'mkdir -p "$DESTDIR$PREFIX/lib" "$DESTDIR$PREFIX/include"',
  'cp greet.h "$DESTDIR$PREFIX/include"',
  'cp libgreet.so.1 "$DESTDIR$PREFIX/lib"',
  'ln -s libgreet.so.1 "$DESTDIR$PREFIX/lib/libgreet.so"',
]"""
PACKAGE = {
    "pyproject.toml": """\
[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"
[project]
name = "greeter"
version = "1.0"
[external]
host-requires = ["dep:generic/greet"]
""",
    "setup.py": """\
from setuptools import Extension, setup
setup(
    ext_modules=[
        Extension("greeter", ["greeter.c"], libraries=["greet"]),
        Extension("plain", ["plain.c"], runtime_library_dirs=["/opt/manyloong/ports/lib", "$ORIGIN/x"]),
    ]
)
""",
    "greeter.c": """\
#include <Python.h>
#include <greet.h>
static PyObject *ask(PyObject *self, PyObject *none) { return PyLong_FromLong(greet()); }
static PyMethodDef methods[] = {{"ask", ask, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "greeter", NULL, 0, methods};
PyMODINIT_FUNC PyInit_greeter(void) { return PyModule_Create(&module); }
""",
    "plain.c": """\
#include <Python.h>
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "plain", NULL, 0, NULL};
PyMODINIT_FUNC PyInit_plain(void) { return PyModule_Create(&module); }
""",
}


def archive(path: Path) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for name, text in LIBRARY.items():
            member = tarfile.TarInfo(f"greet-1.0/{name}")
            member.size, member.mtime = len(text), 1_700_000_000
            tar.addfile(member, io.BytesIO(text.encode()))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one port, whose source is beside it."""
    (tmp_path / "ports").mkdir()
    write_port(tmp_path)
    return tmp_path / "ports"


def write_port(place: Path, *, extra: str = "", name: str = "greet", **source: Any) -> None:
    data = archive(place / "greet.tar.gz").read_bytes()
    rows = {
        "urls": [(place / "greet.tar.gz").as_uri()],
        "sha256": hashlib.sha256(data).hexdigest(),
        "size_bytes": len(data),
    } | source
    table = ", ".join(f"{key} = {json.dumps(value)}" for key, value in rows.items())
    text = (
        f'summary = "Greets"\nversion = "1.0"\nlicence = "MIT"\nsystem = "custom"\nsteps = {STEPS}\n'
        f'sonames = ["libgreet.so.1"]\nsource = {{ {table} }}\n{extra}\n'
    )
    (place / "ports" / f"{name}.toml").write_text(text, "utf-8")


def test_a_package_gets_a_port_by_its_own_metadata(folder: Path, tmp_path: Path) -> None:
    package = tmp_path / "greeter"
    package.mkdir()
    for name, text in PACKAGE.items():
        (package / name).write_text(text, "utf-8")
    command = 'python -c "import greeter; assert greeter.ask() == 42"'
    results = build(
        package, "--python", "cp313", "--ports", folder, "--test-command", command, output=tmp_path / "out"
    )
    record = results[0]["record"]
    assert record["carried"] == ["greet 1.0"]
    assert {test["outcome"] for test in record["tests"]} == {"passed"}
    assert any(key.startswith("port greet 1.0") for key in record["kit"])
    with zipfile.ZipFile(results[0]["wheel"]) as wheel:
        names = wheel.namelist()
        bill = json.loads(wheel.read("greeter-1.0.dist-info/sboms/manyloong.cdx.json"))
        record_file = wheel.read("greeter-1.0.dist-info/RECORD").decode()
        plain = next(name for name in names if name.startswith("plain."))
        wheel.extract(plain, tmp_path / "unpacked")
    [library] = read_libraries(tmp_path / "unpacked")
    assert library.search == ("$ORIGIN/x",)  # nothing is grafted for it, and the build's places are gone
    assert any(name.startswith("greeter.libs/libgreet-") for name in names)
    assert "greeter-1.0.dist-info/licenses/ports/greet/LICENSE" in names
    assert "sboms/manyloong.cdx.json,sha256=" in record_file
    assert [(one["name"], one["version"]) for one in bill["components"]] == [("greet", "1.0")]
    ran = manyloong("ports", "affected", "greet<2", tmp_path / "out", "--json")
    assert [row["version"] for row in ran.json()["affected"]] == ["1.0"]


def test_a_second_build_gives_the_same_bytes(folder: Path) -> None:
    check = '[check]\nsteps = ["test -f libgreet.so.1", "echo 3 tests"]\nexpect = "(\\\\d+) tests"'
    write_port(folder.parent, extra=check)
    ran = manyloong("ports", "build", "greet", "--check", "--ports", folder, "--json")
    assert ran.returncode == 0, ran.stderr
    row = ran.json()["checked"][0]
    assert (row["same_bytes"], row["tests"]["passed"], row["tests"]["count"]) == (True, True, 3)


def test_variables_of_a_port_win_over_what_its_makefile_assigns(folder: Path) -> None:
    text = (folder / "greet.toml").read_text("utf-8")
    lines = [line for line in text.replace(f"steps = {STEPS}\n", "").splitlines() if line]
    made = "\n".join(lines).replace('system = "custom"', 'system = "make"')
    (folder / "greet.toml").write_text(made + '\nenvironment = { SONAME = "libgreet.so.1" }\n', "utf-8")
    ran = manyloong("ports", "build", "greet", "--ports", folder)
    assert ran.returncode == 0, ran.stderr


def test_tests_that_say_nothing_fail(folder: Path) -> None:
    write_port(folder.parent, extra='[check]\nsteps = ["true"]\nexpect = "(\\\\d+) tests"')
    ran = manyloong("ports", "build", "greet", "--check", "--ports", folder)
    assert ran.returncode == 10
    assert "FAILED" in ran.stdout


@pytest.mark.parametrize(
    ("source", "code", "said"),
    [
        (
            {"urls": ["file:///nowhere/greet.tar.gz"], "sha256": "2" * 64},
            4,
            "source not reachable on any mirror: greet 1.0",
        ),
        ({"sha256": "1" * 64}, 5, "no address gives the right bytes"),
    ],
)
def test_a_source_that_is_gone_or_another(folder: Path, source: dict[str, Any], code: int, said: str) -> None:
    write_port(folder.parent, **source)
    ran = manyloong("ports", "build", "greet", "--ports", folder)
    assert ran.returncode == code, ran.stderr
    assert said in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_patch_that_does_not_apply(folder: Path) -> None:
    (folder / "patches").mkdir()
    head = "Upstream-Status: Pending\n\n--- a/greet.c\n+++ b/greet.c\n"
    change = f"{head}@@ -1,1 +1,1 @@\n-nothing\n+something\n"
    (folder / "patches/other.patch").write_text(change, "utf-8")
    write_port(folder.parent, extra='patches = ["other.patch"]')
    ran = manyloong("ports", "build", "greet", "--ports", folder)
    assert ran.returncode == 8
    assert "greet 1.0: the patch other.patch does not apply" in ran.stderr


def test_a_port_that_does_not_exist_says_who_asks(folder: Path, tmp_path: Path) -> None:
    package = tmp_path / "greeter"
    package.mkdir()
    text = PACKAGE["pyproject.toml"].replace("[external]", '[tool.manyloong]\nports = ["gret"]\n[external]')
    (package / "pyproject.toml").write_text(text, "utf-8")
    ran = manyloong("build", package, "--ports", folder, "--dry-run")
    assert ran.returncode == 3
    assert "no port 'gret', which greeter" in ran.stderr
    assert "did you mean greet" in ran.stderr


def test_two_ports_that_provide_one_soname(folder: Path) -> None:
    write_port(folder.parent, name="greet2")
    ran = manyloong("ports", "list", "--ports", folder)
    assert ran.returncode == 2
    assert "two ports provide libgreet.so.1: greet and greet2" in ran.stderr


# ---- the shipped ones: evidence/ports.json


def test_evidence_is_about_todays_ports_and_says_that_they_work() -> None:
    ports, found = evidence.ports_of(), evidence.results()
    missing = set(ports) - set(found)
    assert not missing, "python -m evidence.ports NAME"
    stale = [name for name in found if found[name]["inputs"] != evidence.digest(ports[name], ports)]
    assert not stale, f"python -m evidence.ports {' '.join(stale)}"
    for name, seen in found.items():
        assert seen["same_bytes"], name
        assert (seen["tests"] is not None) == (ports[name].check is not None), name
        assert seen["tests"] is None or seen["tests"]["passed"], name


def test_evidence_of_musl_is_about_todays_ports_and_says_that_they_work() -> None:
    ports, found = evidence.ports_of(evidence.MUSL), evidence.results(evidence.MUSL)
    assert found
    stale = [name for name in found if found[name]["inputs"] != evidence.digest(ports[name], ports)]
    assert not stale, f"python -m evidence.ports --musl {' '.join(stale)}"
    assert {seen["compiler"] for seen in found.values()}.isdisjoint(
        seen["compiler"] for seen in evidence.results().values()
    )
    for name, seen in found.items():
        assert seen["same_bytes"], name
        assert seen["tests"] is None or seen["tests"]["passed"], name


@pytest.mark.parametrize("proof", evidence.PLATFORMS)
def test_a_small_port_holds_again(proof: str) -> None:
    """One that builds in seconds, built and tested again; by the same compiler the same bytes."""
    name = random.choice(("bzip2", "zlib"))  # noqa: S311 - a different one each time is the point
    before, again = evidence.results(proof)[name], evidence.check(name, proof)
    assert again["same_bytes"]
    assert again["tests"] == before["tests"]
    if again["compiler"] == before["compiler"]:
        assert again["digest"] == before["digest"]
