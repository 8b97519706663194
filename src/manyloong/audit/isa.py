"""Counts instructions by class and function, at memory speed.

A word's upper half decides its class for nearly all masks, so a table of 65,536 entries does the work and
the few ambiguous words are compared in full. Measured in docs/decisions/0031-instruction-scan.md. The masks
are data: targets/spec/ARCHITECTURE.toml.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

from manyloong.audit.facts import ElfFacts, IsaUse
from manyloong.audit.flow import on_direct_path
from manyloong.audit.image import PF_X, PT_LOAD, SHF_EXECINSTR, SHT_NOBITS, Image
from manyloong.targets import IsaClass, abi, judged_targets
from manyloong.targets.abi import Flow

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

_WORD = 4  # bytes of an instruction; psABI and LoongArch reference manual
_BLOCK = 1 << 18  # words looked at in one step: the temporaries stay in the cache
_AMBIGUOUS = 255
_IN_DATA = 128
DISPATCHABLE = frozenset({"ML070", "ML071"})  # code that may be chosen at run time
DATA = " in data"  # behind the name of a class: words of it that no direct path reaches
_STT_FUNC, _SHT_SYMTAB, _SHT_DYNSYM = 2, 2, 11


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scanner:
    """The lookup of one architecture's instruction classes."""

    flow: Flow
    never: NDArray[np.uint8]  # numbers of the classes that no wheel has a reason to use
    classes: tuple[IsaClass, ...]
    table: NDArray[np.uint8]  # by upper half-word: 0 none, N class N-1, 255 look at the whole word


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Functions:
    """Function symbols by address; arrays of equal length."""

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    names: NDArray[np.int64]  # file offsets
    names_end: int


@cache
def scanner(architecture: str) -> Scanner:
    """The lookup table of an architecture, made from its masks."""
    import numpy as np  # noqa: PLC0415  100 ms that only wheels with scannable code should pay

    spec = abi(architecture)
    classes = spec.isa
    table = np.zeros(1 << 16, np.uint8)
    high = np.arange(1 << 16, dtype=np.uint32)
    for number, one in enumerate(classes, start=1):
        for mask, match in one.masks:
            hit = (high & (mask >> 16)) == match >> 16
            table[hit] = _AMBIGUOUS if mask & 0xFFFF else number
        for first, end in one.ranges:
            table[first >> 16 : end >> 16] = number
    never = [number for number, one in enumerate(classes, start=1) if one.rule not in {"", *DISPATCHABLE}]
    return Scanner(flow=spec.flow, never=np.array(never, np.uint8), classes=classes, table=table)


def classify(scan: Scanner, words: NDArray[np.uint32]) -> NDArray[np.uint8]:
    """The class number of each word by the masks alone: slow and plain; the table must agree with it."""
    import numpy as np  # noqa: PLC0415

    kinds = np.zeros(len(words), np.uint8)
    for number, one in enumerate(scan.classes, start=1):
        for mask, match in one.masks:
            kinds[(words & np.uint32(mask)) == match] = number
        for first, end in one.ranges:
            kinds[(words >= first) & (words < end)] = number
    return kinds


def find_classes(scan: Scanner, words: NDArray[np.uint32]) -> tuple[NDArray[np.intp], NDArray[np.uint8]]:
    """Indices of the words that belong to a class, and the class number of each."""
    import numpy as np  # noqa: PLC0415

    kinds = scan.table.take(words.view("<u2")[1::2])
    where = np.flatnonzero(kinds)
    kinds = kinds[where]
    doubt = np.flatnonzero(kinds == _AMBIGUOUS)
    if len(doubt):
        kinds[doubt] = classify(scan, words[where[doubt]])
        keep = kinds != 0
        where, kinds = where[keep], kinds[keep]
    return where, kinds


def read_code(image: Image, facts: ElfFacts) -> ElfFacts:
    """The facts with instruction counts, for architectures whose masks are known; unchanged for others."""
    name = _architecture(image)
    ranges = tuple(_code_ranges(image))
    size = sum(length for _, _, length in ranges)
    if name is None or not size:
        return replace(facts, code_bytes=size)
    scan = scanner(name)
    functions = _functions(image)
    counts: dict[tuple[int, int], list[int]] = {}
    for offset, address, length in ranges:
        _count(image, (offset, address, length), scan, functions, counts)
    return replace(
        facts, code_bytes=size, isa_totals=_totals(counts, scan), isa=_uses(image, functions, counts, scan)
    )


def _architecture(image: Image) -> str | None:
    for row in judged_targets():
        arch = row.architecture
        if (image.machine, image.elf_class, image.little_endian) == (
            arch.elf_machine,
            arch.elf_class,
            arch.little_endian,
        ):
            return arch.name
    return None


def _code_ranges(image: Image) -> Iterator[tuple[int, int, int]]:
    """(offset, address, bytes) of executable sections; of executable segments where there are no sections."""
    found = False
    for one in image.sections:
        if one.flags & SHF_EXECINSTR and one.kind != SHT_NOBITS and one.size >= _WORD:
            image.cursor.check(one.offset, one.size, f"section {one.name}")
            found = True
            yield one.offset, one.address, one.size & ~3
    for part in image.segments if not found else ():
        if part.kind == PT_LOAD and part.flags & PF_X and part.file_size >= _WORD:
            yield part.offset, part.vaddr, part.file_size & ~3


