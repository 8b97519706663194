"""The emulated lane's plan: wheels, wrappers, CMake, and a host that needs no emulator."""

from pathlib import Path

import pytest

from manyloong.errors import InputError
from manyloong.roots import Root, Toolchain, ensure_lane_root
from manyloong.roots.lane import HOST_PREFIX, HOST_PROGRAMS, lane_root_id, merge_roots
from manyloong.store import Store
from manyloong.targets import all_pythons, host, target
from manyloong.wheels.emulated import lane_tags, native_cmake, restart_wrappers
from manyloong.wheels.job import parse_lane
from manyloong.wheels.kit import Kit
from manyloong.wheels.resolve import native_platform

TARGET = target("manylinux_2_36")


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def roots(tmp_path: Path) -> tuple[Root, Root]:
    native, foreign = tmp_path / "native", tmp_path / "target"
    for root, name in ((native, "native"), (foreign, "target")):
        for file in ("usr/bin/sh", "usr/bin/python3.13", "usr/bin/uname", "usr/lib/python3.13/os.py"):
            write(root / file, name)
        (root / "usr/bin/python3").symlink_to("python3.13")
        (root / "bin").symlink_to("usr/bin")
    write(native / "usr/bin/cmake", "native")
    write(native / "usr/lib/x86_64-linux-gnu/libc.so.6", "native")
    write(foreign / "usr/lib/loongarch64-linux-gnu/libc.so.6", "target")
    return Root(name="n", id="1" * 64, path=native), Root(name="t", id="2" * 64, path=foreign)


def test_the_roots_programs_are_native_and_its_pythons_the_targets(tmp_path: Path) -> None:
    native, foreign = roots(tmp_path)
    tree = tmp_path / "tree"
    tree.mkdir()
    merge_roots(tree, native=native.path, target=foreign.path)
    read = {str(p.relative_to(tree)): p.read_text() for p in tree.rglob("*") if p.is_file()}
    assert read["usr/bin/sh"] == read["usr/bin/cmake"] == "native"
    assert read["usr/bin/python3.13"] == read["usr/bin/uname"] == read["usr/lib/python3.13/os.py"] == "target"
    assert read[f"{HOST_PROGRAMS}/python3.13"] == "native"
    assert read["usr/lib/x86_64-linux-gnu/libc.so.6"] == "native"
    assert read["usr/lib/loongarch64-linux-gnu/libc.so.6"] == "target"
    assert (tree / "bin").readlink() == Path("usr/bin")
    assert (native.path / "usr/bin/uname").read_text() == "native"  # the sources stay as they were


def test_the_tree_depends_on_both_roots(tmp_path: Path) -> None:
    native, foreign = roots(tmp_path)
    assert lane_root_id(native, foreign) != lane_root_id(native, native)


def musl_root(tmp_path: Path) -> tuple[Root, Toolchain]:
    """A root with another C library than the native one's, and the toolchain it was made by."""
    tree, made = tmp_path / "musl", tmp_path / "toolchain"
    for file in ("usr/bin/python3.13", "usr/bin/uname", "usr/lib/python3.13/os.py", "usr/lib/libgcc_s.so.1"):
        write(tree / file, "musl")
    (tree / "usr/bin/python3").symlink_to("python3.13")
    (tree / "bin").symlink_to("usr/bin")
    for file in ("libstdc++.so.6", "libgcc_s.so.1", "libc.so"):
        write(made / "sysroot/usr/lib" / file, "toolchain")
    toolchain = Toolchain(id="t", zig=tmp_path, target=made, native=tmp_path)
    return Root(name="m", id="3" * 64, path=tree), toolchain


