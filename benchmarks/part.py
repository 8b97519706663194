"""A part of SciPy, whose whole takes too long for rounds: the same targets in the cross and the native lane.

From the archive to the linked modules, by Meson and Ninja alone: C, C++ with templates, Cython, pybind11 and
Pythran, each in its share. Modules that link a BLAS are left out, among them the one with Fortran in it, so
that neither lane needs a library; Meson asks for a BLAS all the same, and is given an empty subproject.
"""

import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.builds import Compared
from benchmarks.goals import CROSS, PART, build_key
from benchmarks.lanes import Lane
from elftools.elf.elffile import ELFFile

from manyloong.errors import BuildError
from manyloong.sandbox import Command
from manyloong.targets import Python
from manyloong.wheels import cross
from manyloong.wheels.backend import Workplace, prepare_workplace, template_binds
from manyloong.wheels.doors import Doors
from manyloong.wheels.source import unpack_source

RELEASE = "scipy==1.18.1"
MODULES = (
    "scipy/cluster/hierarchy/_hierarchy",  # Cython
    "scipy/fft/_duccfft/pyduccfft",  # pybind11
    "scipy/io/_fast_matrix_market/_fmm_core",  # pybind11
    "scipy/ndimage/_nd_image",  # C
    "scipy/ndimage/_ni_label",  # Cython
    "scipy/optimize/_group_columns",  # Pythran
    "scipy/signal/_sigtools",  # C
    "scipy/spatial/_ckdtree",  # C++ and Cython
    "scipy/special/_special_ufuncs",  # C++ with templates
    "scipy/stats/_qmc_cy",  # C++ by Cython
    "scipy/stats/_stats",  # Cython
    "scipy/stats/_stats_pythran",  # Pythran
)
_BUILD = f"{cross.SOURCE}/.part"
_OPTIONS = (
    "--buildtype=release",
    "-Db_ndebug=if-release",
    "-D_without-fortran=true",
    "--force-fallback-for=openblas",
)
_EMPTY = {
    "openblas.wrap": "[wrap-file]\ndirectory = empty\n\n[provide]\ndependency_names = openblas\n",
    "empty/meson.build": "project('empty')\nmeson.override_dependency('openblas', declare_dependency())\n",
}
_MACHINES = {"loongarch64": "EM_LOONGARCH", "x86_64": "EM_X86_64", "aarch64": "EM_AARCH64"}


def take_part(
    compared: Compared, *, number: int, python: Python, place: Path, doors: Doors
) -> Iterator[tuple[str, float]]:
    """One round: the modules in every lane, one lane after the other; (name, seconds)."""
    for lane in compared.lanes:
        workplace = prepare_workplace(place / f"part-{lane.name.replace(' ', '-')}-{number}")
        targets = _targets(lane, python)
        began = time.perf_counter()
        unpack_source(compared.source, workplace.source)
        _leave_out_blas(workplace.source)
        lane.prepare(workplace)
        _run(lane, workplace, ("meson", "setup", _BUILD, *_OPTIONS, *_files(lane)), doors)
        _run(lane, workplace, ("ninja", "-C", _BUILD, *targets), doors)
        yield build_key(PART, lane.name), time.perf_counter() - began
        _check(workplace.path / "src/.part", targets, lane)


def _targets(lane: Lane, python: Python) -> tuple[str, ...]:
    """What Ninja calls the modules."""
    return tuple(f"{name}.cpython-{python.tag[2:]}-{lane.machine}-linux-gnu.so" for name in MODULES)


def _leave_out_blas(sources: Path) -> None:
    for name, text in _EMPTY.items():
        path = sources / "subprojects" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")


def _files(lane: Lane) -> tuple[str, ...]:
    """What Meson reads of a cross build."""
    words = cross.backend_settings("mesonpy", {})["setup-args"] if lane.name == CROSS else ()
    return tuple(words)


def _run(lane: Lane, workplace: Workplace, words: tuple[str, ...], doors: Doors) -> None:
    """A program of the environment in the lane; BuildError with the end of its log where it fails."""
    command = Command(
        argv=("/usr/bin/env", *words),
        root=lane.root,
        log=workplace.log,
        environment=lane.variables,
        binds=template_binds(workplace, lane.trees, None),
        cwd=cross.SOURCE,
        emulator=lane.emulator,
    )
    done = doors.runner.run(command)
    if not done.succeeded:
        raise BuildError(f"{lane.name}: {words[0]} failed; the last lines were:\n{done.last_lines(30)}")


def _check(build: Path, targets: tuple[str, ...], lane: Lane) -> None:
    """ValueError for a module that is not for the lane's machine: then its seconds mean nothing."""
    for target in targets:
        with (build / target).open("rb") as file:
            machine = ELFFile(file)["e_machine"]
        if machine != _MACHINES[lane.machine]:
            raise ValueError(f"{lane.name}: {target} is for {machine}")
