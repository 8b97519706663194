"""Tiny real projects of CMake and Meson, with the files a toolchain brings for them."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from manyloong.sandbox import Bind

pytestmark = pytest.mark.tools

SOURCES = {
    "lib.c": "int lib(int x) { return x * 2; }\n",
    "main.cc": '#include <cstdio>\nextern "C" int lib(int);\nint main() { std::printf("%d\\n", lib(21)); }\n',
    "tool.c": '#include <stdio.h>\nint main(void) { return puts("int made = 1;") < 0; }\n',
}
CMAKE = """
cmake_minimum_required(VERSION 3.20)
project(tiny C CXX)
include(CheckFunctionExists)
check_function_exists(strlcpy HAVE_STRLCPY)
check_function_exists(pipe2 HAVE_PIPE2)
find_package(Threads REQUIRED)
find_package(ZLIB)
find_program(PERL perl REQUIRED)
message(STATUS "said: ${CMAKE_SYSTEM_PROCESSOR} ${CMAKE_CROSSCOMPILING} ${CMAKE_C_COMPILER_ID}")
message(STATUS "said: strlcpy=${HAVE_STRLCPY} pipe2=${HAVE_PIPE2} zlib=${ZLIB_FOUND}")
add_library(lib SHARED lib.c)
add_executable(main main.cc)
target_link_libraries(main PRIVATE lib Threads::Threads)
"""
MESON = """
project('tiny', 'c', 'cpp')
cc = meson.get_compiler('c')
message('said:', host_machine.cpu_family(), meson.is_cross_build(), cc.get_id(), cc.get_linker_id())
message('said:', cc.has_function('strlcpy'), cc.has_function('pipe2'), cc.sizeof('long'))
message('said:', dependency('zlib', required: false).found(), dependency('threads').found())
tool = executable('tool', 'tool.c', native: true)
made = custom_target('made', output: 'made.c', capture: true, command: [tool])
lib = shared_library('lib', 'lib.c', made)
executable('main', 'main.cc', link_with: lib)
"""


def test_cmake(workshop: Any) -> None:
    workshop.write({**SOURCES, "CMakeLists.txt": CMAKE})
    words = ("cmake", "-G", "Ninja", "-S", "/build", "-B", "/build/out")
    said = workshop.check(*words, "-DCMAKE_TOOLCHAIN_FILE=/opt/manyloong/target/cmake/toolchain.cmake")
    assert "said: loongarch64 TRUE Clang" in said
    assert "said: strlcpy= pipe2=1 zlib=FALSE" in said
    workshop.check("cmake", "--build", "/build/out")
    assert workshop.emulate("out/main") == "42\n"


@pytest.fixture(scope="session")
def meson(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Meson from the package index, as a build environment would have it."""
    place = tmp_path_factory.mktemp("meson")
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(place))
    done = subprocess.run([*pip, "meson>=1.9"], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no Meson here: {done.stderr}")
    return place


def test_meson(workshop: Any, meson: Path) -> None:
    workshop.write({**SOURCES, "meson.build": MESON})
    shop = type(workshop)(
        kit=workshop.kit,
        runner=workshop.runner,
        place=workshop.place,
        binds=(Bind(source=meson, target="/opt/manyloong/env"),),
    )
    start = "PYTHONPATH=/opt/manyloong/env python3 -m mesonbuild.mesonmain"
    files = "--cross-file /opt/manyloong/target/meson/cross.ini"
    files += " --native-file /opt/manyloong/native/meson/native.ini"
    said = shop.check("sh", "-c", f"{start} setup {files} /build /build/out")
    assert "said: loongarch64 true clang ld.lld" in said
    assert "said: false true 8" in said
    assert "said: false true" in said
    shop.check("sh", "-c", "PYTHONPATH=/opt/manyloong/env ninja -C /build/out")
    assert workshop.emulate("out/main") == "42\n"
