"""Signs of a C library inside a shared library: its inner names, and code that only a C library has.

What the signs are is data: targets/spec/own_libc.toml. A file that asks for a C library is not looked
through: its dynamic symbols are read anyway, and they are enough there.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from manyloong.audit.facts import ElfFacts
from manyloong.audit.flow import off_path
from manyloong.audit.functions import Functions, read_functions
from manyloong.audit.image import SHF_EXECINSTR, SHT_NOBITS, Image, Section
from manyloong.audit.words import places
from manyloong.targets import OwnLibc, abi, judged_targets, own_libc

_ET_DYN, _SHT_SYMTAB = 3, 2
_SYMBOL, _SYMBOL_SIZE = "IBBHQQ", 24
_BLOCK = 1 << 18  # bytes looked at in one step
_HITS = 1 << 12  # places of one section; an honest C library has its first within these


def read_libc(image: Image, facts: ElfFacts) -> ElfFacts:
    """The facts with the signs of a C library; unchanged for programs, which may be linked as they like."""
    name = _architecture(image)
    if name is None or facts.file_type != _ET_DYN or facts.interpreter or facts.program:
        return facts
    marks = own_libc(name)
    names = facts.exported & marks.names
    if any(one.startswith(marks.libraries) for one in facts.needed):
        return replace(facts, libc_names=tuple(sorted(names)))
    names |= _defined(image, marks)
    return replace(facts, libc_names=tuple(sorted(names)), libc_code=_code(image, marks, name))


def _architecture(image: Image) -> str | None:
    kind = (image.machine, image.elf_class, image.little_endian)
    for row in judged_targets():
        arch = row.architecture
        if kind == (arch.elf_machine, arch.elf_class, arch.little_endian):
            return arch.name
    return None


def _defined(image: Image, marks: OwnLibc) -> frozenset[str]:
    """Those of the names that the file's own symbol table defines, local and hidden ones too."""
    table = next((one for one in image.sections if one.kind == _SHT_SYMTAB), None)
    if table is None or table.link >= len(image.sections) or image.elf_class != 64:
        return frozenset()
    strings = image.sections[table.link]
    raw = image.cursor.raw(strings.offset, strings.size, "symbol names")
    found = {place: name for name in marks.names for place in _ends(raw, name.encode() + b"\0")}
    if not found:
        return frozenset()
    rows = image.cursor.rows(_SYMBOL, table.offset, table.size // _SYMBOL_SIZE, "symbol table")
    return frozenset(found[row[0]] for row in rows if row[3] and row[0] in found)


def _ends(raw: bytes, name: bytes) -> Iterator[int]:
    """Where a name stands, also as the end of another: linkers let names share their ends."""
    place = raw.find(name)
    while place >= 0:
        yield place
        place = raw.find(name, place + 1)


def _code(image: Image, marks: OwnLibc, architecture: str) -> tuple[int, ...]:
    """Addresses of the first call of the kernel and of the first use of the thread's record; both or none."""
    functions = read_functions(image)
    firsts: dict[int, int] = {}
    for one in image.sections:
        if not one.flags & SHF_EXECINSTR or one.kind == SHT_NOBITS:
            continue
        image.cursor.check(one.offset, one.size, f"section {one.name}")
        for number, some in enumerate((marks.kernel, marks.thread)):
            if number not in firsts:
                for place in _on_path(image, one, functions, some, architecture)[:1]:
                    firsts[number] = one.address + 4 * place
    return (firsts[0], firsts[1]) if len(firsts) == 2 else ()


def _on_path(
    image: Image, section: Section, functions: Functions, masks: Sequence[tuple[int, int]], architecture: str
) -> list[int]:
    """The first words of a section that fit a mask and that run."""
    size = section.size & ~3
    with memoryview(image.cursor.buffer) as view, view[section.offset : section.offset + size] as part:
        hits = [place for _, place in zip(range(_HITS), _fitting(part, masks), strict=False)]
        starts = [first for _, first, _ in functions.parts(section.address, size // 4)]
        data = off_path(abi(architecture).flow, part, hits, starts) if hits else frozenset()
    return [place for place in hits if place not in data]


def _fitting(code: memoryview, masks: Sequence[tuple[int, int]]) -> Iterator[int]:
    """The index of each word that one of at most eight masks fits: a bit of a byte stands for each mask."""
    tables = [
        bytes(
            sum(
                (byte & mask >> shift & 255 == match >> shift & 255) << bit
                for bit, (mask, match) in enumerate(masks)
            )
            for byte in range(256)
        )
        for shift in (0, 8, 16, 24)
    ]
    for start in range(0, len(code), _BLOCK):
        block = bytes(code[start : start + _BLOCK])
        both = -1
        for number, table in enumerate(tables):
            both &= int.from_bytes(block[number::4].translate(table), "little")
        flags = both.to_bytes(len(block) // 4, "little").translate(_ANY)
        for place in places(flags, 1):
            yield start // 4 + place


_ANY = b"\0" + b"\1" * 255
