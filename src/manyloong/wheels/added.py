"""The compilers that a build asks for besides those for C and C++, ready in its working copy."""

from dataclasses import dataclass, replace
from pathlib import Path

from manyloong.roots import Root
from manyloong.roots.fortran import PROGRAM, ensure_fortran
from manyloong.store import Store
from manyloong.wheels.backend import Workplace
from manyloong.wheels.cargo_kept import keep_compiled_crates
from manyloong.wheels.compiler_ids import check_there
from manyloong.wheels.compilers import FORTRAN, RUST
from manyloong.wheels.crates import HadCrate
from manyloong.wheels.doors import Doors
from manyloong.wheels.job import Job
from manyloong.wheels.kit import Kit
from manyloong.wheels.lane import Lane
from manyloong.wheels.rust import Rust, ensure_rust


@dataclass(frozen=True, slots=True, kw_only=True)
class Compilers:
    """What a build sees besides its lane: another root, variables, trees."""

    root: Path
    variables: tuple[tuple[str, str], ...] = ()
    trees: tuple[tuple[Path, str], ...] = ()
    crates: tuple[HadCrate, ...] = ()
    relocked: tuple[str, ...] = ()
    compilers: tuple[tuple[str, str], ...] = ()  # language -> program, for Meson
    rust: Rust | None = None


def ensure_compilers(job: Job, kit: Kit, lane: Lane, workplace: Workplace, doors: Doors) -> Compilers:
    """Everything that ``job.options.compilers`` names, made first where it is not in the store.

    Errors as ``ensure_rust``; NotSupportedError for Go; NotFoundError where there is no Fortran.
    """
    check_there(job.options.compilers, kit.host, kit.target, label=job.source.label)
    added = Compilers(root=lane.root)
    if FORTRAN in job.options.compilers:
        added = _with_fortran(added, kit, lane, doors)
    if RUST not in job.options.compilers:
        return added
    rust = ensure_rust(job, kit, added.root, workplace, doors)
    return replace(
        added,
        root=rust.root,
        variables=(*added.variables, *rust.variables),
        trees=rust.trees,
        crates=rust.crates,
        relocked=rust.relocked,
        rust=rust,
    )


def _with_fortran(added: Compilers, kit: Kit, lane: Lane, doors: Doors) -> Compilers:
    """The compiler over the root, under each name by which build systems ask for it."""
    root = ensure_fortran(
        Root(name=kit.native_root.name, id=added.root.name, path=added.root),
        kit.host,
        kit.target,
        python=lane.host_python,
        doors=doors,
        runner=doors.runner,
        locked=doors.locked,
    )
    program = f"/usr/bin/{PROGRAM}"
    variables = tuple((name, program) for name in ("F77", "F90", "FC"))
    return replace(
        added,
        root=root.path,
        variables=(*added.variables, *variables),
        compilers=(*added.compilers, ("fortran", program)),
    )


def keep_compiled(added: Compilers, workplace: Workplace, store: Store) -> None:
    """Put what a build compiled into the store, where the next of the same can use it."""
    if added.rust is not None:
        keep_compiled_crates(added.rust.keys, workplace, store)
