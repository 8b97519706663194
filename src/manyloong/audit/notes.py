"""Notes and compiler names of an ELF file. Linux Standard Base 5, note sections; DWARF 5, DW_AT_producer."""

import re

from manyloong.audit.cursor import Cursor
from manyloong.audit.image import PT_NOTE, SHT_NOBITS, Image

_ABI_TAG, _BUILD_ID = 1, 3
_NOTE_LIMIT = 1 << 20  # bytes of notes that are read
_TEXT_LIMIT = 1 << 22  # bytes of .debug_str that are searched
_PRODUCER = re.compile(
    rb"(?:GNU (?:C|Fortran|GIMPLE|AS)[^\0]{0,400}|[^\0]{0,40}clang version [^\0]{0,200})\0"
)


def abi_tag_and_build_id(image: Image) -> tuple[tuple[int, ...], str]:
    """NT_GNU_ABI_TAG as (os, major, minor, patch), and the build id as hex; each empty where absent."""
    abi_tag: tuple[int, ...] = ()
    build_id = ""
    for one in image.segments:
        if one.kind != PT_NOTE:
            continue
        end = one.offset + min(one.file_size, _NOTE_LIMIT)
        for owner, kind, start, size in _notes(image.cursor, one.offset, end):
            if owner == b"GNU\0" and kind == _ABI_TAG and size >= 16:
                abi_tag = image.cursor.unpack("IIII", start, "ABI note")
            elif owner == b"GNU\0" and kind == _BUILD_ID:
                build_id = image.cursor.raw(start, min(size, 64), "build id").hex()
    return abi_tag, build_id


def _notes(cursor: Cursor, offset: int, end: int) -> list[tuple[bytes, int, int, int]]:
    found = []
    while offset + 12 <= end:
        name_size, size, kind = cursor.unpack("III", offset, "note")
        start = offset + 12 + (name_size + 3 & ~3)
        cursor.check(offset, start - offset + size, "note")
        found.append((cursor.raw(offset + 12, min(name_size, 16), "note"), kind, start, size))
        offset = start + (size + 3 & ~3)
    return found


def producers(image: Image) -> tuple[str, ...]:
    """Compilers that made the file, sorted: lines of ``.comment``, and producers in uncompressed DWARF."""
    found: set[bytes] = set()
    comment, debug = image.section(".comment"), image.section(".debug_str")
    if comment is not None and comment.kind != SHT_NOBITS:
        text = image.cursor.raw(comment.offset, min(comment.size, _NOTE_LIMIT), ".comment")
        found.update(text.split(b"\0")[:64])
    if debug is not None and debug.kind != SHT_NOBITS:
        text = image.cursor.raw(debug.offset, min(debug.size, _TEXT_LIMIT), ".debug_str")
        found.update(match[:-1] for match in _PRODUCER.findall(text)[:64])
    return tuple(sorted(one.decode("utf-8", "backslashreplace")[:500] for one in found if one))
