"""The musl root: musl 1.2.5, a whole standard library, and wheels that are built for it and tested in it."""

import json
import os
import subprocess
import zipfile
from pathlib import Path

import pytest
import zstandard
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection
from evidence import musl
from tests.system.manyloong_cli import PROGRAM, build, manyloong

from manyloong.roots.libstdcxx import gcc_source
from manyloong.targets import musl_exports
from manyloong.wheels.bundle import carried_components
from manyloong.wheels.recipes import shipped_recipe

pytestmark = pytest.mark.timeout(3000)  # the root is built from source here, where it is not in the cache
ROOT = "musl-1_2-loong64"
CXX = Path(__file__).parents[1] / "oci/projects/cxx"
PLATFORM = ("--platform", "musllinux_1_2")
# A build that imports the C++ extension module which it has just made, and asks where it is.
ASKING = """
import json, os, platform, subprocess, sys, sysconfig
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

class BuildAndAsk(build_ext):
    def run(self):
        super().run()
        sys.path.insert(0, self.build_lib)
        import _table
        say = lambda *words: subprocess.check_output(words, text=True).strip()
        answers = {
            "answer": _table.answer(),
            "machine": [platform.machine(), say("uname", "-m")],
            "suffix": sysconfig.get_config_var("EXT_SUFFIX"),
            "header": os.path.isfile(sysconfig.get_path("include") + "/Python.h"),
            "libc": platform.libc_ver()[0],
            "python3": say("python3", "-c", "import sys; print(sys.implementation._multiarch)"),
            "native": say("sh", "-c", "od -An -tx2 -j18 -N2 $(readlink -f $(command -v cmake))"),
            "compiled by": say("/opt/manyloong/host/bin/python3", "-c",
                "import os, sysconfig, ctypes; print(os.uname().machine, os.__file__)"),
        }
        with open(self.build_lib + "/answers.json", "w") as stream:
            json.dump(answers, stream)

setup(ext_modules=[Extension("_table", ["table.cpp"])], cmdclass={"build_ext": BuildAndAsk})
"""
TABLE = """
#include <Python.h>
#include <stdexcept>
#include <string>
static PyObject *answer(PyObject *self, PyObject *none) {
    try { throw std::runtime_error(std::string("forty") + "-two"); }
    catch (const std::exception &error) { return PyUnicode_FromString(error.what()); }
}
static PyMethodDef methods[] = {{"answer", answer, METH_NOARGS, 0}, {0, 0, 0, 0}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_table", 0, -1, methods};
PyMODINIT_FUNC PyInit__table(void) { return PyModule_Create(&module); }
"""
PROJECT = """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[project]
name = "demo"
version = "1.0"
"""
CHECKS = """
import importlib, os, platform, subprocess, sys, sysconfig, zoneinfo
elsewhere = {"antigravity", "this", "idlelib", "turtle", "turtledemo", "tkinter"}
elsewhere |= {"msvcrt", "nt", "winreg", "winsound"}
private = {"_ssl", "_ctypes", "_sqlite3", "_lzma", "_bz2", "_curses", "_hashlib", "_decimal"}
for name in sorted(sys.stdlib_module_names - elsewhere):
    if not name.startswith("_") or name in private:
        importlib.import_module(name)
import ctypes, sqlite3, ssl
assert platform.libc_ver()[0] != "glibc", platform.libc_ver()
assert sysconfig.get_config_var("SOABI") == "cpython-313-loongarch64-linux-musl"
assert sysconfig.get_config_var("EXT_SUFFIX") == ".cpython-313-loongarch64-linux-musl.so"
assert len(ssl.create_default_context().get_ca_certs()) > 100
assert ctypes.CDLL("libc.musl-loongarch64.so.1").getpid() == os.getpid()
assert sqlite3.connect(":memory:").execute("select 6 * 7").fetchone() == (42,)
assert subprocess.check_output("echo $((6 * 7)) | sed s/4/x/", shell=True) == b"x2\\n"
assert zoneinfo.ZoneInfo("Asia/Shanghai")
print("all there")
"""


@pytest.fixture(scope="module")
def tree() -> Path:
    ran = manyloong("root", "build", ROOT, "--json")
    assert ran.returncode == 0, ran.stderr
    return Path(ran.json()["roots"][0]["path"])


@pytest.mark.system
def test_its_library_exports_what_the_auditor_takes_for_musl(tree: Path) -> None:
    with (tree / "lib/ld-musl-loongarch64.so.1").open("rb") as stream:
        table = ELFFile(stream).get_section_by_name(".dynsym")
        assert isinstance(table, SymbolTableSection)
        names = {one.name for one in table.iter_symbols() if one["st_shndx"] != "SHN_UNDEF" and one.name}
    assert names == set(musl_exports())


@pytest.mark.system
def test_its_standard_library_is_whole(tree: Path) -> None:
    assert tree.is_dir()
    words = [str(PROGRAM), "root", "shell", ROOT, "--", "python3.13", "-I", "-W", "ignore", "-c", CHECKS]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all there" in done.stdout


@pytest.mark.system
def test_one_command_builds_for_both_libcs(tree: Path, tmp_path: Path) -> None:
    options = ("--platform", "musllinux_1_2,manylinux_2_36", "--force", "--test-roots", "current")
    results = build("markupsafe==3.0.4", "--python", "cp313", *options, output=tmp_path)
    records = {result["record"]["identifier"]: result["record"] for result in results}
    assert set(records) == {"cp313-musllinux_loongarch64", "cp313-manylinux_loongarch64"}
    for record in records.values():
        assert record["accepted"]
        assert {report["outcome"] for report in record["tests"]} == {"passed"}
        assert {report["cpu"] for report in record["tests"]} == {"la464", "la464,lasx=off"}
    tests = records["cp313-musllinux_loongarch64"]["tests"]
    assert {(report["root"], report["root_id"]) for report in tests} == {(ROOT, tree.name)}
    assert {report["libc"] for report in tests} == {"musl 1.2.5"}


