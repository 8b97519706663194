"""The shell script that builds a port, and its environment. Pure."""

from manyloong.roots.layout import NATIVE_PATH, PORTS_PATH, TARGET_PATH
from manyloong.roots.ports.model import Port
from manyloong.targets import Host, Target

BUILD = "/build"
SOURCE = f"{BUILD}/src"
DESTDIR = f"{BUILD}/dest"
OBJECTS = f"{BUILD}/obj"
_HARDENING = "-fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2"
# Release archives carry these files as old as they are; older ones do not know every architecture.
_REFRESH = """\
find . -name config.sub -exec cp -f /usr/share/misc/config.sub {} \\;
find . -name config.guess -exec cp -f /usr/share/misc/config.guess {} \\;
"""


def build_script(port: Port) -> str:
    """Everything from the unpacked, patched sources to a whole $DESTDIR."""
    parts = [_start(port), *port.before, *_SYSTEMS[port.system](port), *port.after, _strip()]
    return "\n".join(parts) + "\n"


def check_script(port: Port) -> str:
    """The port's own tests, in the folder where it was built; "" where it has none."""
    if port.check is None:
        return ""
    folder = f"cd {OBJECTS}\n" if port.system in {"cmake", "meson"} else ""
    start = _start(port).replace("set -eux", "set -eu")  # what is read must be the tests' own words
    return start + "\n" + folder + "\n".join(port.check.steps) + "\n"


def variables(*, target: Target, host: Host, epoch: int, jobs: int) -> dict[str, str]:
    """The environment of both scripts; the port's own variables are in the scripts."""
    flags = f"-O2 {_HARDENING}"
    return {
        "PATH": f"{TARGET_PATH}/bin:{PORTS_PATH}/bin:/usr/bin:/bin",
        "HOME": "/home/builder",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "SOURCE_DATE_EPOCH": str(epoch),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "PREFIX": PORTS_PATH,
        "DESTDIR": DESTDIR,
        "HOST": target.triplet,
        "BUILD": host.triplet,
        "ARCHITECTURE": target.architecture.name,
        "JOBS": str(jobs),
        "MAKEFLAGS": f"-j{jobs}",
        "NINJAFLAGS": f"-j{jobs}",
        "CC": "cc",
        "CXX": "c++",
        "CPP": "cpp",
        "AR": "ar",
        "RANLIB": "ranlib",
        "NM": "nm",
        "STRIP": "strip",
        "OBJDUMP": "objdump",
        "READELF": "readelf",
        "PKG_CONFIG": f"{TARGET_PATH}/bin/pkg-config",
        "CC_FOR_BUILD": f"{NATIVE_PATH}/bin/cc",
        "BUILD_CC": f"{NATIVE_PATH}/bin/cc",
        "CFLAGS": flags,
        "CXXFLAGS": flags,
        "LDFLAGS": "-Wl,-z,relro,-z,now -Wl,--as-needed",
        "MANYLOONG_TOOLCHAIN_LOG": f"{BUILD}/toolchain.jsonl",
    }


def _start(port: Port) -> str:
    folder = f"{SOURCE}/{port.subdirectory}".rstrip("/")
    lines = ["set -eux", *_exports(port), f"mkdir -p {DESTDIR} {OBJECTS}", f"cd {folder}"]
    return "\n".join(lines)


def _exports(port: Port) -> list[str]:
    return [f"export {name}={quoted(value)}" for name, value in port.environment]


def quoted(word: str) -> str:
    """A word of an option list for the shell: one word, with $NAME in it replaced."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("`", "\\`")
    return f'"{escaped}"'


def _words(port: Port) -> str:
    return " ".join(quoted(option) for option in port.options)


_CONFIGURE = """\
./configure --build="$BUILD" --host="$HOST" --prefix="$PREFIX" --libdir="$PREFIX/lib" --sysconfdir=/etc \\
    --localstatedir=/var --enable-shared --disable-static"""
_CMAKE = f"""\
cmake -G Ninja -S . -B {OBJECTS} -DCMAKE_TOOLCHAIN_FILE={TARGET_PATH}/cmake/toolchain.cmake \\
    -DCMAKE_BUILD_TYPE=None -DCMAKE_INSTALL_PREFIX="$PREFIX" -DCMAKE_INSTALL_LIBDIR=lib \\
    -DCMAKE_INSTALL_INCLUDEDIR=include -DCMAKE_SKIP_INSTALL_RPATH=ON -DBUILD_SHARED_LIBS=ON \\
    -DCMAKE_POLICY_VERSION_MINIMUM=3.5"""
_MESON = f"""\
python3 {BUILD}/meson/meson.py setup . {OBJECTS} --cross-file {TARGET_PATH}/meson/cross.ini \\
    --native-file {NATIVE_PATH}/meson/native.ini --buildtype plain --prefix "$PREFIX" --libdir lib \\
    --wrap-mode nofallback -Ddefault_library=shared"""
_NINJA = (f'ninja -C {OBJECTS} -j "$JOBS"', f"ninja -C {OBJECTS} install")


def _make_variables(port: Port) -> str:
    """The port's variables as words for make, whose files' own assignments win over the environment."""
    return "".join(f' "{name}=${name}"' for name, _ in port.environment)


def _autotools(port: Port) -> list[str]:
    configure, words = f"{_CONFIGURE} {_words(port)}", _make_variables(port)
    return [_REFRESH.rstrip(), configure, f"make{words}", f'make install DESTDIR="$DESTDIR"{words}']


def _cmake(port: Port) -> list[str]:
    return [f"{_CMAKE} {_words(port)}", *_NINJA]


def _meson(port: Port) -> list[str]:
    return [f"{_MESON} {_words(port)}", *_NINJA]


def _make(port: Port) -> list[str]:
    words = f"{_words(port)}{_make_variables(port)}"
    return [f"make {words}", f'make install DESTDIR="$DESTDIR" {words}']


def _custom(port: Port) -> list[str]:
    return list(port.steps)


_SYSTEMS = {
    "autotools": _autotools,
    "cmake": _cmake,
    "meson": _meson,
    "make": _make,
    "custom": _custom,
}


def _strip() -> str:
    return (
        f"find {DESTDIR}{PORTS_PATH} -type f -name '*.so*' | while read -r file; do\n"
        'if readelf -h "$file" >/dev/null 2>&1; then strip --strip-unneeded "$file"; fi\n'
        "done"
    )
