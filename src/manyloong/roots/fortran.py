"""Fortran for a target: GCC's compiler of Fortran alone, laid over a root for the builds that ask for it.

Debian's cross compiler makes the objects; it links nothing, because the libraries of its packages are for the
newest C library. What its programs call is the port libgfortran, and clang and lld of the toolchain link.
So the objects are the same for every C library of an architecture, and one compiler makes them for all.
"""

import hashlib
import json
import tomllib
from collections.abc import Sequence
from functools import cache, partial
from importlib.resources import files
from pathlib import Path
from typing import Protocol

from manyloong.errors import NotFoundError
from manyloong.events import Listener
from manyloong.roots.ensure import ensure_root
from manyloong.roots.flags import rule_tables
from manyloong.roots.lane import link_tree
from manyloong.roots.layers import fortran_layers
from manyloong.roots.layout import LOG_PATH, PORTS_PATH, TARGET_PATH
from manyloong.roots.lock import committed_lock, root_id
from manyloong.roots.model import Root
from manyloong.roots.spec import root_spec
from manyloong.sandbox import Runner
from manyloong.store import Fetcher, Store
from manyloong.targets import FlagRule, Host, Target, all_targets

RECIPE = 1  # bump when the same roots would give another tree
KIND = "fortran"
LAYER = "fortran"  # as ports name it
LIBRARY = "libgfortran"  # the port that every build with Fortran links
GCC = "14"  # the version in the packages' names
PROGRAM = "gfortran"
PACKAGED = "glibc"  # the C library in the name of Debian's compiler
_PLACE = "usr/lib/manyloong/fortran"
_MODULES = f"usr/lib/gcc-cross/{{}}/{GCC}/finclude"
_START = """\
#!{python} -ISs
import sys

sys.path[:0] = ["/{place}", "{toolchain}/lib/wrappers"]
import compiler
from fortran import Settings, main
from fortran_settings import SETTINGS

main(Settings(**SETTINGS), compiler)
"""


@cache
def fortran_rules() -> tuple[FlagRule, ...]:
    """What is done with flags that gfortran would refuse, or must not follow."""
    document = tomllib.loads(files("manyloong.roots").joinpath("fortran.toml").read_text("utf-8"))
    return tuple(FlagRule(**row) for row in document["fortran"])


class LayerDoors(Protocol):
    """What laying a compiler over a root needs of the outside, besides processes."""

    @property
    def store(self) -> Store: ...
    @property
    def fetcher(self) -> Fetcher: ...
    @property
    def mirrors(self) -> Sequence[str]: ...
    @property
    def listener(self) -> Listener: ...


def fortran_files(target: Target, *, python: str) -> dict[str, str]:
    """Path in the tree -> text: the wrapper, its settings, and the program by which both are started."""
    packaged = packaged_triplet(target)
    settings = {
        "compiler": f"/usr/bin/{packaged}-gfortran-{GCC}",
        # Meson asks the preprocessor for omp_lib.h; GCC's own package has omp.h beside it
        "flags": (*target.architecture.compiler.flags, "-idirafter", f"/{_MODULES.format(packaged)}"),
        "linker": f"{TARGET_PATH}/bin/cc",
        "libraries": f"{PORTS_PATH}/lib",
        "rules": rule_tables(fortran_rules()),
        "log": LOG_PATH,
    }
    program = files("manyloong.roots").joinpath("payload/fortran.py").read_text("utf-8")
    start = _START.format(python=python, place=_PLACE, toolchain=TARGET_PATH)
    return {
        f"usr/bin/{PROGRAM}": start,
        f"usr/bin/{target.triplet}-{PROGRAM}": start,
        f"{_PLACE}/fortran.py": program,
        f"{_PLACE}/fortran_settings.py": f"SETTINGS = {settings!r}\n",
    }


def packaged_triplet(target: Target) -> str:
    """What Debian's compiler of the target's architecture is called after."""
    rows = (row for row in all_targets() if row.architecture == target.architecture and row.libc == PACKAGED)
    return next(row.triplet for row in rows)


def fortran_ids(host: Host, target: Target) -> dict[str, str]:
    """Name and id of what decides how Fortran is compiled; nothing is built. NotFoundError without a root."""
    check_fortran(host, target)
    texts = json.dumps([RECIPE, fortran_files(target, python="")], sort_keys=True)
    ids = {name: root_id(committed_lock(name), root_spec(name)) for name in fortran_layers(host)}
    return ids | {PROGRAM: hashlib.sha256(texts.encode()).hexdigest()}


def ensure_fortran(
    base: Root,
    host: Host,
    target: Target,
    *,
    python: str,
    doors: LayerDoors,
    runner: Runner,
    locked: bool = False,
) -> Root:
    """The base with the compiler over it; ``python`` is the build machine's. Errors as ``ensure_root``."""
    check_fortran(host, target)
    layers = [
        ensure_root(
            name,
            store=doors.store,
            fetcher=doors.fetcher,
            mirrors=doors.mirrors,
            runner=runner,
            listener=doors.listener,
            locked=locked,
        )
        for name in fortran_layers(host)
    ]
    texts = fortran_files(target, python=python)
    document = [RECIPE, base.id, [layer.id for layer in layers], texts]
    identity = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
    trees = [root.path for root in (base, *layers)]
    path = doors.store.tree(KIND, identity, partial(_fill, trees=trees, texts=texts))
    name = "+".join(root.name for root in (base, *layers))
    drift = tuple(line for root in (base, *layers) for line in root.drift)
    return Root(name=name, id=identity, path=path, drift=drift)


def check_fortran(host: Host, target: Target) -> None:
    """NotFoundError where no root has a compiler that runs on the host and compiles for the target."""
    if host.debian == target.architecture.debian:
        raise NotFoundError(
            f"there is no Fortran compiler for {target.tag} on {host.name}",
            hint="it runs on x86_64 and aarch64: build there",
        )


def _fill(tree: Path, *, trees: Sequence[Path], texts: dict[str, str]) -> None:
    for source in trees:
        link_tree(source, tree)
    for name, text in texts.items():
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)  # never write through a link into another tree
        path.write_text(text, "utf-8")
        path.chmod(0o755 if name.startswith("usr/bin/") else 0o644)
