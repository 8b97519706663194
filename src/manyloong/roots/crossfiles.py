"""What CMake and Meson read to compile for a toolchain's target. Pure."""

from manyloong.roots.layout import ENVIRONMENT_PATH, Layout
from manyloong.targets import Target

_CMAKE = """\
# Compilers and places for {tag}; CMAKE_TOOLCHAIN_FILE of every CMake build.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR {processor})
set(CMAKE_C_COMPILER {bin}/cc)
set(CMAKE_CXX_COMPILER {bin}/c++)
set(CMAKE_ASM_COMPILER {bin}/cc)
set(CMAKE_AR {bin}/ar CACHE FILEPATH "" FORCE)
set(CMAKE_RANLIB {bin}/ranlib CACHE FILEPATH "" FORCE)
set(CMAKE_LINKER {bin}/ld CACHE FILEPATH "" FORCE)
set(CMAKE_NM {bin}/nm CACHE FILEPATH "" FORCE)
set(CMAKE_OBJCOPY {bin}/objcopy CACHE FILEPATH "" FORCE)
set(CMAKE_OBJDUMP {bin}/objdump CACHE FILEPATH "" FORCE)
set(CMAKE_READELF {bin}/readelf CACHE FILEPATH "" FORCE)
set(CMAKE_STRIP {bin}/strip CACHE FILEPATH "" FORCE)
set(PKG_CONFIG_EXECUTABLE {bin}/pkg-config CACHE FILEPATH "" FORCE)
set(CMAKE_LIBRARY_ARCHITECTURE {triplet})
set(CMAKE_SYSROOT {sysroot})
# Programs are the build machine's. Headers, libraries and packages are the target's, or lie in the build or
# its environment (pybind11, nanobind, numpy: header-only), never in the root the build runs in.
list(APPEND CMAKE_FIND_ROOT_PATH {tree} {ports} /build {environment})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
# The kernel runs the target's programs itself, with their child processes. A program that only starts another
# is named so that try_run and the search for a Python interpreter know that they may (policy CMP0190).
set(CMAKE_CROSSCOMPILING_EMULATOR /usr/bin/env)
"""

_MESON_CROSS = """\
# Compilers and places for {tag}; --cross-file of every Meson build.
[binaries]
{binaries}
[host_machine]
system = 'linux'
subsystem = 'linux'
kernel = 'linux'
cpu_family = '{cpu_family}'
cpu = '{cpu_family}'
endian = '{endian}'

[properties]
needs_exe_wrapper = false
sys_root = ''
pkg_config_libdir = [{pkg_config}]
cmake_toolchain_file = '{tree}/cmake/toolchain.cmake'
"""

_MESON_NATIVE = """\
# Compilers of the build machine itself; --native-file of every Meson build.
[binaries]
{binaries}
"""
_MESON_BINARIES = {
    "c": "cc",
    "cpp": "c++",
    "ar": "ar",
    "ranlib": "ranlib",
    "nm": "nm",
    "strip": "strip",
    "objcopy": "objcopy",
    "objdump": "objdump",
    "readelf": "readelf",
    "pkg-config": "pkg-config",
}


def cmake_toolchain(layout: Layout, target: Target) -> str:
    """CMake's toolchain file."""
    return _CMAKE.format(
        tag=target.tag,
        processor=target.architecture.cmake_processor,
        bin=layout.binaries,
        triplet=target.triplet,
        sysroot=layout.sysroot,
        tree=layout.tree,
        environment=ENVIRONMENT_PATH,
        ports=layout.ports,
    )


def meson_cross(layout: Layout, target: Target) -> str:
    """Meson's cross file; programs for the target can be run (the kernel hands them to the emulator)."""
    return _MESON_CROSS.format(
        tag=target.tag,
        binaries=_meson_binaries(layout),
        cpu_family=target.architecture.meson_cpu_family,
        endian="little" if target.architecture.little_endian else "big",
        tree=layout.tree,
        pkg_config=", ".join(f"'{place}/pkgconfig'" for place in _pkg_config_places(layout)),
    )


def _pkg_config_places(layout: Layout) -> tuple[str, ...]:
    return tuple(f"{tree}/{part}" for tree in (layout.tree, layout.ports) for part in ("lib", "share"))


def meson_native(layout: Layout) -> str:
    """Meson's native file, for the programs a build makes and runs itself."""
    return _MESON_NATIVE.format(binaries=_meson_binaries(layout))


def _meson_binaries(layout: Layout) -> str:
    lines = (f"{key} = '{layout.binaries}/{name}'\n" for key, name in _MESON_BINARIES.items())
    return "".join(lines)
