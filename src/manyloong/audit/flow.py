"""Which words of a code section are instructions that run, and which lie there as data.

Assembly keeps jump tables between its instructions. A word after an unconditional jump, with neither a branch
target nor the start of a function between the jump and itself, is on no direct path.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

from manyloong.audit.words import WORD, places
from manyloong.targets.abi import Flow

_BLOCK = 1 << 18  # bytes looked at in one step
_LIMIT = 1 << 22  # branches of one section; above it nothing is taken for data

_Marks = Sequence[tuple[int, ...]]  # (mask, match, ...)


def off_path(flow: Flow, code: memoryview, wanted: Sequence[int], starts: Sequence[int]) -> frozenset[int]:
    """Those of the wanted indices that no direct path leads to.

    ``code``: the bytes of one section. ``starts``: indices of its words where functions begin.
    """
    jumps = array("q", (place for place, _, _ in _marked(code, flow.unconditional)))
    entries = array("q", starts)
    for number, (place, word, bits) in enumerate(_marked(code, flow.branches)):
        if number == _LIMIT:
            return frozenset()
        entries.append(place + _offset(word, bits))
    ordered = sorted(entries)
    return frozenset(one for one in wanted if not _is_reached(one, jumps, ordered))


def _is_reached(place: int, jumps: Sequence[int], entries: Sequence[int]) -> bool:
    """Whether something enters between the last jump before a place and the place; without a jump, it is."""
    before = bisect_left(jumps, place) - 1
    if before < 0:
        return True
    return bisect_right(entries, place) > bisect_right(entries, jumps[before])


def _marked(code: memoryview, marks: _Marks) -> Iterator[tuple[int, int, int]]:
    """(index, word, last number of the mark) of each word that one of the marks fits."""
    table = bytes(any(high & (mask >> 24) == match >> 24 for mask, match, *_ in marks) for high in range(256))
    for start in range(0, len(code), _BLOCK):
        block = bytes(code[start : start + _BLOCK])
        for place in places(block[3::4].translate(table), 1):
            (word,) = WORD.unpack_from(block, 4 * place)
            for mask, match, *more in marks:
                if word & mask == match:
                    yield start // 4 + place, word, more[0] if more else 0


def _offset(word: int, bits: int) -> int:
    """Words from a branch to its target: 16 low bits at bit 10, more at bit 0; signed."""
    value = word >> 10 & 0xFFFF | (word & (1 << bits - 16) - 1) << 16
    return value - (value >> bits - 1 << bits)
