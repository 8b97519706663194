"""The frame of an ELF file: header, program headers, section headers. System V gABI, chapters 4 and 5."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from manyloong.audit.cursor import Buffer, Cursor, FormatFault
from manyloong.audit.facts import Segment

MAGIC = b"\x7fELF"
_HEADER = {64: "HHIQQQIHHHHHH", 32: "HHIIIIIHHHHHH"}
_PROGRAM = {64: "IIQQQQQQ", 32: "IIIIIIII"}
_SECTION = {64: "IIQQQQIIQQ", 32: "IIIIIIIIII"}
_LIMIT = 1 << 16  # program or section headers
PT_LOAD, PT_DYNAMIC, PT_INTERP, PT_NOTE, PT_GNU_STACK = 1, 2, 3, 4, 0x6474E551
PF_X, PF_W = 1, 2
SHT_NOBITS, SHF_EXECINSTR = 8, 4
_PN_XNUM = 0xFFFF


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One section header."""

    name: str
    kind: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    entry_size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A file whose header and tables were read."""

    cursor: Cursor
    elf_class: int
    little_endian: bool
    machine: int
    e_flags: int
    file_type: int
    head: tuple[int, ...]  # the numbers after e_ident
    segments: tuple[Segment, ...] = ()
    sections: tuple[Section, ...] = ()

    def offset_of(self, address: int, what: str) -> int:
        """Where in the file an address of the loaded image lies."""
        for one in self.segments:
            if one.kind == PT_LOAD and one.vaddr <= address < one.vaddr + one.file_size:
                return address - one.vaddr + one.offset
        raise FormatFault(f"{what} at address {address:#x} is in no loaded segment")

    def section(self, name: str) -> Section | None:
        """The first section of that name."""
        return next((one for one in self.sections if one.name == name), None)


def open_header(buffer: Buffer) -> Image:
    """The header alone: class, byte order, machine, flags; its tables are empty."""
    if len(buffer) < 16 or bytes(buffer[:4]) != MAGIC:
        raise FormatFault("not an ELF file" if len(buffer) else "the file is empty")
    elf_class = {1: 32, 2: 64}.get(buffer[4])
    little_endian = {1: True, 2: False}.get(buffer[5])
    if elf_class is None or little_endian is None:
        raise FormatFault(f"ELF class {buffer[4]} and byte order {buffer[5]} do not exist")
    cursor = Cursor(buffer, little_endian=little_endian)
    head = cursor.unpack(_HEADER[elf_class], 16, "ELF header")
    return Image(
        cursor=cursor,
        elf_class=elf_class,
        little_endian=little_endian,
        file_type=head[0],
        machine=head[1],
        e_flags=head[6],
        head=head,
    )


def open_tables(image: Image) -> Image:
    """The same with program and section headers, each inside the file."""
    return replace(image, segments=_segments(image), sections=_sections(image))


def _segments(image: Image) -> tuple[Segment, ...]:
    cursor, elf_class, offset, count = image.cursor, image.elf_class, image.head[4], image.head[9]
    if count == _PN_XNUM:
        raise FormatFault("more than 65534 program headers")
    rows = cursor.table(_PROGRAM[elf_class], offset, count, "program headers")
    if elf_class == 32:
        rows = [(k, flags, off, va, pa, fs, ms, al) for k, off, va, pa, fs, ms, flags, al in rows]
    found = tuple(
        Segment(kind=k, flags=f, offset=off, vaddr=va, file_size=fs, memory_size=ms, align=al)
        for k, f, off, va, _, fs, ms, al in rows
    )
    for one in found:
        if one.kind in {PT_LOAD, PT_DYNAMIC, PT_INTERP, PT_NOTE} and one.file_size:
            cursor.check(one.offset, one.file_size, "segment")
    return found


def _sections(image: Image) -> tuple[Section, ...]:
    cursor, head = image.cursor, image.head
    offset, count, names_index = head[5], head[11], head[12]
    if not offset or not count:
        return ()
    if count > _LIMIT:
        raise FormatFault(f"{count} section headers")
    rows = cursor.table(_SECTION[image.elf_class], offset, count, "section headers")
    name = _section_namer(cursor, rows, names_index)
    return tuple(
        Section(
            name=name(row[0]),
            kind=row[1],
            flags=row[2],
            address=row[3],
            offset=row[4],
            size=row[5],
            link=row[6],
            entry_size=row[9],
        )
        for row in rows
    )


def _section_namer(cursor: Cursor, rows: list[tuple[int, ...]], index: int) -> Callable[[int], str]:
    if index >= len(rows):
        raise FormatFault(f"section names are in section {index}, which does not exist")
    if not rows[index][5]:
        return lambda _: ""
    return cursor.namer(rows[index][4], rows[index][5], "section names")
