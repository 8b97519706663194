"""The root of the emulated lane: the target's CPythons among the build machine's own programs.

Both roots come from one distribution whose libraries lie in a folder of their own for each architecture, so
both can be in one tree: each program finds its own loader and its own libraries. Shells, make, CMake, git and
the compilers are the build machine's and run at its speed; the CPythons, and the programs that answer which
machine this is, are the target's.

A target whose C library no distribution has comes with a CPython from source and without a C++ library. Its
standard library is not the distribution's, so the build machine's CPythons keep theirs apart, and what the
build makes and imports finds the toolchain's C++ library.
"""

import errno
import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path

from manyloong.roots.model import Root
from manyloong.roots.toolchain import Toolchain
from manyloong.store import Store
from manyloong.targets import Host, Target

RECIPE = 1  # bump when the same two roots would give another tree
HOST_PREFIX = "opt/manyloong/host"
HOST_PROGRAMS = f"{HOST_PREFIX}/bin"  # the build machine's own CPythons; what starts them names this path
# Of the target where both roots have it: the interpreters with their standard library (pure modules are the
# same in both, extension modules and build variables carry their triplet in their names), and the programs
# that are asked for the machine.
TARGET_WINS = (
    "usr/bin/python*", "usr/lib/python3.*", "usr/include/python3.*", "usr/bin/uname", "usr/bin/arch",
    "usr/bin/getconf",
)  # fmt: skip
# Where the target has another C library than the distribution: folders of its CPythons, which hold nothing of
# the build machine's, and programs of a C library, which would answer for the wrong one.
TARGET_ALONE = ("usr/lib/python3.*", "usr/include/python3.*")
TARGET_OR_NONE = ("usr/bin/getconf", "usr/bin/ldd")
_LOADED = "*.so.[0-9]*"  # a library as programs ask for it


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneRoot:
    """The tree, and where in it the build machine's own CPython is."""

    root: Root
    host_python: str


def lane_root_id(native: Root, target: Root, *, toolchain: str = "") -> str:
    """SHA-256 of all that decides the tree; ``toolchain``: the id of that whose C++ library is laid in."""
    document = {"recipe": RECIPE, "native": native.id, "target": target.id, "rules": TARGET_WINS}
    if toolchain:
        document |= {"toolchain": toolchain, "apart": [TARGET_ALONE, TARGET_OR_NONE]}
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def ensure_lane_root(
    native: Root, target: Root, toolchain: Toolchain, *, host: Host, wanted: Target, store: Store
) -> LaneRoot:
    """The root in which wheels of the target are built by its own CPython.

    On a host of the target's own architecture that is the native root as it is, if that has its C library.
    """
    if not wanted.from_source and host.debian == wanted.architecture.debian:
        return LaneRoot(root=native, host_python="/usr/bin/python3")
    apart = wanted.from_source
    identity = lane_root_id(native, target, toolchain=toolchain.target.name if apart else "")
    libraries = toolchain.target / "sysroot/usr/lib" if apart else None
    fill = partial(merge_roots, native=native.path, target=target.path, libraries=libraries)
    path = store.tree("lane", identity, fill)
    name = f"lane-{host.debian}-{wanted.architecture.debian}" + (f"-{wanted.libc}" if apart else "")
    root = Root(name=name, id=identity, path=path, drift=native.drift + target.drift)
    return LaneRoot(root=root, host_python=f"/{HOST_PROGRAMS}/python3")


def merge_roots(tree: Path, *, native: Path, target: Path, libraries: Path | None = None) -> None:
    """Fill an empty directory: all of the native root, what only the target has, and what is the target's.

    ``libraries``: of a target with another C library than the native root's; those that it lacks.
    """
    link_tree(native, tree, relative="", wins=False)
    own = tree / HOST_PROGRAMS
    own.mkdir(parents=True)
    for program in sorted((native / "usr/bin").glob("python3*")):
        _link(program, own / program.name)
    if libraries is not None:
        _keep_apart(tree, native=native, target=target)
    link_tree(target, tree, relative="", wins=True)
    if libraries is not None:
        for library in sorted(libraries.glob(_LOADED)):
            if not os.path.lexists(tree / "usr/lib" / library.name):
                _link(library, tree / "usr/lib" / library.name)


def _keep_apart(tree: Path, *, native: Path, target: Path) -> None:
    """Give the build machine's CPythons a standard library of their own, and take away what is not theirs."""
    for library in sorted((native / "usr/lib").glob("python3*")):
        place = tree / HOST_PREFIX / "lib" / library.name
        place.mkdir(parents=True)
        link_tree(library, place)
    for rule in TARGET_ALONE:
        for folder in target.glob(rule):
            shutil.rmtree(tree / folder.relative_to(target), ignore_errors=True)
    for program in TARGET_OR_NONE:
        (tree / program).unlink(missing_ok=True)


def _wins(relative: str) -> bool:
    return any(fnmatchcase(relative, rule) or fnmatchcase(relative, f"{rule}/*") for rule in TARGET_WINS)


def link_tree(source: Path, destination: Path, *, relative: str = "", wins: bool = False) -> None:
    """Everything of a folder below another, by hard links; where both have a file, the first stays.

    ``wins``: except for what TARGET_WINS names.
    """
    with os.scandir(source) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    for entry in found:
        name = f"{relative}{entry.name}"
        goal = destination / entry.name
        if entry.is_dir(follow_symlinks=False):
            if goal.is_symlink() or (goal.exists() and not goal.is_dir()):
                continue  # a folder of one root is a link in the other: the first keeps its own way there
            if not goal.exists():
                goal.mkdir()
                shutil.copystat(entry.path, goal, follow_symlinks=False)
            link_tree(Path(entry.path), goal, relative=f"{name}/", wins=wins)
        elif not (goal.is_symlink() or goal.exists()):
            _link(Path(entry.path), goal)
        elif wins and _wins(name) and not goal.is_dir():
            goal.unlink()
            _link(Path(entry.path), goal)


def _link(source: Path, goal: Path) -> None:
    """The same file at another place of the store; its content where two file systems are in play."""
    try:
        os.link(source, goal, follow_symlinks=False)
    except OSError as error:
        if error.errno not in {errno.EXDEV, errno.EMLINK, errno.EPERM}:
            raise
        shutil.copy2(source, goal, follow_symlinks=False)
