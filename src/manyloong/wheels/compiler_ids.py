"""Compilers besides those for C and C++: whether they are there for a target, and what identifies them."""

from collections.abc import Sequence

from manyloong.roots.fortran import check_fortran, fortran_ids
from manyloong.roots.rust_std import check_rust, rust_ids
from manyloong.targets import Host, Target
from manyloong.wheels.compilers import FORTRAN, RUST, refuse_go
from manyloong.wheels.kit import Kit


def check_there(compilers: Sequence[str], host: Host, target: Target, *, label: str) -> None:
    """NotSupportedError for Go; NotFoundError for a language that no root has for this target.

    Known from the sources and the target alone, so it is asked before anything is made.
    """
    refuse_go(compilers, label=label, go_names=f"GOOS=linux GOARCH={target.architecture.go} CGO_ENABLED=1")
    if RUST in compilers:
        check_rust(host, target)
    if FORTRAN in compilers:
        check_fortran(host, target)


def compiler_ids(compilers: Sequence[str], kit: Kit) -> dict[str, str]:
    """Name -> id of each part, as a job's kit has them; nothing is built."""
    rust = rust_ids(kit.host, kit.target) if RUST in compilers else {}
    return rust | (fortran_ids(kit.host, kit.target) if FORTRAN in compilers else {})
