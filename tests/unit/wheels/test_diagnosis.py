"""Logs of failed builds, in the words of the real programs, and what is said of them."""

from pathlib import Path

import pytest

from manyloong.errors import BuildError
from manyloong.roots.ports import all_ports
from manyloong.wheels.diagnosis import CRASH, diagnose_build, moved_crash, native_flags
from manyloong.wheels.looked_up import find_in_sources

# log -> words of the cause, words of the hint
LOGS = {
    "In file included from /build/src/a.c:3:\n"
    '/opt/x/include/immintrin.h:14:2: error: "This header is only meant to be used on x86"': (
        "a.c:3 includes immintrin.h",
        "guard the line",
    ),
    "In file included from src/one.h:7:\nIn file included from /opt/x/x86intrin.h:15:\n"
    "/opt/x/include/cpuid.h:14:2: error: this header is for x86 only\n"
    "/opt/x/include/cpuid.h:326:5: error: invalid output constraint '=a' in asm": (
        "src/one.h:7 includes cpuid.h",
        "guard the line",
    ),
    "src/fast.cpp:12:10: fatal error: 'emmintrin.h' file not found": (
        "src/fast.cpp:12 includes emmintrin.h",
        "-C",
    ),
    "a.c:3:10: fatal error: 'arm_neon.h' file not found": ("a.c:3", "guard"),
    "zig: error: unsupported option '-mavx2' for target 'loongarch64-linux-gnu'": ("setup.py:2", "-C"),
    "error: unknown target CPU 'x86-64-v3'": ("lib/CMakeLists.txt:1 gives", "recipe"),
    "/build/src/lib/a.c:9:36: error: invalid output constraint '=a' in asm": (
        "lib/a.c:9 has another architecture's",
        "#assembly",
    ),
    "a.S:4:3: error: unrecognized instruction mnemonic, did you mean: b?": ("a.S:4 has", "portable"),
    "a.c:5:10: fatal error: 'ffi.h' file not found": ("a.c:5 includes ffi.h", "ports = [...]"),
    "ld.lld: error: unable to find library -lxml2": ("the package links libxml2", "manyloong ports list"),
    "[1/3] /opt/manyloong/native/bin/c++ -o gen.o -c gen.cc\n"
    "gen.cc:1:10: fatal error: 'zlib.h' file not found": (
        "a program that the build runs itself needs",
        "#generators",
    ),
    "/opt/manyloong/native/bin/cc gen.c -lelf -o gen\nld.lld: error: unable to find library -lelf": (
        "a program that the build runs itself links libelf",
        "#generators",
    ),
    "/bin/sh: 1: swig: not found": ("the build runs swig, which is not there (setup.py:3)", "[build-system]"),
    "/bin/bash: line 3: gperf: command not found": ("runs gperf", "wheel"),
    "make[2]: bison: No such file or directory": ("runs bison", "wheel"),
    "FileNotFoundError: [Errno 2] No such file or directory: 'gperf'": ("runs gperf", "wheel"),
    "FileNotFoundError: [Errno 2] No such file or directory: 'cargo'": ("runs cargo", "setuptools-rust"),
    "make: go: No such file or directory": ("runs go", "not supported yet"),
    "error: the listed checksum of `/build/src/vendor/answer-1.0.3/src/lib.rs` has changed:": (
        "vendor/answer-1.0.3/src/lib.rs is not the file",
        "anew",
    ),
    "error: failed to calculate checksum of: /build/.crates/answer-1.0.3/src/lib.rs": (
        ".crates/answer-1.0.3/src/lib.rs is not the file",
        "anew",
    ),
    "error: command 'nvcc' failed: No such file or directory": ("runs nvcc", "wheel"),
    "meson.build:4:0: ERROR: Program 'flex' not found or not executable": ("runs flex", "wheel"),
}
TRIED = """\
Command 'pkg-config --exists mysqlclient' returned non-zero exit status 1.
Command 'pkg-config --exists libmariadb' returned non-zero exit status 1.
Command 'pkg-config --exists perconaserverclient' returned non-zero exit status 1.
Exception: Can not find valid pkg-config name.
"""


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    (tmp_path / "lib").mkdir()
    (tmp_path / "setup.py").write_text(
        "import x\nflags = ['-mavx2', '-march=native']\nrun(['swig', '-c++'])\n"
    )
    (tmp_path / "lib/CMakeLists.txt").write_text('set(CMAKE_C_FLAGS "-march=x86-64-v3")\nx(-march=native)\n')
    return tmp_path


@pytest.mark.parametrize("log", LOGS)
def test_what_a_log_means(log: str, sources: Path) -> None:
    cause, hint = LOGS[log]
    found = diagnose_build(f"running build_ext\n{log}\nerror: command failed\n", sources)
    assert found is not None
    assert cause in found.cause
    assert hint in found.hint


@pytest.mark.parametrize(
    "log", ["", "Traceback\nValueError: no", "checking for stdio.h... yes", "warning: -mavx2"]
)
def test_what_is_not_understood_is_not_explained(log: str, tmp_path: Path) -> None:
    assert diagnose_build(log, tmp_path) is None


