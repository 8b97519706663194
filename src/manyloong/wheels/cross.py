"""The cross environment: what a build sees so that native programs make wheels of the target."""

import json
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from manyloong.targets import Python, Target

ZIG = "/opt/manyloong/zig"
TARGET = "/opt/manyloong/target"
NATIVE = "/opt/manyloong/native"
ENVIRONMENT = "/opt/manyloong/env"
TOOLS = "/opt/manyloong/tools"
SYSROOT = "/opt/manyloong/sysroot"
PORTS = "/opt/manyloong/ports"
BUILD = "/build"
PYTHON_HOME = f"{BUILD}/.python"  # headers and build variables of a Python that the toolchain has none of
SOURCE = "/build/src"
HOME = "/home/builder"

PROGRAMS = "programs.ini"  # of the build environment, for Meson

PTH = "import _manyloong_cross\n"


def python_home(python: Python) -> str:
    """Where headers and build variables of a Python of the target are."""
    return PYTHON_HOME if python.from_source else f"{TARGET}/python/{python.tag}"


def cross_config(target: Target, python: Python) -> dict[str, Any]:
    """What ``payload/cross_site.py`` reads from ``cross.json``."""
    version = "{}.{}".format(*target.floor)
    return {
        "machine": target.architecture.uname,
        "multiarch": target.triplet,
        "libc_version": f"glibc {version}" if target.libc == "glibc" else None,
        "python_home": python_home(python),
        "abiflags": "t" if python.free_threaded else "",
    }


def cross_config_text(target: Target, python: Python) -> str:
    """``cross.json`` as it is written."""
    return json.dumps(cross_config(target, python), sort_keys=True)


def cross_site_text() -> str:
    """The module that goes into a build environment's site-packages."""
    return files("manyloong.wheels.payload").joinpath("cross_site.py").read_text("utf-8")


# `uname` and `arch` of the machine that is built for; what is asked besides is answered as it is.
_UNAME = """\
#!/bin/sh
/usr/bin/{program} "$@" | sed "s/\\b$(/usr/bin/uname -m)\\b/{machine}/g"
"""
# Read by each configure script that Autoconf made. They find a compiler whose programs run here, so to them
# this is no cross build, and their checks run; what they would ask uname and an old config.sub is said here.
_CONFIG_SITE = """\
case "$build_alias" in ''|{machine}-*) ac_cv_build={canonical} ;; esac
case "$host_alias" in ''|{machine}-*) ac_cv_host={canonical} ;; esac
case "$target_alias" in ''|{machine}-*) ac_cv_target={canonical} ;; esac
"""
# CMake's toolchain file of a cross build: the toolchain's own, and what a policy asks of each project.
_CMAKE = f"""\
include({TARGET}/cmake/toolchain.cmake)
list(APPEND CMAKE_PROJECT_INCLUDE {TOOLS}/cmake/project.cmake)
"""
# FindPython may ask the interpreter, which answers for the target. In projects older than this policy it does
# not, and finds no SOABI and no ABI flags. A toolchain file has a scope of its own, so project() says it.
_CMAKE_PROJECT = """\
if(POLICY CMP0190)
  cmake_policy(SET CMP0190 NEW)
endif()
"""


def cross_programs(target: Target) -> dict[str, str]:
    """Path below TOOLS -> text: what answers for the target where Python is not asked."""
    machine = target.architecture.uname
    scripts = {f"cross/{name}": _UNAME.format(program=name, machine=machine) for name in ("uname", "arch")}
    canonical = target.triplet.replace("-linux-", "-unknown-linux-")
    return {
        **scripts,
        "config.site": _CONFIG_SITE.format(machine=machine, canonical=canonical),
        "cmake/toolchain.cmake": _CMAKE,
        "cmake/project.cmake": _CMAKE_PROJECT,
    }


def write_answers(tools: Path, target: Target) -> None:
    """The programs and the site file of ``cross_programs``, in the folder that is seen at TOOLS."""
    for name, text in cross_programs(target).items():
        path = tools / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
        path.chmod(0o755)


