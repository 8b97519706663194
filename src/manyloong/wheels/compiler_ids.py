"""What identifies the compilers that a job asks for besides those for C and C++."""

from collections.abc import Sequence

from manyloong.wheels.compilers import RUST
from manyloong.wheels.kit import Kit
from manyloong.wheels.rust import rust_ids


def compiler_ids(compilers: Sequence[str], kit: Kit) -> dict[str, str]:
    """Name -> id of each part, as a job's kit has them; nothing is built."""
    return rust_ids(kit.host, kit.target) if RUST in compilers else {}
