"""GCC's C++ library for a toolchain: headers, shared and static library, as a tree of the store.

It is a tree of its own, so that it is compiled again only when what decides it changes: GCC's source, the C
library's floor, and how clang is called. Its layout is that of a sysroot; ``toolchain.py`` lays it into one.
"""

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from manyloong.roots.layout import GCC_VERSION, Layout
from manyloong.roots.sources import PinnedSource, parse_source

KIND = "libstdcxx"
RECIPE = 1  # bump when what is built changes although its inputs do not
WORK = "/build"  # the tree's scratch directory, inside the sandbox
OUTPUT = f"{WORK}/out"
_ARCHIVE = f"{WORK}/source"
_PROGRAMS = ("libstdcxx.py", "payload/libstdcxx.py", "payload/sysroot.py")


@cache
def _source_table() -> dict[str, Any]:
    document = tomllib.loads(files("manyloong.locks").joinpath("toolchain.toml").read_text("utf-8"))
    table: dict[str, Any] = document["source"]["gcc"]
    return table


def gcc_source() -> PinnedSource:
    """The pinned archive that GCC's source is in."""
    table = {key: value for key, value in _source_table().items() if key != "inner"}
    return parse_source(table, where="toolchain.toml: source.gcc")


@dataclass(frozen=True, slots=True, kw_only=True)
class CxxPlan:
    """One C++ library before it is built."""

    layout: Layout
    zig_target: tuple[str, ...]  # names the floor
    configuration: Mapping[str, str]  # clang's configuration files, by name
    library: bool  # False: headers only, the root that programs run in has the library

    def specification(self) -> dict[str, object]:
        """What payload/libstdcxx.py is told."""
        return {
            "archive": _ARCHIVE,
            "inner": _source_table()["inner"],
            "work": f"{WORK}/work",
            "output": OUTPUT,
            "triplet": self.layout.triplet,
            "version": GCC_VERSION,
            "library": self.library,
            "compile": self.layout.clang(),
            "compile_cxx": self.layout.clang(cxx=True),
            "binaries": self.layout.binaries,
            "builtins": f"{self.layout.tree}/{self.layout.runtime}/libclang_rt.builtins.a",
            "zig": f"{self.layout.zig}/zig",
        }

    def key(self, zig: str) -> str:
        """SHA-256 of the plan, of the zig tree's name and of the programs that build."""
        document = {
            "recipe": RECIPE,
            "zig": zig,
            "zig_target": self.zig_target,
            "configuration": dict(self.configuration),
            "specification": self.specification(),
            "source": gcc_source().sha256,
            "programs": [files("manyloong.roots").joinpath(name).read_text("utf-8") for name in _PROGRAMS],
        }
        text = json.dumps(document, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def argv(self, scratch: Path, archive: Path) -> tuple[str, ...]:
        """The command to run in the sandbox, with its files laid into ``scratch``, which is WORK there."""
        (scratch / "out").mkdir()
        (scratch / "source").hardlink_to(archive)
        program = files("manyloong.roots").joinpath("payload/libstdcxx.py").read_text("utf-8")
        (scratch / "libstdcxx.py").write_text(program, "utf-8")
        (scratch / "spec.json").write_text(json.dumps(self.specification()), "utf-8")
        return (self.layout.python, "-ISs", f"{WORK}/libstdcxx.py", f"{WORK}/spec.json")
