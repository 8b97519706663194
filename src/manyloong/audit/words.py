"""Instruction words to instruction classes, at memory speed and without a numeric library.

A word's two upper bytes decide its class for nearly all masks. Each of the two is translated into eight bits,
all words of a block are joined into two large integers whose AND leaves the bits that both bytes have, and
one more translation turns those into class numbers; where many words stay in doubt, the third byte is asked
too. Which bit stands for which bytes is a hint of the specification (``[scan]``): the tables are made so that
every answer is right or "in doubt", and words in doubt are compared with the masks. Measured in
docs/decisions/0031-instruction-scan.md.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, repeat
from struct import Struct

from manyloong.targets import IsaClass, abi
from manyloong.targets.abi import Flow

WORD = Struct("<I")  # an instruction; psABI and LoongArch reference manual
DISPATCHABLE = frozenset({"ML070", "ML071"})  # code that may be chosen at run time
_DOUBT = 255
_UPPER = 0xFFFF0000
_WITHOUT_DOUBT = bytes(range(_DOUBT)) + b"\0"
_MANY = 256  # more than one word of so many in doubt: worth a look at the third byte

_Said = dict[int, set[int]]  # bits to what words with those bits can be


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scanner:
    """The tables of one architecture's instruction classes; each has 256 entries."""

    flow: Flow
    classes: tuple[IsaClass, ...]
    never: tuple[int, ...]  # numbers of the classes that no wheel has a reason to use
    bits: tuple[bytes, bytes, bytes]  # highest byte, the one below it, the third -> bits
    kinds: bytes  # bits that the first two have -> 0 none, N class N-1, 255 in doubt
    kinds_of_three: bytes  # the same for bits that all three have


@cache
def scanner(architecture: str) -> Scanner:
    """The tables of an architecture, made from its masks."""
    spec = abi(architecture)
    groups = spec.scan
    bits = (
        _bits(one.first for one in groups),
        _bits(one.second for one in groups),
        _bits(one.third for one in groups),
    )
    classes = spec.isa
    return Scanner(
        flow=spec.flow,
        classes=classes,
        never=tuple(number for number, one in enumerate(classes, 1) if one.rule not in {"", *DISPATCHABLE}),
        bits=bits,
        kinds=_kinds(classes, (*bits[:2], bytes((255,)) * 256)),
        kinds_of_three=_kinds(classes, bits),
    )


def _bits(groups: Iterable[tuple[tuple[int, int], ...]]) -> bytes:
    table = bytearray(256)
    for bit, pairs in enumerate(groups):
        for mask, match in pairs:
            value = free = 255 ^ mask  # counts down through the settings of the free bits
            while True:
                table[match | value] |= 1 << bit
                if not value:
                    break
                value = (value - 1) & free
    return bytes(table)


def _kinds(classes: tuple[IsaClass, ...], bits: tuple[bytes, bytes, bytes]) -> bytes:
    """What bits mean: the one class that all words with them have, else doubt."""
    first, second, third = bits
    said: _Said = {}
    thirds = set(third)
    for value, kind in _plain_pairs(classes, first, second):
        for more in thirds:
            said.setdefault(value & more, set()).add(kind)
    for mask, match in (pair for one in classes for pair in one.masks if pair[0] & 0xFFFF):
        low, high = _half_range(mask >> 16, match >> 16)
        upper = {first[half >> 8] & second[half & 255] for half in range(low, high)}
        admitted = {third[value] for value in range(256) if value & (mask >> 8 & 255) == match >> 8 & 255}
        for value in upper:
            for more in admitted:
                said.setdefault(value & more, set()).add(_DOUBT)
    return bytes(
        next(iter(kinds)) if len(kinds := said.get(value, {0})) == 1 else _DOUBT for value in range(256)
    )


def _plain_pairs(classes: tuple[IsaClass, ...], first: bytes, second: bytes) -> set[tuple[int, int]]:
    """(bits, class) of every upper half-word, by the masks that need no lower half."""
    table = bytearray(1 << 16)
    for number, one in enumerate(classes, 1):
        ranges = [_half_range(mask >> 16, match >> 16) for mask, match in one.masks if not mask & 0xFFFF]
        for low, high in (*ranges, *((low >> 16, high >> 16) for low, high in one.ranges)):
            table[low:high] = bytes((number,)) * (high - low)
    rows = {(first[high], bytes(table[high << 8 : (high + 1) << 8])) for high in range(256)}
    return {pair for value, row in rows for pair in zip(map(value.__and__, second), row, strict=True)}


def _half_range(mask: int, match: int) -> tuple[int, int]:
    """The upper half-words that a mask lets through; its bits there have no gap, which ``abi`` checks."""
    return match, match + (mask ^ 0xFFFF) + 1


def class_number(scan: Scanner, word: int) -> int:
    """The class of a word by the masks alone; 0 for none."""
    found = 0
    for mask, match, number in _masks_of(scan, word >> 16):
        if word & mask == match:
            found = number
    return found


@cache
def _masks_of(scan: Scanner, half: int) -> tuple[tuple[int, int, int], ...]:
    """The masks that a word with this upper half may match, with the numbers of their classes."""
    word = half << 16
    return tuple(
        (mask, match, number)
        for number, one in enumerate(scan.classes, 1)
        for mask, match in (
            *one.masks,
            *((_UPPER, word) for first, end in one.ranges if first <= word < end),
        )
        if not (word ^ match) & mask & _UPPER
    )


def word_kinds(scan: Scanner, blocks: Iterable[bytes]) -> bytes:
    """The class number of each word of little-endian code, given in blocks of whole words."""
    found: list[bytes] = []
    ask_third = False
    last = b""
    for code in blocks:
        if code == last:  # padding, which a bomb has by the gigabyte
            found.append(found[-1])
            continue
        last = code
        kinds = _joined(scan, code, ask_third=ask_third)
        doubts = kinds.count(_DOUBT)
        if not ask_third and doubts * _MANY > len(kinds):
            ask_third = True
            kinds = _joined(scan, code, ask_third=True)
        found.append(_decided(scan, code, kinds) if doubts else kinds)
    return b"".join(found)


def _joined(scan: Scanner, code: bytes, *, ask_third: bool) -> bytes:
    first, second, third = scan.bits
    both = _number(code[3::4].translate(first)) & _number(code[2::4].translate(second))
    if ask_third:
        both &= _number(code[1::4].translate(third))
    kinds = scan.kinds_of_three if ask_third else scan.kinds
    return both.to_bytes(len(code) // 4, "little").translate(kinds)


def _number(some: bytes) -> int:
    return int.from_bytes(some, "little")


def _decided(scan: Scanner, code: bytes, kinds: bytes) -> bytes:
    doubt = places(kinds, _DOUBT)
    words = [word for (word,) in map(WORD.unpack_from, repeat(code), [4 * place for place in doubt])]
    classes = {word: number for word in set(words) if (number := class_number(scan, word))}
    found = bytearray(kinds.translate(_WITHOUT_DOUBT))
    if classes:
        for place, word in zip(doubt, words, strict=True):
            found[place] = classes.get(word, 0)
    return bytes(found)


def places(kinds: bytes, kind: int) -> list[int]:
    """Where a value stands, in order."""
    pieces = kinds.split(bytes((kind,)))
    pieces.pop()
    return [end - 1 for end in accumulate(len(piece) + 1 for piece in pieces)]
