"""Makes the smallest ELF files that show one thing; without a wish, a good loongarch64 shared library."""

from dataclasses import dataclass
from struct import pack

_TEXT = 0x1B0  # offset and address of the code: after the header and six program headers
_NOP = 0x03400000  # andi $zero, $zero, 0
_RET = 0x4C000020  # jirl $zero, $ra, 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Undefined:
    """An undefined symbol; with a version it comes from that library's version."""

    name: str
    version: str = ""
    library: str = ""
    weak: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Elf:
    """What the file shall say; the defaults pass every rule for manylinux_2_36_loongarch64."""

    elf_class: int = 64
    little_endian: bool = True
    machine: int = 258
    e_flags: int = 0x43
    file_type: int = 3
    align: int = 0x10000
    load_flags: int = 5
    stack_flags: int = 6
    interpreter: str = ""
    soname: str = ""
    needed: tuple[str, ...] = ("libc.so.6",)
    runpath: str = ""
    rpath: str = ""
    text_relocations: bool = False
    program: bool = False  # DF_1_PIE
    undefined: tuple[Undefined, ...] = (Undefined(name="malloc", version="GLIBC_2.36", library="libc.so.6"),)
    exported: tuple[str, ...] = ("PyInit_example",)
    relocations: tuple[tuple[int, int], ...] = ((3, 1), (5, 1))  # (type, count)
    abi_tag: tuple[int, int, int] | None = None
    comment: str = ""
    code: tuple[tuple[str, tuple[int, ...]], ...] = (("example", (_NOP, _RET)),)  # (function, words)


class _Strings:
    """A string table under construction; one text has one place."""

    def __init__(self) -> None:
        self.data = bytearray(b"\0")
        self.places: dict[str, int] = {"": 0}

    def add(self, text: str) -> int:
        """The index of the text."""
        if text not in self.places:
            self.places[text] = len(self.data)
            self.data += text.encode() + b"\0"
        return self.places[text]


@dataclass(slots=True, kw_only=True)
class _Section:
    name: str
    kind: int
    flags: int
    data: bytes
    align: int = 8
    link: str = ""
    entry: int = 0
    offset: int = 0


