"""Search paths in a wheel's libraries that name places of the build.

Meson, libtool and ``pg_config --libs`` write where a library was found while it was linked. In the sandbox of
a build that is a path which no other machine has. auditwheel replaces it in files that need a grafted library
and leaves it in all others; there it is taken out. Any other path is a choice, and the audit's matter.
"""

import io
import subprocess
import zipfile
from collections.abc import Iterable
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile

from manyloong.wheels.cross import BUILD

PLACES = ("/opt/manyloong", BUILD)


def paths_without_places(wheel: Path, names: Iterable[str]) -> dict[str, str]:
    """Of a wheel's members those whose search path names a place of the build -> what remains of the path."""
    found = {}
    with zipfile.ZipFile(wheel) as archive:
        for name in names:
            before = _search_path(archive.read(name))
            after = ":".join(one for one in before.split(":") if not _is_place(one))
            if after != before:
                found[name] = after
    return found


def set_search_path(file: Path, path: str) -> None:
    """Write it into an ELF file; nothing of it remains where ``path`` is empty. patchelf must be on PATH."""
    change = ["--set-rpath", path] if path else ["--remove-rpath"]
    subprocess.run(["patchelf", *change, str(file)], check=True, capture_output=True)


def _is_place(entry: str) -> bool:
    return any(entry == place or entry.startswith(f"{place}/") for place in PLACES)


def _search_path(content: bytes) -> str:
    """RUNPATH, or RPATH where there is none; empty for what is no ELF file with a dynamic table."""
    try:
        segments = ELFFile(io.BytesIO(content)).iter_segments("PT_DYNAMIC")
        tags = [tag for part in segments if isinstance(part, DynamicSegment) for tag in part.iter_tags()]
    except (ELFError, ValueError):
        return ""  # the audit says what is wrong with it
    texts = {name: getattr(tag, name) for tag in tags for name in ("runpath", "rpath") if hasattr(tag, name)}
    return str(texts.get("runpath", texts.get("rpath", "")))
