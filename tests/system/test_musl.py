"""The musl root: musl 1.2.5, a whole standard library, and wheels that are built for it and tested in it."""

import json
import subprocess
import zipfile
from pathlib import Path

import pytest
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
def test_the_root_itself_can_be_imported_as_somebodys_own(tree: Path, tmp_path: Path) -> None:
    archive = tmp_path / "rootfs.tar.gz"
    subprocess.run(["tar", "-C", str(tree), "-czf", str(archive), "."], check=True)
    ran = manyloong("root", "import", "test-musl", str(archive), "--json")
    try:
        assert ran.returncode == 0, ran.stderr
        assert ran.json()["root"]["pythons"] == ["cp313"]
        options = ("--python", "cp313", "--platform", "musllinux_1_2", "--test-roots", "imported")
        results = build("markupsafe==3.0.4", *options, output=tmp_path)
        seen = {report["root"]: report["outcome"] for report in results[0]["record"]["tests"]}
        assert seen["test-musl"] == "passed"
    finally:
        assert manyloong("root", "forget", "test-musl").returncode == 0


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