def cross_variables(*, epoch: int, jobs: int) -> dict[str, str]:
    """The whole environment of a cross build; nothing of the host's is inherited."""
    return {
        "PATH": f"{ENVIRONMENT}/bin:{TOOLS}/cross:{TARGET}/bin:{PORTS}/bin:/usr/bin:/bin",
        "HOME": HOME,
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "TMPDIR": "/tmp",  # noqa: S108 - the sandbox's own
        "SOURCE_DATE_EPOCH": str(epoch),
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "CC": "cc",
        "CXX": "c++",
        "AR": "ar",
        "RANLIB": "ranlib",
        "LD": "ld",
        "NM": "nm",
        "STRIP": "strip",
        "OBJCOPY": "objcopy",
        "READELF": "readelf",
        "PKG_CONFIG": f"{TARGET}/bin/pkg-config",
        **dict.fromkeys(("CC_FOR_BUILD", "BUILD_CC", "HOSTCC"), f"{NATIVE}/bin/cc"),
        **dict.fromkeys(("CXX_FOR_BUILD", "BUILD_CXX", "HOSTCXX"), f"{NATIVE}/bin/c++"),
        "CONFIG_SITE": f"{TOOLS}/config.site",
        "CLANG_CRASH_DIAGNOSTICS_DIR": f"{BUILD}/crash",
        "CMAKE_TOOLCHAIN_FILE": f"{TOOLS}/cmake/toolchain.cmake",
        "CMAKE_BUILD_PARALLEL_LEVEL": str(jobs),
        "MAKEFLAGS": f"-j{jobs}",
        "QEMU_LD_PREFIX": SYSROOT,  # configure checks that run target programs find their loader here
        "MANYLOONG_TOOLCHAIN_LOG": f"{BUILD}/.toolchain.jsonl",
        "GIT_CONFIG_COUNT": "1",  # a checkout's .git belongs to the user, seen through a mapped id
        "GIT_CONFIG_KEY_0": "safe.directory",
        "GIT_CONFIG_VALUE_0": "*",
    }


def write_programs(tools: Path, environment: Path, compilers: Mapping[str, str] | None = None) -> None:
    """Meson's cross file for the programs of an environment that say how to compile against something.

    Asked for the target, Meson looks for ``numpy-config`` and its like only where a cross file says so, and
    so for ``compilers`` that the toolchain's own file does not name: language -> program.
    """
    names = sorted(path.name for path in (environment / "bin").glob("*-config"))
    lines = [f"{name} = '{ENVIRONMENT}/bin/{name}'\n" for name in names]
    lines += [f"{language} = '{program}'\n" for language, program in (compilers or {}).items()]
    (tools / PROGRAMS).write_text("[binaries]\n" + "".join(lines), "utf-8")


# Config settings by build backend, for tools that take a cross file in no other way.
# A build folder of its own is random otherwise, and packages write its name into what they install.
_BACKEND_SETTINGS: dict[str, dict[str, str | list[str]]] = {
    "mesonpy": {
        "build-dir": f"{SOURCE}/.mesonpy-build",
        "setup-args": [
            f"--cross-file={TARGET}/meson/cross.ini",
            f"--cross-file={TOOLS}/{PROGRAMS}",
            f"--native-file={NATIVE}/meson/native.ini",
        ],
    },
}


def backend_settings(backend: str, given: Mapping[str, str | list[str]]) -> dict[str, str | list[str]]:
    """The user's config settings, after what the backend needs to know that this is a cross build."""
    own = _BACKEND_SETTINGS.get(backend.split(":", maxsplit=1)[0], {})
    merged: dict[str, str | list[str]] = {
        key: values if isinstance(values, str) else list(values) for key, values in own.items()
    }
    for key, values in given.items():
        before = own.get(key)
        more = [values] if isinstance(values, str) else values
        merged[key] = [*before, *more] if isinstance(before, list) else values
    return merged


def stable_settings(backend: str, given: Mapping[str, str | list[str]]) -> dict[str, str | list[str]]:
    """The user's config settings, after those without which a backend names folders at random."""
    own = _BACKEND_SETTINGS.get(backend.split(":", maxsplit=1)[0], {})
    return {key: value for key, value in own.items() if isinstance(value, str)} | dict(given)
