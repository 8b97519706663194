"""Python programs of build requirements that the emulated lane starts natively; data in ``programs.toml``."""

import json
import tomllib
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from manyloong.targets import Python
from manyloong.wheels.resolve import ResolvedWheel
from manyloong.wheels.site import VENV

PTH = "import _manyloong_lane\n"
_START = """\
#!{python} -I
import sys

sys.path[:0] = ["{place}/native"]
sys.path.append("{place}/lib/python{version}/site-packages")  # what is read from there, .pxd files
from {module} import {function}

sys.exit({function}())
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A program whose output is the same on every machine."""

    project: str
    script: str
    module: str
    entry: str
    why: str


@cache
def all_programs() -> tuple[Program, ...]:
    """Every row of the table."""
    text = files("manyloong.wheels").joinpath("programs.toml").read_text("utf-8")
    return tuple(Program(**row) for row in tomllib.loads(text)["program"])


def programs_of(wheels: Sequence[ResolvedWheel]) -> tuple[Program, ...]:
    """The programs that these requirements bring."""
    names = {wheel.name for wheel in wheels}
    return tuple(program for program in all_programs() if program.project in names)


def install_programs(
    programs: Sequence[Program], native: Mapping[str, Path], place: Path, *, python: Python, host_python: str
) -> None:
    """Into an environment: the build machine's wheels of the programs, unpacked, and what starts them.

    ``native`` has the wheels' paths by file name; ``host_python`` is the path inside of some native Python,
    beside which there is one of each version.
    """
    folder = place / "native"
    folder.mkdir()
    for path in native.values():
        with zipfile.ZipFile(path) as archive:
            archive.extractall(folder)
    own = f"{host_python.rpartition('/')[0]}/python{python.version}"
    for program in programs:
        module, _, function = program.entry.partition(":")
        text = _START.format(python=own, place=VENV, version=python.version, module=module, function=function)
        script = place / "bin" / program.script
        script.write_text(text, "utf-8")
        script.chmod(0o755)
    modules = {program.module: program.script for program in programs}
    (folder / "modules.json").write_text(json.dumps(modules, sort_keys=True), "utf-8")
    site = place / "lib" / f"python{python.version}" / "site-packages"
    text = files("manyloong.wheels.payload").joinpath("lane_site.py").read_text("utf-8")
    (site / "_manyloong_lane.py").write_text(text, "utf-8")
    (site / "_manyloong_lane.pth").write_text(PTH, "utf-8")
