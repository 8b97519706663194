"""Object files inside a static library. System V ``ar`` format, GNU and BSD names."""

from collections.abc import Iterator

from manyloong.audit.cursor import Buffer
from manyloong.audit.elf import read_elf
from manyloong.audit.facts import ElfFacts
from manyloong.audit.image import MAGIC

AR_MAGIC = b"!<arch>\n"
_LIMIT = 1 << 16  # members


def read_objects(buffer: Buffer, *, path: str) -> Iterator[ElfFacts]:
    """The facts of each ELF member of a static library, ``path(member)`` as their paths."""
    place, long_names = len(AR_MAGIC), b""
    for _ in range(_LIMIT):
        header = bytes(buffer[place : place + 60])
        if not header:
            return
        size_text = header[48:58].strip()
        if len(header) < 60 or header[58:60] != b"`\n" or not size_text.isdigit():
            yield ElfFacts(path=path, size_bytes=len(buffer), problem=f"not an ar member at {place:#x}")
            return
        start, size = place + 60, int(size_text)
        if start + size > len(buffer):
            yield ElfFacts(path=path, size_bytes=len(buffer), problem="the static library is truncated")
            return
        data = bytes(buffer[start : start + size])
        if header.startswith(b"//"):
            long_names = data
        elif data.startswith(MAGIC):
            yield read_elf(data, path=f"{path}({_name(header[:16], long_names)})")
        place = start + size + (size & 1)


def _name(field: bytes, long_names: bytes) -> str:
    text = field.rstrip()
    if text.startswith(b"/") and text[1:].isdigit():
        start = int(text[1:])
        text = long_names[start : start + 1000].split(b"\n", 1)[0]
    return text.rstrip(b"/").decode("utf-8", "backslashreplace")
