"""The environment of a build for the build machine itself: tools that exist only as sources."""

from manyloong.wheels.cross import BUILD, ENVIRONMENT, HOME, NATIVE

_HEADERS = "/usr/include"  # CPython's, and the folder that its pyconfig.h looks into


def native_variables(*, epoch: int, jobs: int) -> dict[str, str]:
    """The whole environment of a native build; nothing of the host's is inherited."""
    return {
        "PATH": f"{ENVIRONMENT}/bin:{NATIVE}/bin:/usr/bin:/bin",
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
        "LDSHARED": "cc -shared",
        "PKG_CONFIG": f"{NATIVE}/bin/pkg-config",
        "CPATH": _HEADERS,
        "CMAKE_BUILD_PARALLEL_LEVEL": str(jobs),
        "MAKEFLAGS": f"-j{jobs}",
        "MANYLOONG_TOOLCHAIN_LOG": f"{BUILD}/.toolchain.jsonl",
    }
