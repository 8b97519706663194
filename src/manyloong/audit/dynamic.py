"""The dynamic section: what a loader will do with the file.

System V gABI, chapter 5; Linux Standard Base 5, symbol versioning.
"""

import sys
from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from manyloong.audit.cursor import FormatFault
from manyloong.audit.facts import ElfFacts, Symbol, VersionNeed
from manyloong.audit.image import PT_DYNAMIC, Image

_NEEDED, _PLTRELSZ, _HASH, _STRTAB, _SYMTAB, _RELA, _RELASZ, _STRSZ = 1, 2, 4, 5, 6, 7, 8, 10
_SONAME, _RPATH, _REL, _RELSZ, _PLTREL, _TEXTREL, _JMPREL, _RUNPATH, _FLAGS = (
    14,
    15,
    17,
    18,
    20,
    22,
    23,
    29,
    30,
)
_RELR, _GNU_HASH, _VERSYM = 36, 0x6FFFFEF5, 0x6FFFFFF0
_VERDEF, _VERDEFNUM, _VERNEED, _VERNEEDNUM = 0x6FFFFFFC, 0x6FFFFFFD, 0x6FFFFFFE, 0x6FFFFFFF
_FLAGS_1 = 0x6FFFFFFB
_DF_TEXTREL, _DF_1_PIE = 4, 1 << 27
_SHT_DYNSYM = 11
_SYMBOL = {64: "IBBHQQ", 32: "IIIBBH"}
_SYMBOL_SIZE = {64: 24, 32: 16}
_WEAK, _LOCAL = 2, 0
_VERSION_LIMIT = 1 << 16
_NO_SYMBOL = (0,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dynamic:
    """Tags and values of PT_DYNAMIC."""

    image: Image
    entries: tuple[tuple[int, int], ...]
    strings: tuple[int, int]  # offset and size

    def first(self, tag: int) -> int | None:
        """The value of the first entry with that tag."""
        return next((value for key, value in self.entries if key == tag), None)

    def offset(self, tag: int, what: str) -> int | None:
        """Where in the file the table lies whose address that tag holds."""
        address = self.first(tag)
        return None if address is None else self.image.offset_of(address, what)

    def text(self, index: int, what: str) -> str:
        """The name at an index of the string table."""
        start, size = self.strings
        if index < 0:
            raise FormatFault(f"{what} has a negative index")
        return self.image.cursor.name(start + index, start + size, what)

    def texts(self, tag: int, what: str) -> tuple[str, ...]:
        """The names of all entries with that tag."""
        return tuple(self.text(value, what) for key, value in self.entries if key == tag)


def read_dynamic(image: Image, facts: ElfFacts) -> ElfFacts:
    """The facts with everything the dynamic section says; unchanged where there is none."""
    dynamic = _dynamic(image)
    if dynamic is None:
        return facts
    split = tuple(part for text in dynamic.texts(_RUNPATH, "RUNPATH") for part in text.split(":"))
    facts = replace(
        facts,
        needed=dynamic.texts(_NEEDED, "DT_NEEDED"),
        soname=next(iter(dynamic.texts(_SONAME, "DT_SONAME")), ""),
        rpath=tuple(part for text in dynamic.texts(_RPATH, "RPATH") for part in text.split(":")),
        runpath=split,
        text_relocations=dynamic.first(_TEXTREL) is not None
        or bool((dynamic.first(_FLAGS) or 0) & _DF_TEXTREL),
        relr=dynamic.first(_RELR) is not None,
        program=bool((dynamic.first(_FLAGS_1) or 0) & _DF_1_PIE),
    )
    relocations, highest = _relocations(dynamic)
    facts = replace(facts, relocations=relocations)
    needs, names = _version_needs(dynamic)
    defined = _version_definitions(dynamic)
    facts = replace(facts, versions_needed=needs, versions_defined=defined)
    undefined, exported = _symbols(dynamic, highest=highest, names=names)
    return replace(facts, undefined=undefined, exported=exported)


def _dynamic(image: Image) -> Dynamic | None:
    part = next((one for one in image.segments if one.kind == PT_DYNAMIC), None)
    if part is None or not part.file_size:
        return None
    form, size = ("QQ", 16) if image.elf_class == 64 else ("II", 8)
    entries = []
    for tag, value in image.cursor.table(form, part.offset, part.file_size // size, "dynamic section"):
        if tag == 0:
            break
        entries.append((tag, value))
    bare = Dynamic(image=image, entries=tuple(entries), strings=(0, 0))
    start = bare.offset(_STRTAB, "string table")
    if start is None:
        return bare
    length = bare.first(_STRSZ) or 0
    image.cursor.check(start, length, "string table")
    return replace(bare, strings=(start, length))


def _relocations(dynamic: Dynamic) -> tuple[tuple[tuple[int, int], ...], int]:
    """Counts by type, and the highest symbol index a relocation names."""
    counts: Counter[int] = Counter()
    highest = 0
    plt_kind = dynamic.first(_PLTREL)
    for tag, size_tag, addend in (
        (_RELA, _RELASZ, True),
        (_REL, _RELSZ, False),
        (_JMPREL, _PLTRELSZ, plt_kind == _RELA),
    ):
        offset = dynamic.offset(tag, "relocations")
        if offset is None:
            continue
        kinds, symbols = _relocation_table(dynamic.image, offset, dynamic.first(size_tag) or 0, addend=addend)
        counts.update(kinds)
        highest = max(highest, symbols)
    return tuple(sorted(counts.items())), highest


def _relocation_table(image: Image, offset: int, size: int, *, addend: bool) -> tuple[Counter[int], int]:
    """Counts by type, and the highest symbol index of one table; read as 32-bit columns, which is fast."""
    wide = image.elf_class == 64
    words = (6 if addend else 4) if wide else (3 if addend else 2)
    count = size // (4 * words)
    image.cursor.check(offset, count * 4 * words, "relocations")
    with memoryview(image.cursor.buffer) as view, view[offset : offset + count * 4 * words] as part:
        column = array("I", bytes(part))
    if (sys.byteorder == "little") != image.little_endian:
        column.byteswap()
    if not wide:
        infos = column[1::words]
        return Counter(info & 0xFF for info in infos), max(infos, default=0) >> 8
    kinds, symbols = (2, 3) if image.little_endian else (3, 2)  # r_info is one 64-bit number
    return Counter(column[kinds::words]), max(column[symbols::words], default=0)


def _version_needs(dynamic: Dynamic) -> tuple[tuple[VersionNeed, ...], dict[int, VersionNeed]]:
    """Every needed version, and the same by the index that DT_VERSYM uses."""
    offset = dynamic.offset(_VERNEED, "version needs")
    cursor = dynamic.image.cursor
    found: list[VersionNeed] = []
    by_index: dict[int, VersionNeed] = {}
    for _ in range(dynamic.first(_VERNEEDNUM) or 0 if offset is not None else 0):
        assert offset is not None  # noqa: S101  narrowed by the range above
        _, count, file_name, first, step = cursor.unpack("HHIII", offset, "version need")
        library = dynamic.text(file_name, "needed library")
        entry = offset + first
        for _ in range(count):
            _, _, index, name, next_step = cursor.unpack("IHHII", entry, "version need")
            need = VersionNeed(library=library, version=dynamic.text(name, "needed version"))
            found.append(need)
            by_index[index & 0x7FFF] = need
            if len(found) > _VERSION_LIMIT:
                raise FormatFault("more than 65536 needed versions")
            if not next_step:
                break
            entry += next_step
        if not step:
            break
        offset += step
    return tuple(found), by_index


def _version_definitions(dynamic: Dynamic) -> tuple[str, ...]:
    offset = dynamic.offset(_VERDEF, "version definitions")
    found: list[str] = []
    if offset is None:
        return ()
    for _ in range(min(dynamic.first(_VERDEFNUM) or 0, _VERSION_LIMIT)):
        _, flags, _, _, _, first, step = dynamic.image.cursor.unpack("HHHHIII", offset, "version definition")
        name, _ = dynamic.image.cursor.unpack("II", offset + first, "version definition")
        if not flags & 1:  # VER_FLG_BASE is the file's own name
            found.append(dynamic.text(name, "defined version"))
        if not step:
            break
        offset += step
    return tuple(found)


def _symbol_count(dynamic: Dynamic, table: int, *, highest: int) -> int:
    """How many dynamic symbols there are; no tag says it, so the largest honest witness counts."""
    image, cursor = dynamic.image, dynamic.image.cursor
    count = highest + 1
    for one in image.sections:
        if one.kind == _SHT_DYNSYM and one.offset == table:
            count = max(count, one.size // _SYMBOL_SIZE[image.elf_class])
    offset = dynamic.offset(_HASH, "hash table")
    if offset is not None:
        count = max(count, cursor.unpack("II", offset, "hash table")[1])
    offset = dynamic.offset(_GNU_HASH, "GNU hash table")
    if offset is not None:
        count = max(count, _gnu_hash_count(dynamic, offset))
    return count


def _gnu_hash_count(dynamic: Dynamic, offset: int) -> int:
    cursor = dynamic.image.cursor
    buckets, base, bloom, _ = cursor.unpack("IIII", offset, "GNU hash table")
    start = offset + 16 + bloom * (dynamic.image.elf_class // 8)
    last = max(cursor.words(start, buckets, "GNU hash table"), default=0)
    if last < base:
        return base
    chain = start + 4 * buckets
    while not cursor.unpack("I", chain + 4 * (last - base), "GNU hash chain")[0] & 1:
        last += 1
    return last + 1


def _symbols(
    dynamic: Dynamic, *, highest: int, names: dict[int, VersionNeed]
) -> tuple[tuple[Symbol, ...], frozenset[str]]:
    image = dynamic.image
    table = dynamic.offset(_SYMTAB, "symbol table")
    if table is None:
        return (), frozenset()
    count = _symbol_count(dynamic, table, highest=highest)
    rows = image.cursor.rows(_SYMBOL[image.elf_class], table, count, "symbol table")
    info_at, section_at = (1, 3) if image.elf_class == 64 else (3, 5)
    versions = _symbol_versions(dynamic, count)
    undefined: list[Symbol] = []
    exported: set[str] = set()
    for number, row in enumerate(rows):
        name_index, info, section = row[0], row[info_at], row[section_at]
        if not name_index or info >> 4 == _LOCAL:
            continue
        name = dynamic.text(name_index, "symbol name")
        if section:
            exported.add(name)
            continue
        need = names.get(versions[number] & 0x7FFF) if versions else None
        undefined.append(
            Symbol(
                name=name,
                version=need.version if need else "",
                library=need.library if need else "",
                weak=info >> 4 == _WEAK,
            )
        )
    return tuple(undefined), frozenset(exported)


def _symbol_versions(dynamic: Dynamic, count: int) -> Sequence[int]:
    offset = dynamic.offset(_VERSYM, "symbol versions")
    if offset is None:
        return ()
    rows = dynamic.image.cursor.rows("H", offset, count, "symbol versions")
    return array("H", (value for (value,) in rows))
