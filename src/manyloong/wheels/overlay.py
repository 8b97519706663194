"""Build requirements that a package compiles against: native to import, the target's to compile and link.

A native wheel needs a copy for the target when it brings headers, static libraries or their descriptions that
were made by its own build (they are in no source archive of it), beside code to link or import. Headers that
are copied from the sources are the same everywhere; programs (cmake, ninja) are only run.
"""

import hashlib
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from manyloong.errors import IntegrityError
from manyloong.store import Store
from manyloong.wheels.source import Source, unpack_source

COMPILED_AGAINST = frozenset(
    {
        ".h",
        ".hh",
        ".hpp",
        ".hxx",
        ".h++",
        ".inc",
        ".inl",
        ".ipp",
        ".tcc",
        ".a",
        ".o",
        ".pc",
        ".cmake",
        ".ini",
        ".lib",
    }
)
_DESCRIBING = COMPILED_AGAINST - {".ini", ".lib", ".o"}  # what makes a wheel one to compile against


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """What a wheel brings for compilers: SHA-256 of each such file, and whether there is code beside them."""

    files: tuple[tuple[str, str], ...]
    code: bool  # an extension module, or a library to link


def read_brought(wheel: Path) -> Brought:
    """What a wheel brings for compilers; IntegrityError when it is no readable ZIP archive."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            names = [name for name in archive.namelist() if not _is_metadata(name)]
            found = tuple(
                (name, hashlib.sha256(archive.read(name)).hexdigest())
                for name in names
                if PurePosixPath(name).suffix in _DESCRIBING
            )
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise IntegrityError(f"{wheel.name} cannot be read as a wheel: {error}") from None
    return Brought(files=found, code=any(_is_code(name) for name in names))


def needs_target_copy(filename: str, brought: Brought, source_files: frozenset[str]) -> bool:
    """Whether builds against this native wheel need the target's files.

    ``source_files``: the SHA-256 of every file of its own sources.
    """
    if filename.endswith("-any.whl") or not brought.code:
        return False
    return any(sha256 not in source_files for _, sha256 in brought.files)


def source_hashes(source: Source, store: Store) -> frozenset[str]:
    """The SHA-256 of every file of some sources."""
    with store.scratch("hash") as place:
        unpack_source(source, place / "src")
        files = (path for path in (place / "src").rglob("*") if path.is_file() and not path.is_symlink())
        return frozenset(hashlib.sha256(path.read_bytes()).hexdigest() for path in files)


def lay_over(wheels: Iterable[Path], prefix: Path, site: Path) -> None:
    """Write what the target's wheels bring for compilers over what is installed natively below ``prefix``."""
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            pure = not any(_is_extension(name) for name in archive.namelist())
            for name in archive.namelist():
                path = _place(name, prefix, site)
                if path is None or not _is_overlaid(name, path, libraries_too=pure):
                    continue
                path.parent.mkdir(parents=True, exist_ok=True)
                path.unlink(missing_ok=True)
                path.write_bytes(archive.read(name))


def _is_overlaid(name: str, path: Path, *, libraries_too: bool) -> bool:
    """Compilers' files always; a shared library where no native extension module may need the native one."""
    if PurePosixPath(name).suffix in COMPILED_AGAINST:
        return True
    return _is_library(name) and (libraries_too or not path.exists())


def _place(name: str, prefix: Path, site: Path) -> Path | None:
    """Where an installer puts a member; None for metadata, scripts and directories."""
    path = PurePosixPath(name)
    if name.endswith("/") or path.is_absolute() or ".." in path.parts or _is_metadata(name):
        return None
    if not path.parts[0].endswith(".data"):
        return site / path
    scheme, rest = path.parts[1], path.parts[2:]
    distribution = path.parts[0].split("-", 1)[0]
    bases = {
        "purelib": site,
        "platlib": site,
        "data": prefix,
        "headers": prefix / "include" / "site" / site.parent.name / distribution,
    }
    return bases[scheme].joinpath(*rest) if scheme in bases and rest else None


def _is_metadata(name: str) -> bool:
    return ".dist-info/" in name


def _is_extension(name: str) -> bool:
    return name.endswith(".so") and (".cpython-" in name or ".abi3." in name)


def _is_library(name: str) -> bool:
    base = PurePosixPath(name).name
    grafted = ".libs" in PurePosixPath(name).parent.name
    return (base.endswith(".so") or ".so." in base) and not _is_extension(name) and not grafted


def _is_code(name: str) -> bool:
    return _is_extension(name) or _is_library(name) or name.endswith(".a")
