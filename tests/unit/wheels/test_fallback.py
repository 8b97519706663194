"""Which failures of a cross build mean that it must not be one."""

from pathlib import Path

import pytest

from manyloong.targets import target
from manyloong.wheels.fallback import LINES, cross_reason

LOONGARCH = target("manylinux_2_36").architecture
ELF = b"\x7fELF\x02\x01\x01" + b"\0" * 9 + b"\x03\x00"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("/build/src/gen: cannot execute binary file: Exec format error", "program of another machine"),
        ("OSError: [Errno 8] Exec format error: '/build/src/tool'", "program of another machine"),
        ("configure: error: cannot run test program while cross compiling", "configure wants to run"),
        ("configure: error: cannot run C compiled programs.", "configure wants to run"),
        ("CMake Error: TRY_RUN() invoked in cross-compiling mode, please set the following", "CMake wants"),
        ("ERROR: Can not run test applications in this cross environment.", "Meson wants"),
        ("meson.build:4:2: ERROR: this needs an exe_wrapper", "Meson wants"),
        ("RuntimeError: cross compiling is not supported", "says that it cannot"),
        ("error: Cross-compilation of this package is unsupported", "says that it cannot"),
        ("OSError: /build/src/x.so: wrong ELF class: ELFCLASS64", "library of another machine"),
    ],
)
def test_failures_of_crossing_are_known(line: str, words: str, tmp_path: Path) -> None:
    reason = cross_reason(f"start\n{line}\nlast line\n", tmp_path, LOONGARCH)
    assert reason is not None
    assert words in reason


@pytest.mark.parametrize(
    "log",
    [
        "checking whether we are cross compiling... yes\nx.c:3:5: error: use of undeclared identifier 'y'\n",
        "-- Cross: TRUE\nfatal error: 'zlib.h' file not found\n",
        "The Meson build system\nBuild type: cross build\nx.cpp:1:1: error: unknown type name 'foo'\n",
        "ModuleNotFoundError: No module named 'numpy'\n",
        "KeyError: 'VERSION'\n",
        "",
    ],
)
def test_failures_that_would_come_in_both_lanes_are_not(log: str, tmp_path: Path) -> None:
    assert cross_reason(log, tmp_path, LOONGARCH) is None


def test_a_sign_far_from_the_end_does_not_count(tmp_path: Path) -> None:
    log = "cannot execute binary file: Exec format error\n" + "line\n" * LINES
    assert cross_reason(log, tmp_path, LOONGARCH) is None


@pytest.mark.parametrize("line", ["No module named 'pkg._table'", "cannot import name '_table' from 'pkg'"])
def test_an_import_of_what_was_just_built_is_one(line: str, tmp_path: Path) -> None:
    module = tmp_path / "src/build/pkg/_table.cpython-313-loongarch64-linux-gnu.so"
    module.parent.mkdir(parents=True)
    module.write_bytes(ELF + LOONGARCH.elf_machine.to_bytes(2, "little"))
    kind = "ModuleNotFoundError" if line.startswith("No") else "ImportError"
    reason = cross_reason(f"{kind}: {line} (unknown location)\n", tmp_path, LOONGARCH)
    assert reason == "the build imports pkg._table, which it has just made for loongarch64"


def test_an_import_of_what_was_not_built_or_is_native_is_none(tmp_path: Path) -> None:
    module = tmp_path / "src/_table.so"
    module.parent.mkdir(parents=True)
    module.write_bytes(ELF + (62).to_bytes(2, "little"))
    assert cross_reason("ModuleNotFoundError: No module named '_table'\n", tmp_path, LOONGARCH) is None


def test_the_reason_is_one_short_line(tmp_path: Path) -> None:
    reason = cross_reason("x" * 500 + " Exec format error\n", tmp_path, LOONGARCH)
    assert reason is not None
    assert "\n" not in reason
    assert len(reason) < 260
