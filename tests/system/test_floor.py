"""The floor root: glibc 2.36 and nothing newer in it, a whole standard library, wheels tested there."""

import json
import subprocess
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection
from evidence import floor
from tests.system.manyloong_cli import PROGRAM, build, manyloong

pytestmark = pytest.mark.timeout(3000)  # the root is built from source here, where it is not in the cache
ROOT = "floor-2_36-loong64"
FLOOR = (2, 36)
CHECKS = """
import importlib, os, platform, subprocess, sys, sysconfig, zoneinfo
elsewhere = {"antigravity", "this", "idlelib", "turtle", "turtledemo", "tkinter"}
elsewhere |= {"msvcrt", "nt", "winreg", "winsound"}
private = {"_ssl", "_ctypes", "_sqlite3", "_lzma", "_bz2", "_curses", "_hashlib", "_decimal"}
for name in sorted(sys.stdlib_module_names - elsewhere):
    if not name.startswith("_") or name in private:
        importlib.import_module(name)
import ctypes, sqlite3, ssl
assert platform.libc_ver() == ("glibc", "2.36"), platform.libc_ver()
assert sysconfig.get_config_var("EXT_SUFFIX") == ".cpython-313-loongarch64-linux-gnu.so"
assert len(ssl.create_default_context().get_ca_certs()) > 100
assert ctypes.CDLL("libc.so.6").getpid() == os.getpid()
assert sqlite3.connect(":memory:").execute("select 6 * 7").fetchone() == (42,)
assert subprocess.check_output("echo $((6 * 7)) | sed s/4/x/", shell=True) == b"x2\\n"
assert zoneinfo.ZoneInfo("Asia/Shanghai")
assert os.path.exists(importlib.util.cache_from_source(ssl.__file__))
print("all there")
"""


@pytest.fixture(scope="module")
def tree() -> Path:
    ran = manyloong("root", "build", ROOT, "--json")
    assert ran.returncode == 0, ran.stderr
    return Path(ran.json()["roots"][0]["path"])


def is_elf(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(4) == b"\x7fELF"


def needed_versions(path: Path) -> set[tuple[int, ...]]:
    """The versions of glibc that a file asks for."""
    found: set[tuple[int, ...]] = set()
    with path.open("rb") as stream:
        for section in ELFFile(stream).iter_sections():
            if isinstance(section, GNUVerNeedSection):
                for _, versions in section.iter_versions():
                    names = [version.name for version in versions if version.name.startswith("GLIBC_2.")]
                    found |= {tuple(map(int, name.removeprefix("GLIBC_").split("."))) for name in names}
    return found


@pytest.mark.system
def test_nothing_in_it_is_newer_than_the_floor(tree: Path) -> None:
    programs = [path for path in tree.rglob("*") if path.is_file() and not path.is_symlink() and is_elf(path)]
    assert len(programs) > 100
    newest = {str(path): max(needed_versions(path), default=FLOOR) for path in programs}
    assert not [path for path, version in newest.items() if version > FLOOR]


@pytest.mark.system
def test_its_standard_library_is_whole_and_its_libc_the_floor(tree: Path) -> None:
    assert tree.is_dir()
    words = [str(PROGRAM), "root", "shell", ROOT, "--", "python3.13", "-I", "-W", "ignore", "-c", CHECKS]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all there" in done.stdout


@pytest.mark.system
def test_it_is_listed_and_what_cannot_be_had_is_too(tree: Path) -> None:
    rows = {row["name"]: row for row in manyloong("root", "list", "--json").json()["floors"]}
    assert rows[ROOT]["state"] == "built"
    assert rows[ROOT]["id"] == tree.name
    assert {"floor-2_36-loong64-cp312", "floor-2_36-loong64-cp314t", "floor-2_36-loong64-cp315t"} < set(rows)


@pytest.mark.system
def test_a_wheel_is_tested_in_both_roots(tree: Path, tmp_path: Path) -> None:
    results = build(
        "markupsafe==3.0.4", "--python", "cp313", "--force", "--test-roots", "all", output=tmp_path
    )
    seen = {(report["root"], report["cpu"]): report for report in results[0]["record"]["tests"]}
    assert {root for root, _ in seen} == {"target-loong64", ROOT}
    assert len(seen) == 4
    assert {report["outcome"] for report in seen.values()} == {"passed"}
    assert {report["libc"] for (root, _), report in seen.items() if root == ROOT} == {"glibc 2.36"}
    assert {report["root_id"] for (root, _), report in seen.items() if root == ROOT} == {tree.name}


def test_evidence_is_not_stale_and_says_that_all_works_on_the_floor() -> None:
    document = json.loads(floor.RESULTS.read_text("utf-8"))
    assert document["digest"] == floor.digest(), "inputs changed: python -m evidence.floor"
    assert set(document["results"]) == {name for name, _, _ in floor.jobs()}
    for name, results in document["results"].items():
        assert results, name
        for result in results:
            assert result["accepted"], name
            reports = [report for report in result["tests"] if report["outcome"] != "not tested"]
            assert {report["libc"] for report in reports} == {"glibc 2.36"}, name
            assert {report["outcome"] for report in reports} == {"passed"}, name
            assert {report["cpu"] for report in reports} == {"la464", "la464,lasx=off"}, name