@pytest.mark.parametrize("machine", ["x86_64", "loongarch64"])
def test_a_root_of_another_c_library_keeps_the_pythons_apart(tmp_path: Path, machine: str) -> None:
    native, _ = roots(tmp_path)
    for file in ("usr/lib/python3.13/distribution.py", "usr/lib/python3/dist-packages/x.py", "usr/bin/ldd"):
        write(native.path / file, "native")
    write(native.path / "usr/lib/python3.14/os.py", "native")
    foreign, toolchain = musl_root(tmp_path)
    found = ensure_lane_root(
        native,
        foreign,
        toolchain,
        host=host(machine),
        wanted=target("musllinux_1_2"),
        store=Store(tmp_path / "s"),
    )
    tree = found.root.path
    read = {str(p.relative_to(tree)): p.read_text() for p in tree.rglob("*") if p.is_file()}
    assert read["usr/bin/python3.13"] == read["usr/bin/uname"] == read["usr/lib/python3.13/os.py"] == "musl"
    assert read[f"{HOST_PREFIX}/bin/python3.13"] == read["usr/bin/sh"] == "native"
    for module in ("python3.13/os.py", "python3.13/distribution.py", "python3/dist-packages/x.py"):
        assert read[f"{HOST_PREFIX}/lib/{module}"] == "native"
    assert "usr/lib/python3.13/distribution.py" not in read
    assert "usr/bin/ldd" not in read  # it would answer for the build machine's C library
    assert (read["usr/lib/libstdc++.so.6"], read["usr/lib/libgcc_s.so.1"]) == ("toolchain", "musl")
    assert "usr/lib/libc.so" not in read  # what is linked with is in the toolchain's sysroot
    assert (native.path / "usr/lib/python3.13/os.py").read_text() == "native"


def test_a_host_of_the_targets_architecture_emulates_nothing(tmp_path: Path) -> None:
    native, foreign = roots(tmp_path)
    machine = host("loongarch64")
    toolchain = Toolchain(id="t", zig=tmp_path, target=tmp_path, native=tmp_path)
    store = Store(tmp_path / "store")
    found = ensure_lane_root(native, foreign, toolchain, host=machine, wanted=TARGET, store=store)
    assert found.root == native
    assert found.host_python == "/usr/bin/python3"
    kit = Kit(
        ports={},
        target=TARGET,
        host=machine,
        native_root=native,
        target_root=foreign,
        toolchain=toolchain,
        qemu=None,
    )
    assert kit.emulator("la464") is None


def test_wrappers_are_started_by_the_other_python(tmp_path: Path) -> None:
    source, copy = tmp_path / "bin", tmp_path / "copy"
    write(source / "cc", "#!/usr/bin/python3.13 -ISs\nimport sys\n")
    write(source / "ar", "#!/bin/sh\nexec zig ar\n")
    (source / "nm").symlink_to("/usr/bin/loongarch64-linux-gnu-nm")
    restart_wrappers(source, copy, python="/opt/host/python3")
    assert (copy / "cc").read_text() == "#!/opt/host/python3 -ISs\nimport sys\n"
    assert (copy / "cc").stat().st_mode & 0o111
    assert (copy / "ar").read_text() == (source / "ar").read_text()
    assert (copy / "nm").readlink() == Path("/usr/bin/loongarch64-linux-gnu-nm")


def test_cmake_is_not_told_of_a_cross_build() -> None:
    text = "set(CMAKE_SYSTEM_NAME Linux)\nset(CMAKE_SYSTEM_PROCESSOR x)\nset(CMAKE_C_COMPILER cc)\n"
    assert native_cmake(text) == "set(CMAKE_C_COMPILER cc)\n"


def test_a_pure_wheel_comes_before_programs_and_those_before_extension_modules() -> None:
    python = next(row for row in all_pythons() if row.tag == "cp313")
    tags = [str(tag) for tag in lane_tags(python, native_platform(host("x86_64")))]
    pure = tags.index("py3-none-any")
    programs = tags.index("py3-none-manylinux_2_17_x86_64")
    extension = tags.index("cp313-cp313-manylinux_2_17_x86_64")
    assert pure < programs < extension


def test_an_unknown_lane_is_named_with_those_there_are() -> None:
    assert parse_lane("auto") == "auto"
    with pytest.raises(InputError) as caught:
        parse_lane("slow")
    assert "slow" in caught.value.message
    assert "cross, emulated, auto" in (caught.value.hint or "")
