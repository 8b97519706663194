"""Which words of a code section are instructions that run, and which lie there as data.

Assembly keeps jump tables between its instructions. A word after an unconditional jump, with neither a branch
target nor the start of a function between the jump and itself, is on no direct path.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from manyloong.targets.abi import Flow


def on_direct_path(
    flow: Flow, words: NDArray[np.uint32], wanted: NDArray[np.intp], starts: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """For each wanted index, whether a direct path leads to that word.

    ``words``: one code section. ``starts``: indices into it where functions begin.
    """
    import numpy as np  # noqa: PLC0415  see isa.scanner

    jumps = np.zeros(len(words), bool)
    for mask, match in flow.unconditional:
        jumps |= (words & np.uint32(mask)) == match
    ends = np.flatnonzero(jumps)
    entries = np.sort(np.concatenate([starts, _targets(flow, words)]))
    place = np.searchsorted(ends, wanted, "left") - 1
    last_jump = np.where(place >= 0, ends[np.maximum(place, 0)] if len(ends) else -1, -1)
    # Entries in (last_jump, wanted]; without a jump before it, the section's start leads to the word.
    entered = np.searchsorted(entries, wanted, "right") > np.searchsorted(entries, last_jump, "right")
    reached: NDArray[np.bool_] = entered | (last_jump < 0)
    return reached


def _targets(flow: Flow, words: NDArray[np.uint32]) -> NDArray[np.int64]:
    """Indices that direct branches lead to; some lie outside of the section."""
    import numpy as np  # noqa: PLC0415

    found = [np.zeros(0, np.int64)]
    for mask, match, bits in flow.branches:
        where = np.flatnonzero((words & np.uint32(mask)) == match)
        some = words[where].astype(np.int64)
        offset = (some >> 10 & 0xFFFF) | (some & ((1 << bits - 16) - 1)) << 16
        offset -= (offset >> bits - 1) << bits
        found.append(where + offset)
    return np.concatenate(found)