@pytest.mark.parametrize(
    ("line", "port"),
    [
        ("a.c:5:10: fatal error: 'ffi.h' file not found", "libffi"),
        ("a.c:5:10: fatal error: 'openssl/evp.h' file not found", "openssl"),
        ("ld.lld: error: unable to find library -lgeos_c", "geos"),
        ('meson.build:3:0: ERROR: Dependency "libpng" not found, tried pkgconfig and cmake', "libpng"),
        ("  Could NOT find Freetype (missing: FREETYPE_LIBRARY) (Required is at least", "freetype"),
        ("Package libzmq was not found in the pkg-config search path.", "zeromq"),
        ("FileNotFoundError: [Errno 2] No such file or directory: 'geos-config'", "geos"),
        ("error: [Errno 2] No such file or directory: 'pg_config'", "libpq"),
        ("\nError: pg_config executable not found.\n\npg_config is required", "libpq"),
        ("OSError: mariadb_config not found.", "mariadb-connector-c"),
        ("proj executable not found. Please set the PROJ_DIR variable.", "proj"),
        (TRIED, "mariadb-connector-c"),
        ("CalledProcessError: Command '['pkg-config', '--libs', 'libpng']' returned non-zero", "libpng"),
    ],
)
def test_the_port_that_has_what_is_missing_is_named(line: str, port: str, tmp_path: Path) -> None:
    found = diagnose_build(f"{line}\nerror: command failed\n", tmp_path, all_ports())
    assert found is not None
    assert found.hint.startswith(f'{port} has it, a port: ports = ["{port}"]')


def test_all_ports_that_one_file_needs_are_named_at_once(tmp_path: Path) -> None:
    header = "#include <stdio.h>\n#include <gmp.h>\n  # include <mpfr.h>\n#include <mpc.h>\n"
    (tmp_path / "sources/src").mkdir(parents=True)
    (tmp_path / "sources/src/demo.h").write_text(header, "utf-8")
    (tmp_path / "elsewhere.h").write_text("#include <zlib.h>\n", "utf-8")
    for place in ("src/demo.h", "../src/demo.h", "/build/src/src/demo.h"):
        log = f"In file included from src/demo.c:87:\n{place}:2:10: fatal error: 'gmp.h' file not found"
        found = diagnose_build(log, tmp_path / "sources", all_ports())
        assert found is not None
        assert 'gmp has it, a port: ports = ["gmp", "mpfr", "mpc"] in a recipe' in found.hint, place
    log = "src/../../elsewhere.h:2:10: fatal error: 'gmp.h' file not found"
    found = diagnose_build(log, tmp_path / "sources", all_ports())
    assert found is not None
    assert 'ports = ["gmp"] in' in found.hint


@pytest.mark.parametrize(
    "line",
    [
        "/build/src/src/blob.c:30:10: fatal error: 'git2.h' file not found",
        '../cairo/meson.build:31:12: ERROR: Dependency "cairo" not found (tried pkg-config)',
        "error: xmlsec1 is not installed or not in path.",
    ],
)
def test_where_no_port_has_it_the_next_step_is_to_write_one(line: str, tmp_path: Path) -> None:
    found = diagnose_build(line, tmp_path, all_ports())
    assert found is not None
    assert found.hint.startswith("no port has it")
    assert "docs/how-to/write-a-port.md" in found.hint


def test_what_no_port_has_keeps_the_general_hint(tmp_path: Path) -> None:
    line = "a.c:5:10: fatal error: 'nosuch.h' file not found"
    native = "[1/3] /opt/manyloong/native/bin/cc -c gen.c\ngen.c:1:10: fatal error: 'zlib.h' file not found"
    for log in (line, native):
        found = diagnose_build(log, tmp_path, all_ports())
        assert found is not None
        assert "has it, a port" not in found.hint


def test_a_question_is_no_cause_where_something_else_is(tmp_path: Path) -> None:
    log = (
        "a.c:1:10: fatal error: 'nosuch.h' file not found\n"
        "Package zlib was not found in the pkg-config search path."
    )
    found = diagnose_build(log, tmp_path, all_ports())
    assert found is not None
    assert "nosuch.h" in found.cause


def test_a_crash_of_the_compiler_names_what_reproduces_it(tmp_path: Path) -> None:
    log = (
        "zig: error: clang frontend command failed with exit code 132 (use -v to see invocation)\n"
        f"zig: note: diagnostic msg: {CRASH}/a-1f.c\nzig: note: diagnostic msg: {CRASH}/a-1f.sh\n"
    )
    found = diagnose_build(log, tmp_path)
    assert found is not None
    assert f"{CRASH}/a-1f.c, {CRASH}/a-1f.sh" in found.cause
    moved = moved_crash(BuildError(found.cause, hint=found.hint), tmp_path / "kept")
    assert f"{tmp_path}/kept/a-1f.sh" in moved.message
    assert moved.hint == found.hint


def test_the_certain_cause_comes_before_a_likely_one(tmp_path: Path) -> None:
    log = "a.c:1:10: fatal error: 'immintrin.h' file not found\nb.c:2:10: fatal error: 'x.h' file not found"
    found = diagnose_build(log, tmp_path)
    assert found is not None
    assert "immintrin.h" in found.cause


def test_where_a_flag_is_given(sources: Path) -> None:
    assert find_in_sources(sources, "-march=native") == ("setup.py:2", "lib/CMakeLists.txt:2")
    assert find_in_sources(sources, "-march") == ()
    (note,) = native_flags(("-fipa-pta", "-march=native"), sources)
    assert note.startswith("setup.py:2, lib/CMakeLists.txt:2: -march=native was left out")
