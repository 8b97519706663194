"""What a wheel brings to be tried: modules to import, and programs to load."""

import io
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile

from manyloong.errors import IntegrityError

_ELF = b"\x7fELF"
_INIT = b"PyInit"  # PyInit_NAME, or PyInitU_NAME where the name is not ASCII (PEP 489)


def wheel_modules(names: Iterable[str], *, suffixes: tuple[str, ...]) -> tuple[str, ...]:
    """Every top-level module and every extension module among a wheel's members, sorted.

    ``suffixes`` are the extension suffixes of the Python that will import, longest first.
    """
    found: set[str] = set()
    for name in names:
        path = _site_path(name)
        if path is None:
            continue
        extension = _extension_module(path, suffixes)
        if extension:
            found.add(extension)
        elif path.suffix == ".py":
            found |= _top_level(path)
    return tuple(sorted(found))


def _site_path(name: str) -> PurePosixPath | None:
    """Where a member lands below site-packages; None for metadata, scripts and data."""
    path = PurePosixPath(name)
    if name.endswith("/") or not path.parts:
        return None
    first = path.parts[0]
    if first.endswith(".data") and len(path.parts) > 2:
        return PurePosixPath(*path.parts[2:]) if path.parts[1] in {"platlib", "purelib"} else None
    if first.endswith((".dist-info", ".data", ".libs")):
        return None
    return path


def _extension_module(path: PurePosixPath, suffixes: tuple[str, ...]) -> str | None:
    for suffix in suffixes:
        if path.name.endswith(suffix):
            name = path.name.removesuffix(suffix)
            parts = path.parts[:-1] if name == "__init__" else (*path.parts[:-1], name)
            if not parts:
                return None
            return ".".join(parts) if all(part.isidentifier() for part in parts) else None
    return None


def _top_level(path: PurePosixPath) -> set[str]:
    if len(path.parts) == 1:
        return {path.stem} if path.stem.isidentifier() else set()
    if len(path.parts) == 2 and path.name == "__init__.py" and path.parts[0].isidentifier():
        return {path.parts[0]}
    return set()


def read_names(wheel: Path) -> tuple[str, ...]:
    """The members of a wheel without its plain libraries: those that no ``PyInit_`` makes a module.

    Raises IntegrityError when it is no readable ZIP archive.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            names = archive.namelist()
            return tuple(name for name in names if not name.endswith(".so") or _INIT in archive.read(name))
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, zlib.error) as error:
        raise IntegrityError(f"{wheel.name} cannot be read as a wheel: {error}") from None


def wheel_programs(wheel: Path, *, packages: str) -> tuple[str, ...]:
    """Every compiled program of a wheel that the system's loader starts, as a path below an environment.

    ``packages`` is the path of site-packages there. Raises IntegrityError when the wheel cannot be read.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            names = [name for name in archive.namelist() if _starts_as_elf(archive, name)]
            found = [name for name in names if _asks_for_loader(archive.read(name))]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, zlib.error) as error:
        raise IntegrityError(f"{wheel.name} cannot be read as a wheel: {error}") from None
    return tuple(sorted(_installed_path(PurePosixPath(name), packages) for name in found))


def _starts_as_elf(archive: zipfile.ZipFile, name: str) -> bool:
    if name.endswith((".so", "/")) or ".so." in name:
        return False
    with archive.open(name) as stream:
        return stream.read(len(_ELF)) == _ELF


def _asks_for_loader(content: bytes) -> bool:
    try:
        return any(part["p_type"] == "PT_INTERP" for part in ELFFile(io.BytesIO(content)).iter_segments())
    except (ELFError, ValueError):
        return False  # the audit says what is wrong with it


def _installed_path(path: PurePosixPath, packages: str) -> str:
    if not path.parts[0].endswith(".data") or len(path.parts) < 3:
        return f"{packages}/{path}"
    scheme, rest = path.parts[1], PurePosixPath(*path.parts[2:])
    folders = {"scripts": "bin/", "data": "", "platlib": f"{packages}/", "purelib": f"{packages}/"}
    return f"{folders.get(scheme, '')}{rest}"


def read_requirements(wheel: Path) -> tuple[str, ...]:
    """The ``Requires-Dist`` lines of a wheel's METADATA."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            name = next(n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
            head = archive.read(name).decode("utf-8", "replace").split("\n\n", 1)[0]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, StopIteration) as error:
        raise IntegrityError(f"{wheel.name} has no readable METADATA: {error}") from None
    prefix = "requires-dist:"
    return tuple(line[len(prefix) :].strip() for line in head.splitlines() if line.lower().startswith(prefix))
