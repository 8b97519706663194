"""The instruction scan: the fast lookup against the masks, functions, jump tables, large code."""

import random

import pytest

from manyloong.audit.dispatch import Dispatch
from manyloong.audit.elf import read_elf
from manyloong.audit.flow import off_path
from manyloong.audit.words import Scanner, places, scanner, word_kinds
from manyloong.corpus import Elf, make_elf
from manyloong.targets import abi

NOP, RET, LASX, LSX, CSR = 0x03400000, 0x4C000020, 0x740A0000, 0x700A0000, 0x04000000
SCAN = scanner("loongarch64")


def code_of(words: list[int]) -> bytes:
    return b"".join(word.to_bytes(4, "little") for word in words)


def plain(scan: Scanner, word: int) -> int:
    """The class by the masks in turn, the last one that fits: what every shortcut must agree with."""
    found = 0
    for number, one in enumerate(scan.classes, 1):
        fits = any(word & mask == match for mask, match in one.masks)
        if fits or any(first <= word < end for first, end in one.ranges):
            found = number
    return found


@pytest.mark.parametrize("order", ["ascending", "shuffled"])
def test_the_scan_says_what_the_masks_say(order: str) -> None:
    """Every upper half-word, with lower halves that matter to the masks and others.

    In order, whole blocks are in doubt and the third byte is asked; shuffled, both ways are mixed.
    """
    chance = random.Random(20)  # noqa: S311  samples, not secrets
    matches = [match & 0xFFFF for one in SCAN.classes for _, match in one.masks]
    lows = [*chance.choices(range(1 << 16), k=3 << 16), *chance.choices(matches, k=1 << 16)]
    words = [high << 16 | lows.pop() for high in range(1 << 16) for _ in range(4)]
    if order == "shuffled":
        chance.shuffle(words)
    blocks = [code_of(words[start : start + 4096]) for start in range(0, len(words), 4096)]
    kinds = word_kinds(SCAN, blocks)
    assert [kind for kind, word in zip(kinds, words, strict=True) if kind != plain(SCAN, word)] == []
    assert set(kinds) == set(range(len(SCAN.classes) + 1))


def test_ordinary_code_is_rarely_in_doubt() -> None:
    """The groups of the specification are worth their place: moves and branches need no second look."""
    ordinary = [
        0x00150004,
        0x02FFC063,
        0x28C02061,
        0x29C02061,
        0x4C000020,
        0x54000000,
        0x40000080,
        0x58000085,
    ]
    ordinary += [
        0x0C100820,
        0x0D000000,
        0x01010000,
        0x01149400,
        0x48000100,
        0x2B000000,
        0x70000000,
        0x2C000000,
    ]
    for ask_third in (False, True):
        first, second, third = SCAN.bits
        kinds = SCAN.kinds_of_three if ask_third else SCAN.kinds
        doubts = [
            hex(word)
            for word in ordinary
            if kinds[
                first[word >> 24] & second[word >> 16 & 255] & (third[word >> 8 & 255] if ask_third else 255)
            ]
            == 255
        ]
        assert doubts == ([] if ask_third else ["0x1149400", "0x48000100"])


def test_blocks_that_repeat() -> None:
    some, other = code_of([LASX, NOP]), code_of([NOP, LSX])
    assert list(word_kinds(SCAN, [some, some, other, some])) == [2, 0, 2, 0, 0, 1, 2, 0]


def test_places() -> None:
    assert places(b"\1\0\0\1\2\1", 1) == [0, 3, 5]
    assert places(b"\0\0", 1) == []
    assert places(b"", 1) == []


