"""Reads one ELF file into facts.

Formats: System V gABI chapters 4 and 5; Linux Standard Base 5, symbol versioning. The dynamic section is what
a loader sees, so it is read through the segments; section headers are used only for what has no other place.
"""

from dataclasses import replace

from manyloong.audit.cursor import Buffer, FormatFault
from manyloong.audit.dynamic import read_dynamic
from manyloong.audit.facts import ElfFacts
from manyloong.audit.image import PT_INTERP, Image, open_header, open_tables
from manyloong.audit.isa import read_code
from manyloong.audit.libc import read_libc
from manyloong.audit.notes import abi_tag_and_build_id, producers


def read_elf(buffer: Buffer, *, path: str) -> ElfFacts:
    """The facts of one ELF file; a fault in it is told in ``problem``, beside what could be read."""
    facts = ElfFacts(path=path, size_bytes=len(buffer))
    try:
        image = open_header(buffer)
        facts = _with_header(image, facts)
        image = open_tables(image)
    except FormatFault as fault:
        return replace(facts, problem=str(fault))
    facts = replace(facts, segments=image.segments)
    problems = []
    for read in (_read_plain, read_dynamic, read_code, read_libc):
        try:
            facts = read(image, facts)
        except FormatFault as fault:
            problems.append(str(fault))
    return replace(facts, problem="; ".join(problems))


def _with_header(image: Image, facts: ElfFacts) -> ElfFacts:
    return replace(
        facts,
        elf_class=image.elf_class,
        little_endian=image.little_endian,
        machine=image.machine,
        e_flags=image.e_flags,
        file_type=image.file_type,
    )


def _read_plain(image: Image, facts: ElfFacts) -> ElfFacts:
    """Interpreter, notes, compilers: what needs no dynamic section."""
    interpreter = ""
    for one in image.segments:
        if one.kind == PT_INTERP:
            interpreter = image.cursor.name(one.offset, one.offset + one.file_size, "interpreter")
    abi_tag, build_id = abi_tag_and_build_id(image)
    return replace(
        facts, interpreter=interpreter, abi_tag=abi_tag, build_id=build_id, producers=producers(image)
    )