def make_elf(spec: Elf) -> bytes:
    """The bytes of the file. A 32-bit or big-endian file is its header alone."""
    if spec.elf_class != 64 or not spec.little_endian:
        return _header(spec, program_headers=0, sections_at=0, sections=0)
    strings, names = _Strings(), _Strings()
    sections = _sections(spec, strings)
    place = _TEXT
    for one in sections:
        one.offset = place = -(-place // one.align) * one.align
        place += len(one.data)
    dynamic = next(one for one in sections if one.name == ".dynamic")
    dynamic.data = _dynamic(spec, strings, {one.name: one for one in sections}).ljust(
        len(dynamic.data), b"\0"
    )
    for one in sections:
        names.add(one.name)
    names.add(".shstrtab")
    sections.append(
        _Section(name=".shstrtab", kind=3, flags=0, data=bytes(names.data), align=1, offset=place)
    )
    return _assemble(spec, sections, names)


def _header(spec: Elf, *, program_headers: int, sections_at: int, sections: int) -> bytes:
    order = "<" if spec.little_endian else ">"
    wide = spec.elf_class == 64
    ident = bytes((0x7F, 0x45, 0x4C, 0x46, 2 if wide else 1, 1 if spec.little_endian else 2, 1)).ljust(
        16, b"\0"
    )
    sizes = (64, 56, 64) if wide else (52, 32, 40)
    numbers = (
        spec.file_type,
        spec.machine,
        1,
        0,
        sizes[0] if program_headers else 0,
        sections_at,
        spec.e_flags,
    )
    tail = (sizes[0], sizes[1], program_headers, sizes[2], sections, max(sections - 1, 0))
    return ident + pack(order + ("HHIQQQIHHHHHH" if wide else "HHIIIIIHHHHHH"), *numbers, *tail)


def _needs(spec: Elf) -> dict[tuple[str, str], int]:
    """The version index of each (library, version), in order."""
    pairs = dict.fromkeys((one.library, one.version) for one in spec.undefined if one.version)
    return {pair: number for number, pair in enumerate(pairs, start=2)}


def _version_needs(spec: Elf, strings: _Strings) -> bytes:
    needs = _needs(spec)
    libraries = list(dict.fromkeys(library for library, _ in needs))
    data = b""
    for library in libraries:
        own = [(version, index) for (name, version), index in needs.items() if name == library]
        step = 0 if library == libraries[-1] else 16 + 16 * len(own)
        data += pack("<HHIII", 1, len(own), strings.add(library), 16, step)
        for number, (version, index) in enumerate(own, start=1):
            data += pack("<IHHII", 0, 0, index, strings.add(version), 16 if number < len(own) else 0)
    return data


def _symbols(spec: Elf, strings: _Strings) -> tuple[bytes, bytes]:
    needs = _needs(spec)
    symbols, versions = bytes(24), pack("<H", 0)
    for one in spec.undefined:
        symbols += pack("<IBBHQQ", strings.add(one.name), (2 if one.weak else 1) << 4, 0, 0, 0, 0)
        versions += pack("<H", needs.get((one.library, one.version), 1))
    for name in spec.exported:
        symbols += pack("<IBBHQQ", strings.add(name), 0x12, 0, 1, _TEXT, 4)
        versions += pack("<H", 1)
    return symbols, versions


def _code(spec: Elf) -> tuple[bytes, bytes, bytes]:
    text, table, names = b"", bytes(24), _Strings()
    for function, words in spec.code:
        if function:
            table += pack("<IBBHQQ", names.add(function), 0x12, 0, 1, _TEXT + len(text), 4 * len(words))
        text += pack(f"<{len(words)}I", *words)
    return text, table, bytes(names.data)


def _sections(spec: Elf, strings: _Strings) -> list[_Section]:
    text, functions, function_names = _code(spec)
    symbols, versions = _symbols(spec, strings)
    needs = _version_needs(spec, strings)
    index = 1 << 32 if spec.undefined else 0
    relocations = [pack("<QQq", 0, kind | index, 0) * count for kind, count in spec.relocations]
    note = pack("<III4sIIII", 4, 16, 1, b"GNU\0", 0, *spec.abi_tag) if spec.abi_tag else b""
    for name in (*spec.needed, spec.soname, spec.runpath, spec.rpath):
        strings.add(name)
    found = [
        _Section(name=".text", kind=1, flags=6, data=text, align=4),
        _Section(name=".interp", kind=1, flags=2, data=f"{spec.interpreter}\0".encode(), align=1),
        _Section(name=".note.ABI-tag", kind=7, flags=2, data=note, align=4),
        _Section(name=".dynsym", kind=11, flags=2, data=symbols, link=".dynstr", entry=24),
        _Section(name=".gnu.version", kind=0x6FFFFFFF, flags=2, data=versions, link=".dynsym", entry=2),
        _Section(name=".gnu.version_r", kind=0x6FFFFFFE, flags=2, data=needs, link=".dynstr"),
        _Section(name=".rela.dyn", kind=4, flags=2, data=b"".join(relocations), link=".dynsym", entry=24),
        _Section(name=".dynstr", kind=3, flags=2, data=bytes(strings.data), align=1),
        _Section(
            name=".dynamic",
            kind=6,
            flags=3,
            data=bytes(16 * (len(spec.needed) + 14 + spec.program)),
            link=".dynstr",
            entry=16,
        ),
        _Section(name=".symtab", kind=2, flags=0, data=functions, link=".strtab", entry=24),
        _Section(name=".strtab", kind=3, flags=0, data=function_names, align=1),
        _Section(name=".comment", kind=1, flags=0, data=f"{spec.comment}\0".encode(), align=1),
    ]
    absent = {".interp": not spec.interpreter, ".note.ABI-tag": not note, ".comment": not spec.comment}
    return [one for one in found if not absent.get(one.name)]


def _dynamic(spec: Elf, strings: _Strings, sections: dict[str, _Section]) -> bytes:
    needs = len({library for library, _ in _needs(spec)})
    entries = [(1, strings.add(name)) for name in spec.needed]
    for tag, text in ((14, spec.soname), (15, spec.rpath), (29, spec.runpath)):
        entries += [(tag, strings.add(text))] * bool(text)
    entries += [
        (5, sections[".dynstr"].offset),
        (10, len(sections[".dynstr"].data)),
        (6, sections[".dynsym"].offset),
        (11, 24),
        (0x6FFFFFF0, sections[".gnu.version"].offset),
    ]
    if needs:
        entries += [(0x6FFFFFFE, sections[".gnu.version_r"].offset), (0x6FFFFFFF, needs)]
    if spec.relocations:
        entries += [(7, sections[".rela.dyn"].offset), (8, len(sections[".rela.dyn"].data)), (9, 24)]
    entries += [(22, 0)] * spec.text_relocations + [(0x6FFFFFFB, 1 << 27)] * spec.program
    return b"".join(pack("<QQ", tag, value) for tag, value in entries)


def _assemble(spec: Elf, sections: list[_Section], names: _Strings) -> bytes:
    body = bytearray()
    order = [one.name for one in sections]
    table = bytes(64)
    for one in sections:
        body = body.ljust(one.offset - _TEXT, b"\0") + one.data
        link = order.index(one.link) + 1 if one.link else 0
        address = one.offset if one.flags & 2 else 0
        numbers = (names.add(one.name), one.kind, one.flags, address, one.offset, len(one.data), link)
        table += pack("<IIQQQQIIQQ", *numbers, 0, one.align, one.entry)
    sections_at = -(-(_TEXT + len(body)) // 8) * 8
    size = sections_at + len(table)
    programs = [(1, spec.load_flags, 0, size, spec.align), (0x6474E551, spec.stack_flags, 0, 0, 16)]
    kinds = {".dynamic": 2, ".interp": 3, ".note.ABI-tag": 4}
    programs += [(kinds[one.name], 4, one.offset, len(one.data), 8) for one in sections if one.name in kinds]
    head = _header(spec, program_headers=len(programs), sections_at=sections_at, sections=len(sections) + 1)
    for kind, flags, offset, length, align in programs:
        head += pack("<IIQQQQQQ", kind, flags, offset, offset, offset, length, length, align)
    return head.ljust(_TEXT, b"\0") + bytes(body).ljust(sections_at - _TEXT, b"\0") + table
