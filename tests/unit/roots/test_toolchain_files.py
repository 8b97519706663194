"""The files of a toolchain that are ours: scripts, configuration, cross files; and what stays of zig."""

import configparser
import zipfile
from pathlib import Path

import pytest

from manyloong.errors import HostError, IntegrityError
from manyloong.roots.crossfiles import cmake_toolchain, meson_cross, meson_native
from manyloong.roots.layout import Layout
from manyloong.roots.toolchain import plan_native
from manyloong.roots.wrappers import binutils_links, clang_configuration, wrapper_scripts
from manyloong.roots.zig import is_kept, locked_zig, unpack_zig
from manyloong.targets import Host, Target, all_hosts, all_targets, host, target

TARGET = target("manylinux_2_36_loongarch64")
LAYOUT = Layout(triplet=TARGET.triplet, python="/usr/bin/python3.13")
NAMES = "cc c++ gcc g++ clang clang++ cpp ld ar ranlib pkg-config pkgconf"


def test_every_name_is_there_also_with_the_triplet() -> None:
    scripts = wrapper_scripts(LAYOUT, triplet_names=True)
    for name in NAMES.split():
        assert scripts[name] == scripts[f"loongarch64-linux-gnu-{name}"]
    links = binutils_links(LAYOUT, triplet_names=True)
    for name in ("nm", "strip", "objcopy", "objdump", "readelf"):
        assert links[name] == links[f"{TARGET.triplet}-{name}"] == f"/usr/bin/{TARGET.triplet}-{name}"
    assert not set(scripts) & set(links)


def test_wrappers_start_python_without_site_and_environment() -> None:
    script = wrapper_scripts(LAYOUT, triplet_names=False)["c++"]
    assert script.startswith("#!/usr/bin/python3.13 -ISs\n")
    assert 'main("c++", SETTINGS)' in script


def test_pkg_config_never_sees_the_root_it_runs_in() -> None:
    script = wrapper_scripts(LAYOUT, triplet_names=False)["pkg-config"]
    assert "PKG_CONFIG_LIBDIR=/opt/manyloong/target/lib/pkgconfig:" in script
    assert ":/usr/" not in script


@pytest.mark.parametrize("row", all_targets(), ids=lambda row: row.tag)
def test_clang_is_told_the_target_and_its_flags(row: Target) -> None:
    compiler = row.architecture.compiler
    texts = clang_configuration(Layout(triplet=row.triplet), compiler.flags)
    words = texts["cc.cfg"].split()
    assert f"--target={row.triplet}" in words
    assert f"-march={row.architecture.baseline}" in words
    assert words[-1] == "@floor.cfg"


def test_meson_files_are_what_meson_parses() -> None:
    cross = configparser.ConfigParser(interpolation=None)
    cross.read_string(meson_cross(LAYOUT, TARGET))
    assert cross["host_machine"]["cpu_family"] == "'loongarch64'"
    assert cross["properties"]["needs_exe_wrapper"] == "false"
    assert cross["binaries"]["c"] == "'/opt/manyloong/target/bin/cc'"
    native = configparser.ConfigParser(interpolation=None)
    native.read_string(meson_native(Layout(triplet="x86_64-linux-gnu", tree="/opt/manyloong/native")))
    assert native["binaries"]["cpp"] == "'/opt/manyloong/native/bin/c++'"


def test_cmake_names_the_target_and_finds_programs_outside_it() -> None:
    text = cmake_toolchain(LAYOUT, TARGET)
    assert "set(CMAKE_SYSTEM_PROCESSOR loongarch64)" in text
    assert "set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)" in text
    assert "set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)" in text
    assert "{" not in text


def test_the_native_plan_has_the_targets_floor() -> None:
    plan = plan_native(TARGET, host("x86_64"), native_root=Path("/nowhere"))
    assert plan.zig_target == ("-target", "x86_64-linux-gnu.2.36")
    assert plan.layout.tree == "/opt/manyloong/native"
    assert not plan.cxx.library


def test_the_key_is_that_of_the_plan_and_of_zig() -> None:
    plans = [plan_native(row, host("x86_64"), native_root=Path("/nowhere")) for row in all_targets()]
    keys = {plan.key("zig") for plan in plans} | {plans[0].key("other")}
    assert len(keys) == len({plan.zig_target for plan in plans}) + 1
    assert plans[0].key("zig") == plans[0].key("zig")


KEPT = """zig lib/include/stddef.h lib/std/std.zig lib/libc/musl/src/a.c lib/libc/glibc/abilists
lib/libcxx/include/vector lib/libc/include/generic-glibc/a.h lib/libc/include/generic-musl/a.h
lib/libc/include/loongarch-linux-gnu/a.h lib/libc/include/loongarch64-linux-musl/a.h
lib/libc/include/x86-linux-gnu/a.h lib/libc/include/x86_64-linux-musl/a.h lib/libc/include/any-linux-any/a.h
lib/libc/include/aarch64-linux-gnu/a.h"""
NOT_KEPT = """README.md __main__.py lib/libc/mingw/a.c lib/libc/include/any-windows-any/a.h lib/docs/a
lib/libc/include/mips-linux-gnu/a.h lib/libc/include/x86_64-freebsd-none/a.h lib/libtsan/a.cpp
lib/libc/include/generic-freebsd/a.h"""


def test_what_stays_of_zig() -> None:
    assert [name for name in KEPT.split() if not is_kept(name)] == []
    assert [name for name in NOT_KEPT.split() if is_kept(name)] == []


def test_the_lock_names_a_wheel_of_its_version() -> None:
    for name in ("x86_64", "aarch64"):
        locked = locked_zig(host(name))
        assert locked.name.startswith(f"ziglang-{locked.version}-")
        assert len(locked.sha256) == 64
    missing = [row for row in all_hosts() if row.name == "loongarch64"]
    with pytest.raises(HostError, match="loongarch64"):
        locked_zig(_only(missing))


def _only(rows: list[Host]) -> Host:
    (row,) = rows
    return row


def test_a_wheel_is_unpacked_filtered_and_executable(tmp_path: Path) -> None:
    wheel = tmp_path / "z.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("ziglang/zig", b"\x7fELF")
        archive.writestr("ziglang/lib/include/stddef.h", "x")
        archive.writestr("ziglang/lib/docs/index.html", "x")
        archive.writestr("ziglang-1.dist-info/RECORD", "x")
    tree = tmp_path / "tree"
    tree.mkdir()
    unpack_zig(wheel, tree)
    found = sorted(str(path.relative_to(tree)) for path in tree.rglob("*") if path.is_file())
    assert found == ["lib/include/stddef.h", "zig"]
    assert (tree / "zig").stat().st_mode & 0o111 == 0o111


@pytest.mark.parametrize("name", ["ziglang/lib/../../../etc/passwd", "other/zig"])
def test_a_wheel_of_another_form_is_refused(name: str, tmp_path: Path) -> None:
    wheel = tmp_path / "z.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(name, b"x")
    (tmp_path / "tree").mkdir()
    with pytest.raises(IntegrityError):
        unpack_zig(wheel, tmp_path / "tree")


def test_no_wheel_at_all_is_refused(tmp_path: Path) -> None:
    (tmp_path / "z.whl").write_bytes(b"PK no zip")
    with pytest.raises(IntegrityError, match="not a wheel"):
        unpack_zig(tmp_path / "z.whl", tmp_path)
