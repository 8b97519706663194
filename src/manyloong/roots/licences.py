"""Under which licences a .deb's files are: what its copyright file says. Debian Policy 12.5, DEP-5.

The names are Debian's short names as the file spells them; where it is free text, those of the common
licences that it points to. They inform whoever passes a root on, and decide no byte of it.
"""

import posixpath
import re
import tarfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from manyloong.errors import IntegrityError
from manyloong.roots.deb import BROKEN, open_data
from manyloong.roots.model import RootLock

UNNAMED = "see its copyright file"  # free text that names no common licence
_DOCUMENTS = "usr/share/doc"
_MOST_BYTES = 4 << 20
_MACHINE_READABLE = re.compile(r"^Format(?:-Specification)?:\s*\S+", re.IGNORECASE)
_FIELD = re.compile(r"^Licen[sc]e:[ \t]*(\S[^\n]*)$", re.IGNORECASE | re.MULTILINE)
_COMMON = re.compile(r"/usr/share/common-licenses/([A-Za-z0-9.+-]*[A-Za-z0-9+])")
_UNSAFE = re.compile(r"[^A-Za-z0-9.+:()~_/ -]+")


def with_licences(lock: RootLock, known: RootLock | None, paths: Mapping[str, Path]) -> RootLock:
    """The lock with each package's licence: from the lock ``known`` for the same bytes, else from its file.

    ``paths`` holds .deb files by package name; a package that is in neither keeps none.
    """
    before = {} if known is None else {package.sha256: package.licence for package in known.packages}
    found = {package.name: before.get(package.sha256, "") for package in lock.packages}
    missing = {name: paths[name] for name, licence in found.items() if not licence and name in paths}
    found |= read_licences(missing, paths)
    return replace(lock, packages=tuple(replace(one, licence=found[one.name]) for one in lock.packages))


def read_licences(wanted: Mapping[str, Path], every: Mapping[str, Path]) -> dict[str, str]:
    """The licences of each package; a copyright file may be a link into another package's documents.

    Raises IntegrityError for a damaged .deb.
    """
    texts: dict[str, str] = {}

    def text_of(name: str, seen: tuple[str, ...] = ()) -> str:
        if name not in texts and name not in seen and name in every:
            text, elsewhere = _copyright(every[name], name)
            texts[name] = text or (text_of(elsewhere, (*seen, name)) if elsewhere else "")
        return texts.get(name, "")

    return {name: licences_of(text_of(name)) for name in wanted}


def licences_of(text: str) -> str:
    """The licences that a copyright file names, sorted, with commas between them."""
    pattern = _FIELD if _MACHINE_READABLE.match(text) else _COMMON
    names = {" ".join(_UNSAFE.sub(" ", found).split()) for found in pattern.findall(text)}
    return ", ".join(sorted(name for name in names if name)) or UNNAMED


def _copyright(path: Path, name: str) -> tuple[str, str]:
    """The text of a package's copyright file, or the package whose documents a link leads to."""
    place = f"{_DOCUMENTS}/{name}"
    try:
        with open_data(path, path.name) as data, tarfile.open(fileobj=data, mode="r|") as archive:
            for member in archive:
                where = posixpath.normpath(member.name)
                if where not in {place, f"{place}/copyright"}:
                    continue
                if member.issym():
                    return "", _owner(posixpath.join(posixpath.dirname(where), member.linkname))
                if member.isfile() and where != place:
                    return _text(archive, member), ""
    except BROKEN as error:
        raise IntegrityError(f"{path.name}: {error}") from error
    return "", ""


def _text(archive: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    stream = archive.extractfile(member)
    return "" if stream is None else stream.read(_MOST_BYTES).decode("utf-8", "replace")


def _owner(target: str) -> str:
    """The package in whose documents a path is; "" where it is in none's."""
    parts = posixpath.normpath(target).lstrip("/").split("/")
    return parts[3] if len(parts) > 3 and "/".join(parts[:3]) == _DOCUMENTS else ""
