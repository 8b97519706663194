"""Two wheels side by side: strictly, byte for byte, and stabilised, by what an installer takes out of them.

Stabilised means: the order of members (and of RECORD's lines), times and compression do not count; names,
contents and modes do.
"""

import hashlib
import io
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile

from manyloong.errors import IntegrityError

_MOST = 20  # differences that are named
_MOST_BYTES = 4 << 30  # of all members


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What two wheels have in common. ``strict`` implies ``stabilised``."""

    strict: bool
    stabilised: bool
    sha256: tuple[str, str]
    differences: tuple[str, ...]  # of names, contents and modes
    ignored: tuple[str, ...]  # order, times, compression, where they differ


@dataclass(frozen=True, slots=True, kw_only=True)
class _Member:
    content: bytes
    mode: int
    time: tuple[int, ...]
    packing: tuple[int, int]  # method, packed size


def compare_wheels(first: Path, second: Path) -> Comparison:
    """Both comparisons; IntegrityError for a file that is no wheel."""
    digests = _sha256(first), _sha256(second)
    if digests[0] == digests[1]:
        return Comparison(strict=True, stabilised=True, sha256=digests, differences=(), ignored=())
    old, new = _members(first), _members(second)
    differences = _differences(old, new)
    return Comparison(
        strict=False,
        stabilised=not differences,
        sha256=digests,
        differences=tuple(differences[:_MOST]),
        ignored=_ignored(old, new),
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _members(path: Path) -> dict[str, _Member]:
    """Name -> member, in the archive's order."""
    found: dict[str, _Member] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(info.file_size for info in archive.infolist()) > _MOST_BYTES:
                raise IntegrityError(f"{path.name} holds more than {_MOST_BYTES >> 30} GiB")
            for info in archive.infolist():
                if info.filename in found:
                    raise IntegrityError(f"{path.name} holds {info.filename} twice")
                found[info.filename] = _Member(
                    content=archive.read(info),
                    mode=info.external_attr >> 16,
                    time=info.date_time,
                    packing=(info.compress_type, info.compress_size),
                )
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise IntegrityError(
            f"{path.name} is no sound wheel: {error}", hint="get it again, or build it again: --force"
        ) from None
    return found


def _differences(old: dict[str, _Member], new: dict[str, _Member]) -> list[str]:
    found = []
    for name in sorted(old.keys() | new.keys()):
        if name not in new:
            found.append(f"{name}: only in the first")
        elif name not in old:
            found.append(f"{name}: only in the second")
        elif _stable(name, old[name].content) != _stable(name, new[name].content):
            found.append(f"{name}: {_first_difference(old[name].content, new[name].content)}")
        elif old[name].mode != new[name].mode:
            found.append(f"{name}: mode {old[name].mode:o} and {new[name].mode:o}")
    return found


def _stable(name: str, content: bytes) -> bytes:
    if name.endswith(".dist-info/RECORD"):
        return b"\n".join(sorted(content.splitlines()))
    return content


def _first_difference(old: bytes, new: bytes) -> str:
    shorter = min(len(old), len(new))
    offset = next((at for at in range(shorter) if old[at] != new[at]), shorter)
    where = _section(old, offset)
    inside = f" in {where}" if where else ""
    return f"differs from byte {offset} on{inside} ({len(old)} and {len(new)} bytes)"


def _section(content: bytes, offset: int) -> str:
    """The section of an ELF file that holds an offset; "" outside of all, or for other files."""
    if not content.startswith(b"\x7fELF"):
        return ""
    try:
        for section in ELFFile(io.BytesIO(content)).iter_sections():
            start, size = section["sh_offset"], section["sh_size"]
            if section["sh_type"] != "SHT_NOBITS" and start <= offset < start + size:
                return str(section.name)
    except (ELFError, ValueError, KeyError):
        return ""
    return ""


def _ignored(old: dict[str, _Member], new: dict[str, _Member]) -> tuple[str, ...]:
    both = old.keys() & new.keys()
    found = []
    if [name for name in old if name in both] != [name for name in new if name in both]:
        found.append("order of members")
    if any(old[name].time != new[name].time for name in both):
        found.append("times of members")
    if any(old[name].packing != new[name].packing for name in both if old[name].content == new[name].content):
        found.append("compression")
    return tuple(found)