def _count(
    image: Image,
    part: tuple[int, int, int],
    scan: Scanner,
    functions: _Functions,
    counts: dict[tuple[int, int], list[int]],
) -> None:
    """Add to ``counts``: (function number or -1, class number) to [instructions, first address]."""
    import numpy as np  # noqa: PLC0415

    offset, address, length = part
    words = np.frombuffer(image.cursor.buffer, "<u4", length // 4, offset)
    base = address & 0x7FFFFFFFFFFFFFFF
    for start in range(0, len(words), _BLOCK):
        where, kinds = find_classes(scan, words[start : start + _BLOCK])
        if not len(where):
            continue
        places = (where + start).astype(np.int64) * 4 + np.int64(base)
        kinds = _without_data(scan, words, where + start, kinds, functions.starts // 4 - base // 4)
        key = _owners(functions, places) * 256 + kinds
        unique, first, number = np.unique(key, return_index=True, return_counts=True)
        for value, index, count in zip(unique.tolist(), first.tolist(), number.tolist(), strict=True):
            entry = counts.setdefault(divmod(value, 256), [0, int(places[index])])
            entry[0] += count


def _without_data(
    scan: Scanner,
    words: NDArray[np.uint32],
    where: NDArray[np.intp],
    kinds: NDArray[np.uint8],
    starts: NDArray[np.int64],
) -> NDArray[np.uint8]:
    """The class numbers, plus ``_IN_DATA`` for words of forbidden classes that are not on a direct path."""
    import numpy as np  # noqa: PLC0415

    doubt = np.flatnonzero(np.isin(kinds, scan.never))
    if len(doubt):
        reached = on_direct_path(scan.flow, words, where[doubt], starts)
        kinds[doubt[~reached]] += _IN_DATA
    return kinds


def _class_name(scan: Scanner, kind: int) -> str:
    return scan.classes[kind % _IN_DATA - 1].name + (DATA if kind >= _IN_DATA else "")


def _owners(functions: _Functions, places: NDArray[np.int64]) -> NDArray[np.int64]:
    """The number of the function each address lies in, -1 for none."""
    import numpy as np  # noqa: PLC0415

    owners = np.searchsorted(functions.starts, places, "right").astype(np.int64) - 1
    if len(functions.starts):
        owners[places >= functions.ends[np.maximum(owners, 0)]] = -1
    return owners


def _totals(counts: dict[tuple[int, int], list[int]], scan: Scanner) -> tuple[tuple[str, int], ...]:
    totals: dict[str, int] = {}
    for (_, kind), (number, _) in counts.items():
        name = _class_name(scan, kind)
        totals[name] = totals.get(name, 0) + number
    return tuple(sorted(totals.items()))


def _uses(
    image: Image, functions: _Functions, counts: dict[tuple[int, int], list[int]], scan: Scanner
) -> tuple[IsaUse, ...]:
    def name(number: int) -> str:
        if number < 0:
            return ""
        return image.cursor.name(int(functions.names[number]), functions.names_end, "function name")

    uses = [
        IsaUse(isa=_class_name(scan, kind), function=name(owner), count=number, first=first)
        for (owner, kind), (number, first) in counts.items()
    ]
    return tuple(sorted(uses, key=lambda use: (use.isa, -use.count, use.first)))


def _functions(image: Image) -> _Functions:
    """Function symbols of .symtab when there, else .dynsym."""
    import numpy as np  # noqa: PLC0415

    none = np.zeros(0, np.int64)
    tables = {one.kind: one for one in image.sections if one.kind in {_SHT_SYMTAB, _SHT_DYNSYM}}
    table = tables.get(_SHT_SYMTAB, tables.get(_SHT_DYNSYM))
    if table is None or table.link >= len(image.sections):
        return _Functions(starts=none, ends=none, names=none, names_end=0)
    image.cursor.check(table.offset, table.size, "symbol table")
    form = [
        ("name", "<u4"),
        ("info", "u1"),
        ("other", "u1"),
        ("section", "<u2"),
        ("value", "<u8"),
        ("size", "<u8"),
    ]
    layout = np.dtype(form)
    rows = np.frombuffer(image.cursor.buffer, layout, table.size // layout.itemsize, table.offset)
    rows = rows[(rows["info"] & 15 == _STT_FUNC) & (rows["section"] != 0) & (rows["size"] != 0)]
    rows = rows[np.argsort(rows["value"], kind="stable")]
    strings = image.sections[table.link]
    image.cursor.check(strings.offset, strings.size, "symbol names")
    starts = rows["value"].astype(np.int64)
    return _Functions(
        starts=starts,
        ends=starts + rows["size"].astype(np.int64),
        names=rows["name"].astype(np.int64) + strings.offset,
        names_end=strings.offset + strings.size,
    )