@pytest.mark.parametrize(
    ("word", "name"),
    [
        (0x700A0000, "lsx"),  # vadd.b
        (0x2C000000, "lsx"),  # vld
        (0x740A0000, "lasx"),  # xvadd.b
        (0x2C800000, "lasx"),  # xvld
        (0x38578000, "v1_1"),  # llacq.w
        (0x38580000, "v1_1"),  # amcas.b
        (0x385FFFFF, "v1_1"),
        (0x01147400, "v1_1"),  # frecipe.s
        (0x729D1400, "v1_1"),  # vfrecipe.s, inside the LSX block
        (0x769D1400, "v1_1"),  # xvfrecipe.s, inside the LASX block
        (0x00000800, "lbt"),
        (0x48000200, "lbt"),  # jiscr0
        (0x05000000, "lvz"),  # gcsrxchg
        (0x06482001, "lvz"),  # gtlbsrch, inside the privileged block
        (0x002B8000, "lvz"),  # hvcl
        (0x04000000, "privileged"),  # csrrd
        (0x06483800, "privileged"),  # ertn
        (0x38600000, ""),  # amswap.w of version 1.0
        (0x02800000, ""),  # addi.w
        (0x01008000, ""),  # fadd.s
        (0x0C100000, ""),  # fcmp.caf.s
        (0x2B000000, ""),  # fld.s
        (0x00006800, ""),  # rdtime.d
        (0x0C840864, ""),  # no instruction; between the blocks of xvfcmp
    ],
)
def test_known_words(word: int, name: str) -> None:
    kinds = word_kinds(SCAN, [code_of([NOP, word, NOP])])
    assert [SCAN.classes[kind - 1].name if kind else "" for kind in kinds] == ["", name, ""]


def test_counts_by_function() -> None:
    code = (("one", (LASX, NOP, LASX)), ("two", (LSX, LASX)), ("", (LASX,)))
    elf = read_elf(make_elf(Elf(code=code)), path="x")
    assert dict(elf.isa_totals) == {"lasx": 4, "lsx": 1}
    assert {(use.isa, use.function, use.count) for use in elf.isa} == {
        ("lasx", "one", 2),
        ("lasx", "two", 1),
        ("lasx", "", 1),
        ("lsx", "two", 1),
    }


def test_code_larger_than_a_block() -> None:
    words = tuple([NOP] * ((1 << 18) - 1) + [LASX, LASX] + [NOP] * 10 + [LASX])
    elf = read_elf(make_elf(Elf(code=(("f", words),))), path="x")
    (use,) = elf.isa
    assert (use.count, use.function) == (3, "f")
    assert elf.code_bytes == 4 * len(words)


def flow(*words: int, wanted: int, starts: tuple[int, ...] = (0,)) -> bool:
    spec = abi("loongarch64").flow
    return not off_path(spec, memoryview(code_of(list(words))), [wanted], starts)


def test_direct_paths() -> None:
    branch_to_3 = 0x58000000 | 3 << 10  # beq, three words on
    back_to_2 = 0x5C000000 | ((-2 & 0xFFFF) << 10)  # bne, two words back
    long_jump_to_3 = 0x50000000 | 3 << 10  # b, which is an unconditional jump and a branch
    assert flow(NOP, CSR, wanted=1)  # no jump before it
    assert not flow(RET, CSR, wanted=1)
    assert flow(RET, CSR, wanted=1, starts=(0, 1))  # a function begins there
    assert flow(branch_to_3, NOP, RET, CSR, wanted=3)
    assert not flow(branch_to_3, NOP, NOP, RET, CSR, wanted=4)  # the target is before the jump
    assert flow(RET, NOP, CSR, NOP, back_to_2, wanted=2)
    assert flow(long_jump_to_3, CSR, CSR, CSR, wanted=3)
    assert not flow(long_jump_to_3, CSR, CSR, CSR, wanted=1)


@pytest.mark.parametrize(
    ("file", "function", "names", "answer"),
    [
        ("a.so", "add_lasx", ("add_lasx",), True),
        ("a.so", "add_lasx", ("*_lasx",), True),
        ("a.so", "add", ("*_lasx",), False),
        ("a.so", "", ("*",), False),  # code without a name cannot be named
        ("lib/libblas.so.3", "", ("libblas.so*:*",), False),
        ("lib/libblas.so.3", "dot", ("libblas.so*:d*",), True),
        ("lib/libblas.so.3", "dot", ("libother.so*:*",), False),
        ("a.so", "add", (), False),
    ],
)
def test_what_a_recipe_names(file: str, function: str, names: tuple[str, ...], *, answer: bool) -> None:
    assert Dispatch(functions=names).is_named(file, function) is answer


def test_functions_that_overlap_and_gaps_between_them() -> None:
    """The symbol that starts last owns a word; what no symbol covers is told by section and offset."""
    code = (("outer", (LASX, LASX)), ("", (NOP, LASX)), ("after", (LASX,)))
    elf = read_elf(make_elf(Elf(code=code)), path="x")
    by_name = {use.function: use for use in elf.isa}
    assert {name: use.count for name, use in by_name.items()} == {"outer": 2, "": 1, "after": 1}
    assert by_name[""].place == ".text+0xc"
    assert by_name[""].first - by_name["outer"].first == 12