@pytest.mark.system
def test_what_a_wheel_carries_of_the_compilers_is_named_and_its_sources_can_be_had(tmp_path: Path) -> None:
    options = ("--platform", "musllinux_1_2", "--python", "cp313", "--no-test", "--no-table")
    (result,) = build(CXX, *options, output=tmp_path)
    record = result["record"]
    assert record["grafted"] == ["libgcc_s.so.1", "libstdc++.so.6"]
    assert [one.partition(" ")[0] for one in record["carried"]] == ["libstdc++", "ziglang-libunwind"]
    assert "runtime" in record["kit"]
    wheel = Path(result["wheel"])
    found = {one.name: one for one in carried_components(wheel)}
    assert found["libstdc++"].copyleft
    with zipfile.ZipFile(wheel) as archive:
        names = {name.partition("/licenses/")[2] for name in archive.namelist()}
    assert {"ports/libstdc++/COPYING3", "ports/libstdc++/COPYING.RUNTIME"} <= names
    ran = manyloong("ports", "sources", wheel, "--output", tmp_path / "sources", "--json")
    assert ran.returncode == 0, ran.stderr
    assert ran.json()["libraries"] == [f"libstdc++ {gcc_source().version}"]


@pytest.mark.system
@pytest.mark.parametrize("suffix", [".tar", ".tar.gz", ".tar.zst"])
def test_the_root_itself_can_be_imported_as_somebodys_own(tree: Path, tmp_path: Path, suffix: str) -> None:
    archive = tmp_path / f"rootfs{suffix}"
    packed = {".tar": "-cf", ".tar.gz": "-czf", ".tar.zst": "-cf"}[suffix]
    made = archive.with_name("rootfs.tar") if suffix == ".tar.zst" else archive
    subprocess.run(["tar", "-C", str(tree), packed, str(made), "."], check=True)
    if suffix == ".tar.zst":
        archive.write_bytes(zstandard.compress(made.read_bytes()))
    ran = manyloong("root", "import", "test-musl", str(archive), "--json")
    try:
        assert ran.returncode == 0, ran.stderr
        assert ran.json()["root"]["pythons"] == ["cp313"]
        options = ("--python", "cp313", *PLATFORM, "--test-roots", "all")
        results = build("markupsafe==3.0.4", *options, output=tmp_path)
        reports = results[0]["record"]["tests"]
        assert {report["outcome"] for report in reports} == {"passed"}
        cpus = ("la464,lasx=off", "la464")
        seen = {(report["root"], report["cpu"]) for report in reports}
        assert seen == {(root, cpu) for root in (ROOT, "test-musl") for cpu in cpus}
    finally:
        assert manyloong("root", "forget", "test-musl").returncode == 0


@pytest.mark.system
def test_a_build_that_imports_its_own_extension_is_at_home_in_the_emulated_lane(
    tree: Path, tmp_path: Path
) -> None:
    assert tree.is_dir()
    source = tmp_path / "demo"
    source.mkdir()
    for name, text in {"pyproject.toml": PROJECT, "setup.py": ASKING, "table.cpp": TABLE}.items():
        (source / name).write_text(text)
    (result,) = build(source, "--python", "cp313", *PLATFORM, output=tmp_path / "out")
    record = result["record"]
    reason = "the build imports _table, which it has just made for loongarch64"
    assert (record["lane"], record["fallback"], record["accepted"]) == ("emulated", reason, True)
    assert {report["outcome"] for report in record["tests"]} == {"passed"}
    with zipfile.ZipFile(result["wheel"]) as archive:
        answers = json.loads(archive.read("answers.json"))
    assert answers == {
        "answer": "forty-two",
        "machine": ["loongarch64", "loongarch64"],
        "suffix": ".cpython-313-loongarch64-linux-musl.so",
        "header": True,
        "libc": "",  # as musl answers: not known
        "python3": "loongarch64-linux-musl",
        "native": answers["native"],
        "compiled by": f"{os.uname().machine} /opt/manyloong/host/lib/python3.13/os.py",
    }
    assert (answers["native"] == "0102") == (os.uname().machine == "loongarch64")  # EM_LOONGARCH


made = pytest.mark.skipif(not musl.RESULTS.exists(), reason="the proof was not made yet")


@made
def test_evidence_is_not_stale_and_says_what_works() -> None:
    document = json.loads(musl.RESULTS.read_text("utf-8"))
    assert document["digest"] == musl.digest(), "inputs changed: python -m evidence.musl"
    assert set(document["results"]) == {entry["release"] for entry in musl.releases()}
    for name, results in document["results"].items():
        assert results, name
        for result in results:
            assert result["accepted"], name
            assert "musllinux_1_2_loongarch64" in result["wheel"]
            assert {report["outcome"] for report in result["tests"]} == {"passed"}, name
            assert {report["cpu"] for report in result["tests"]} == {"la464", "la464,lasx=off"}, name
            assert {report["root"] for report in result["tests"]} == {ROOT}, name


@made
@pytest.mark.parametrize("release", ["lxml==6.1.3", "numpy==2.5.5"])
def test_releases_ran_the_same_tests_of_their_own_as_on_glibc(release: str) -> None:
    (result,) = json.loads(musl.RESULTS.read_text("utf-8"))["results"][release]
    recipe = shipped_recipe(release.split("==", maxsplit=1)[0])
    assert recipe.test_command
    assert {report["command"] for report in result["tests"]} == {recipe.test_command}
