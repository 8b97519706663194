"""Takes RPATH and RUNPATH out of a shared library: build systems write the prefix there, which is nowhere."""

import struct
from pathlib import Path

from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile

_DT_NULL, _DT_RPATH, _DT_RUNPATH = 0, 15, 29


def drop_search_paths(path: Path) -> bool:
    """Remove the entries from the dynamic table, in place; whether there were any."""
    with path.open("rb") as stream:
        elf = ELFFile(stream)
        section = next((part for part in elf.iter_sections() if isinstance(part, DynamicSection)), None)
        if section is None:
            return False
        order = "<" if elf.little_endian else ">"
        form = struct.Struct(order + ("qQ" if elf.elfclass == 64 else "iI"))
        offset, size = section["sh_offset"], section["sh_size"]
    data = bytearray(path.read_bytes())
    entries = list(form.iter_unpack(bytes(data[offset : offset + size - size % form.size])))
    kept = [entry for entry in entries if entry[0] not in {_DT_RPATH, _DT_RUNPATH}]
    if len(kept) == len(entries):
        return False
    kept += [(_DT_NULL, 0)] * (len(entries) - len(kept))
    table = b"".join(form.pack(*entry) for entry in kept)
    data[offset : offset + len(table)] = table
    path.write_bytes(data)
    return True
