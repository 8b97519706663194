"""The instruction scan: the fast lookup against the masks, functions, jump tables, large code."""

import numpy as np
import pytest

from manyloong.audit.elf import read_elf
from manyloong.audit.flow import on_direct_path
from manyloong.audit.isa import classify, find_classes, scanner
from manyloong.audit.rules_isa import is_dispatched
from manyloong.corpus import Elf, make_elf
from manyloong.targets import abi

NOP, RET, LASX, LSX, CSR = 0x03400000, 0x4C000020, 0x740A0000, 0x700A0000, 0x04000000
SCAN = scanner("loongarch64")


def test_the_lookup_says_what_the_masks_say() -> None:
    """Every upper half-word, with lower halves that matter to the masks and others."""
    rng = np.random.default_rng(20)
    high = np.repeat(np.arange(1 << 16, dtype=np.uint32) << 16, 24)
    matches = [match & 0xFFFF for one in SCAN.classes for _, match in one.masks]
    lows = np.concatenate([rng.integers(0, 1 << 16, len(high) // 2), rng.choice(matches, len(high) // 2)])
    words = (high | rng.permutation(lows).astype(np.uint32)).astype("<u4")
    plain = classify(SCAN, words)
    where, kinds = find_classes(SCAN, words)
    assert np.array_equal(where, np.flatnonzero(plain))
    assert np.array_equal(kinds, plain[where])
    assert set(np.unique(plain)) == set(range(len(SCAN.classes) + 1))


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
    where, kinds = find_classes(SCAN, np.array([NOP, word, NOP], "<u4"))
    found = [SCAN.classes[kind - 1].name for kind in kinds.tolist()]
    assert (where.tolist(), found) == (([1], [name]) if name else ([], []))


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
    array = np.array(words, "<u4")
    return bool(on_direct_path(spec, array, np.array([wanted]), np.array(starts, np.int64))[0])


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
        ("a.so", "add_lasx", {"add_lasx"}, True),
        ("a.so", "add_lasx", {"*_lasx"}, True),
        ("a.so", "add", {"*_lasx"}, False),
        ("a.so", "", {"*"}, False),  # code without a name needs its file's
        ("lib/libblas.so.3", "", {"libblas.so*:*"}, True),
        ("lib/libblas.so.3", "", {"libother.so*:*"}, False),
        ("a.so", "add", set(), False),
    ],
)
def test_what_a_recipe_names(file: str, function: str, names: set[str], *, answer: bool) -> None:
    assert is_dispatched(file, function, frozenset(names)) is answer
