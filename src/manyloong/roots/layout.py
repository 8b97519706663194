"""Where a toolchain is inside the sandbox, and the names of its parts."""

from dataclasses import dataclass
from pathlib import Path

ZIG_PATH = "/opt/manyloong/zig"
TARGET_PATH = "/opt/manyloong/target"
NATIVE_PATH = "/opt/manyloong/native"
ENVIRONMENT_PATH = "/opt/manyloong/env"  # the build requirements of a package
PORTS_PATH = "/opt/manyloong/ports"  # the ports a build uses, as one prefix
PYTHON_PATH = "/opt/manyloong/python"  # an interpreter of the build machine that its root lacks
GCC_VERSION = "12"  # whose C++ library is used; its directories are named so
LOG_PATH = "/build/.toolchain.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Absolute paths as the compilers see them; elsewhere than in a sandbox only for tests."""

    triplet: str  # of the code that is compiled
    tree: str = TARGET_PATH
    zig: str = ZIG_PATH
    python: str = "/usr/bin/python3"  # runs the wrappers
    ports: str = PORTS_PATH  # searched after all else, where it is mounted; "" for none
    log: str = LOG_PATH

    @property
    def binaries(self) -> str:
        return f"{self.tree}/bin"

    @property
    def sysroot(self) -> str:
        return f"{self.tree}/sysroot"

    @property
    def resources(self) -> str:
        """Clang's resource directory; its configuration files are in it too."""
        return f"{self.tree}/lib/clang"

    @property
    def runtime(self) -> str:
        """Where clang's driver looks for its builtins, below the tree."""
        return f"lib/clang/lib/{self.triplet.replace('-linux-', '-unknown-linux-')}"

    @property
    def gcc(self) -> str:
        """What clang's driver takes for GCC's installation, below the tree: it finds libstdc++ from there."""
        return f"sysroot/usr/lib/gcc/{self.triplet}/{GCC_VERSION}"

    def clang(self, *, cxx: bool = False) -> tuple[str, ...]:
        """The start of a command line of clang's own driver for this toolchain."""
        mode = ("--driver-mode=g++",) if cxx else ()
        return (f"{self.zig}/zig", "clang", *mode, f"--config={self.resources}/cc.cfg")

    def python_include(self, python: str) -> str:
        """Directory of ``Python.h`` of e.g. ``cp313``."""
        return f"{self.tree}/python/{python}/include"


def host_python(native_root: Path) -> str:
    """The path, inside the root, of the oldest Python 3 there; it starts fastest and any will do."""
    found = sorted(
        (int(path.name.removeprefix("python3.")), path.name)
        for path in (native_root / "usr/bin").glob("python3.*")
        if path.name.removeprefix("python3.").isdigit()
    )
    return f"/usr/bin/{found[0][1]}" if found else "/usr/bin/python3"
