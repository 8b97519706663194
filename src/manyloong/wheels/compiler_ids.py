"""What identifies the compilers that a job asks for besides those for C and C++."""

from collections.abc import Sequence

from manyloong.roots.fortran import fortran_ids
from manyloong.wheels.compilers import FORTRAN, RUST
from manyloong.wheels.kit import Kit
from manyloong.wheels.rust import rust_ids


def compiler_ids(compilers: Sequence[str], kit: Kit) -> dict[str, str]:
    """Name -> id of each part, as a job's kit has them; nothing is built."""
    rust = rust_ids(kit.host, kit.target) if RUST in compilers else {}
    return rust | (fortran_ids(kit.host, kit.target) if FORTRAN in compilers else {})
