"""Rust in a build: cargo and rustc over the lane's root, crates had before it, and where the target is.

The linker is the toolchain's: its floor, page size and flags hold for Rust as for C. Build scripts and
procedural macros run on the build machine and are linked by its own.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from manyloong.errors import BuildError
from manyloong.roots import Root, ensure_layered
from manyloong.roots.rust_std import ensure_rust_layers, host_triple, rust_triple
from manyloong.targets import Host, Target
from manyloong.wheels import cross
from manyloong.wheels.backend import Workplace
from manyloong.wheels.cargo import Crate, cargo_projects
from manyloong.wheels.cargo_check import CARGO_HOME, CRATES, Cargo
from manyloong.wheels.cargo_kept import TARGET_DIR, KeptKeys, kept_keys, lay_kept
from manyloong.wheels.crates import HadCrate, ensure_crates
from manyloong.wheels.doors import Doors
from manyloong.wheels.floors import compile_doors
from manyloong.wheels.job import NATIVE, Job
from manyloong.wheels.kit import Kit, root_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Rust:
    """What a build with Rust sees besides its lane."""

    root: Path
    variables: tuple[tuple[str, str], ...]
    trees: tuple[tuple[Path, str], ...]
    crates: tuple[HadCrate, ...]
    relocked: tuple[str, ...]  # one line for each version that is not the one of Cargo.lock
    keys: KeptKeys  # of what is compiled


def ensure_rust(job: Job, kit: Kit, root: Path, workplace: Workplace, doors: Doors) -> Rust:
    """Compilers and crates for a working copy, and cargo's word that they are all that it needs.

    ``root`` is the lane's. Raises CratesNeededError, IntegrityError, BuildError (no or a stale Cargo.lock).
    """
    layered = _layered(kit, root, doors)
    projects = cargo_projects(workplace.source)
    if not projects:
        raise BuildError(f"{job.source.label} asks for Rust, and its sources have no Cargo.toml")
    cargo = Cargo(
        label=job.source.label, given=job.options.crates, root=layered.path, workplace=workplace, doors=doors
    )
    had: dict[Crate, HadCrate] = {}
    relocked: list[str] = []
    for project in projects:
        relocked += cargo.settle(project)
        had |= {one.crate: one for one in cargo.crates(project)}
    tree = ensure_crates(tuple(had[crate] for crate in sorted(had)), doors.store)
    cargo.configure(had)
    trees = ((tree, CRATES),)
    own = {name for project in projects for name in cargo.check(project, trees)}
    home = cross.python_home(job.identifier.python)
    variables = cargo_variables(kit.host, kit.target, jobs=doors.cores)
    if job.lane != NATIVE:
        variables |= cross_variables(kit.target, python_home=home)
    keys = kept_keys(job, layered, tree, vendored=any(project.vendored for project in projects))
    if job.pinned is None:  # a rebuild asks whether the same comes out when everything is compiled
        lay_kept(keys, own, workplace, doors.store)
    return Rust(
        root=layered.path,
        variables=tuple(sorted(variables.items())),
        trees=trees,
        crates=tuple(had.values()),
        relocked=tuple(relocked),
        keys=keys,
    )


def _layered(kit: Kit, root: Path, doors: Doors) -> Root:
    layers = ensure_rust_layers(
        kit.host,
        kit.target,
        native_root=kit.native_root,
        toolchain=kit.toolchain,
        root_of=partial(root_of, doors=doors),
        doors=compile_doors(doors),
    )
    base = Root(name=kit.native_root.name, id=root.name, path=root)  # a tree of the store is named by its id
    return ensure_layered(base, layers, store=doors.store)


def cross_variables(target: Target, *, python_home: str) -> dict[str, str]:
    """What makes the target the one that is compiled for."""
    return {
        "CARGO_BUILD_TARGET": rust_triple(target),
        "PYO3_CROSS_LIB_DIR": python_home,
        "PKG_CONFIG_ALLOW_CROSS": "1",
    }


def cargo_variables(host: Host, target: Target, *, jobs: int) -> dict[str, str]:
    """What tells cargo and the crates that compile C which compiler is for which machine.

    Names as in The Cargo Book ("Environment Variables") and the documentation of the crate cc.
    """
    triple, own = rust_triple(target), host_triple(host)
    compilers = {
        f"{variable}_{name.replace('-', '_')}": f"{tree}/bin/{program}"
        for name, tree in ((own, cross.NATIVE), (triple, cross.TARGET))
        for variable, program in (("CC", "cc"), ("CXX", "c++"), ("AR", "ar"), ("RANLIB", "ranlib"))
    }
    linkers = {
        f"CARGO_TARGET_{name.upper().replace('-', '_')}_LINKER": f"{tree}/bin/cc"
        for name, tree in ((own, cross.NATIVE), (triple, cross.TARGET))
    }
    return {
        **compilers,
        **linkers,
        "CARGO_HOME": CARGO_HOME,
        "CARGO_TARGET_DIR": TARGET_DIR,
        "CARGO_BUILD_JOBS": str(jobs),
        "CARGO_NET_OFFLINE": "true",
        "CARGO_TERM_COLOR": "never",
        "CARGO_INCREMENTAL": "0",
    }
