"""The compilers that a build asks for besides those for C and C++, ready in its working copy."""

from dataclasses import dataclass
from pathlib import Path

from manyloong.store import Store
from manyloong.wheels.backend import Workplace
from manyloong.wheels.compilers import RUST, refuse_go
from manyloong.wheels.crates import HadCrate
from manyloong.wheels.doors import Doors
from manyloong.wheels.job import Job
from manyloong.wheels.kit import Kit
from manyloong.wheels.rust import Rust, ensure_rust, keep_crates_compiled


@dataclass(frozen=True, slots=True, kw_only=True)
class Compilers:
    """What a build sees besides its lane: another root, variables, trees."""

    root: Path
    variables: tuple[tuple[str, str], ...] = ()
    trees: tuple[tuple[Path, str], ...] = ()
    crates: tuple[HadCrate, ...] = ()
    relocked: tuple[str, ...] = ()
    rust: Rust | None = None


def ensure_compilers(job: Job, kit: Kit, root: Path, workplace: Workplace, doors: Doors) -> Compilers:
    """Everything that ``job.options.compilers`` names, made first where it is not in the store.

    ``root`` is the lane's. Errors as ``ensure_rust``; NotSupportedError for Go.
    """
    go_names = f"GOOS=linux GOARCH={kit.target.architecture.go} CGO_ENABLED=1"
    refuse_go(job.options.compilers, label=job.source.label, go_names=go_names)
    if RUST not in job.options.compilers:
        return Compilers(root=root)
    rust = ensure_rust(job, kit, root, workplace, doors)
    return Compilers(
        root=rust.root,
        variables=rust.variables,
        trees=rust.trees,
        crates=rust.crates,
        relocked=rust.relocked,
        rust=rust,
    )


def keep_compiled(added: Compilers, workplace: Workplace, store: Store) -> None:
    """Put what a build compiled into the store, where the next of the same can use it."""
    if added.rust is not None:
        keep_crates_compiled(added.rust, workplace, store)
