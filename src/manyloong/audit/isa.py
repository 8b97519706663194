"""Counts instructions by class and function. The masks are data: targets/spec/ARCHITECTURE.toml."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from manyloong.audit.facts import ElfFacts, IsaUse
from manyloong.audit.flow import off_path
from manyloong.audit.functions import Functions, read_functions
from manyloong.audit.image import PF_X, PT_LOAD, SHF_EXECINSTR, SHT_NOBITS, Image
from manyloong.audit.words import WORD, Scanner, places, scanner, word_kinds
from manyloong.targets import judged_targets

_BLOCK = 1 << 18  # bytes looked at in one step: the temporaries stay in the cache
_IN_DATA = 128
DATA = " in data"  # behind the name of a class: words of it that no direct path reaches


@dataclass(frozen=True, slots=True, kw_only=True)
class _Code:
    """One executable section, or segment where there are no sections; sizes in bytes."""

    name: str
    offset: int
    address: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Uses:
    """(section, function number or -1, class number) to [instructions, first address]."""

    counts: dict[tuple[str, int, int], list[int]] = field(default_factory=dict)

    def add(self, key: tuple[str, int, int], count: int, first: int) -> None:
        """Count more of the same; the first address of all stays."""
        entry = self.counts.setdefault(key, [0, first])
        entry[0] += count


def read_code(image: Image, facts: ElfFacts) -> ElfFacts:
    """The facts with instruction counts, for architectures whose masks are known; unchanged for others."""
    name = _architecture(image)
    codes = tuple(_codes(image))
    facts = replace(facts, code_bytes=sum(one.size for one in codes))
    if name is None:
        return facts
    scan, uses, functions = scanner(name), _Uses(), None
    for code in codes:
        kinds = word_kinds(scan, _blocks(image, code))
        if kinds.count(0) == len(kinds):
            continue
        functions = functions or read_functions(image)
        _spread(code, _without_data(image, code, scan, kinds, functions), functions, uses)
    if functions is None:
        return facts
    return replace(facts, isa_totals=_totals(uses, scan), isa=_named(image, functions, uses, scan))


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


def _codes(image: Image) -> Iterator[_Code]:
    found = False
    for one in image.sections:
        if one.flags & SHF_EXECINSTR and one.kind != SHT_NOBITS and one.size >= WORD.size:
            image.cursor.check(one.offset, one.size, f"section {one.name}")
            found = True
            yield _Code(name=one.name, offset=one.offset, address=one.address, size=one.size & ~3)
    for part in image.segments if not found else ():
        if part.kind == PT_LOAD and part.flags & PF_X and part.file_size >= WORD.size:
            yield _Code(name="", offset=part.offset, address=part.vaddr, size=part.file_size & ~3)


def _blocks(image: Image, code: _Code) -> Iterator[bytes]:
    end = code.offset + code.size
    for place in range(code.offset, end, _BLOCK):
        yield bytes(image.cursor.buffer[place : min(place + _BLOCK, end)])


def _without_data(
    image: Image, code: _Code, scan: Scanner, kinds: bytes, functions: Functions
) -> bytes | bytearray:
    """The class numbers, plus ``_IN_DATA`` for words of forbidden classes that are not on a direct path."""
    wanted = sorted(place for number in scan.never for place in places(kinds, number))
    if not wanted:
        return kinds
    starts = [first for _, first, _ in functions.parts(code.address, len(kinds))]
    with memoryview(image.cursor.buffer) as view, view[code.offset : code.offset + code.size] as part:
        data = off_path(scan.flow, part, wanted, starts)
    found = bytearray(kinds)
    for place in data:
        found[place] += _IN_DATA
    return found


def _spread(code: _Code, kinds: bytes | bytearray, functions: Functions, uses: _Uses) -> None:
    """Add what the words of one section are to the functions they lie in."""
    parts = tuple(functions.parts(code.address, len(kinds)))
    for kind in sorted(set(kinds.translate(None, b"\0"))):
        left = kinds.count(kind)
        for number, first, end in parts:
            count = kinds.count(kind, first, end)
            if count:
                address = code.address + 4 * kinds.find(kind, first, end)
                uses.add((code.name, number, kind), count, address)
                left -= count
        if left:
            first = _first_outside(kinds, kind, parts)
            uses.add((code.name, -1, kind), left, code.address + 4 * first)


def _first_outside(kinds: bytes | bytearray, kind: int, parts: tuple[tuple[int, int, int], ...]) -> int:
    """The first word of a class that lies in no function; there is one."""
    place = 0
    for _, first, end in parts:
        found = kinds.find(kind, place, first)
        if found >= 0:
            return found
        place = end
    return kinds.find(kind, place)


def _class_name(scan: Scanner, kind: int) -> str:
    return scan.classes[kind % _IN_DATA - 1].name + (DATA if kind >= _IN_DATA else "")


def _totals(uses: _Uses, scan: Scanner) -> tuple[tuple[str, int], ...]:
    totals: dict[str, int] = {}
    for (_, _, kind), (number, _) in uses.counts.items():
        name = _class_name(scan, kind)
        totals[name] = totals.get(name, 0) + number
    return tuple(sorted(totals.items()))


def _named(image: Image, functions: Functions, uses: _Uses, scan: Scanner) -> tuple[IsaUse, ...]:
    def name(number: int) -> str:
        if number < 0:
            return ""
        return image.cursor.name(functions.names[number], functions.names_end, "function name")

    starts = {one.name: one.address for one in reversed(image.sections)}
    found = [
        IsaUse(
            isa=_class_name(scan, kind),
            function=name(owner),
            place=f"{section or 'segment'}+{first - starts.get(section, 0):#x}",
            count=number,
            first=first,
        )
        for (section, owner, kind), (number, first) in uses.counts.items()
    ]
    return tuple(sorted(found, key=lambda use: (use.isa, -use.count, use.first)))
