"""Root filesystems that a user has (Alpine's, openEuler's) as roots to test in: unpacked, judged, registered.

What is in the archive decides: its CPythons, the loader that they ask for, and so the C library. Nothing of
it is run to learn that. A name is registered in the store; the tree is named by the archive's hash.
"""

import hashlib
import os
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile
from elftools.elf.segments import InterpSegment

from manyloong.errors import InputError, NotFoundError
from manyloong.store import Store
from manyloong.store.archive import extract_tar
from manyloong.targets import Target, abi, all_targets, known_pythons

RECIPE = 1  # bump when the same archive would give another tree
_KIND, _KEY = "imported-roots", "all"  # of the JSON in the store
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_ARCHIVES = (".tar", ".tar.gz", ".tgz", ".tar.zst", ".tar.xz")
# Where tests mount what they need; the tree itself is read-only then.
_DIRECTORIES = (
    "proc",
    "sys",
    "dev",
    "tmp",
    "run",
    "root",
    "build",
    "io",
    "home/builder",
    "opt/manyloong/env",
)
_PROGRAMS = ("bin/busybox", "bin/sh", "usr/bin/sh", "usr/bin/env", "bin/bash", "usr/bin/bash")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedRoot:
    """One registered root."""

    name: str
    id: str
    archive: str  # file name, as it was given
    architecture: str
    libc: str
    pythons: tuple[str, ...]  # tags

    def serves(self, target: Target) -> bool:
        """Whether wheels of a platform tag can run here."""
        return (self.architecture, self.libc) == (target.architecture.name, target.libc)


def check_name(name: str, *, taken: Iterable[str]) -> None:
    """InputError for what cannot name an imported root; ``taken`` are the names of this program's own."""
    if not _NAME.fullmatch(name):
        raise InputError(
            f"{name!r} cannot name a root",
            hint="small letters, digits, '.', '_' and '-', for example: alpine-3.22",
        )
    if name in taken:
        raise InputError(
            f"{name!r} is a root of this program", hint="choose another name: manyloong root list"
        )


def import_root(name: str, archive: Path, *, store: Store) -> ImportedRoot:
    """Unpack, judge and register; a name that is there already is given the new tree.

    NotFoundError, InputError for what is no archive; IntegrityError for devices, traversal, damage;
    InputError for another architecture, the old world, a root without a CPython.
    """
    if not archive.is_file():
        raise NotFoundError(f"no such file: {archive}", hint="give a root filesystem as a tar archive")
    if not archive.name.endswith(_ARCHIVES):
        raise InputError(
            f"{archive.name} is not named as a tar archive", hint=f"known: {', '.join(_ARCHIVES)}"
        )
    with archive.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    identity = hashlib.sha256(f"imported {RECIPE} {sha256}".encode()).hexdigest()
    path = store.tree("root", identity, lambda tree: _fill(tree, archive))
    architecture, libc, pythons = judge_root(path, name=archive.name)
    row = ImportedRoot(
        name=name,
        id=identity,
        archive=archive.name,
        architecture=architecture,
        libc=libc,
        pythons=pythons,
    )
    others = [one for one in imported_roots(store) if one.name != name]
    _write([*others, row], store)
    return row


def _fill(tree: Path, archive: Path) -> None:
    extract_tar(archive, tree, rooted=True)
    judge_root(tree, name=archive.name)
    for directory in _DIRECTORIES:
        place = tree / directory
        if not place.is_symlink():
            place.mkdir(parents=True, exist_ok=True)


def imported_roots(store: Store) -> tuple[ImportedRoot, ...]:
    """Every registered root, by name."""
    rows = store.get_json(_KIND, _KEY) or []
    found = (ImportedRoot(**{**row, "pythons": tuple(row["pythons"])}) for row in rows)
    return tuple(sorted(found, key=lambda row: row.name))


def forget_root(name: str, *, store: Store) -> None:
    """Take a name out of the register; NotFoundError where there is none."""
    rows = imported_roots(store)
    if all(row.name != name for row in rows):
        known = ", ".join(row.name for row in rows) or "none"
        raise NotFoundError(f"no imported root is named {name!r}", hint=f"imported: {known}")
    _write([row for row in rows if row.name != name], store)


def _write(rows: Iterable[ImportedRoot], store: Store) -> None:
    store.put_json(_KIND, _KEY, [asdict(row) for row in sorted(rows, key=lambda row: row.name)])


def judge_root(tree: Path, *, name: str) -> tuple[str, str, tuple[str, ...]]:
    """Architecture, C library and tags of the CPythons of an unpacked root; InputError says what is wrong."""
    pythons = {row.tag: tree / row.executable[1:] for row in known_pythons()}
    found = {tag: path for tag, path in pythons.items() if path.is_file()}
    programs = [*found.values(), *(tree / program for program in _PROGRAMS)]
    program = next((path for path in programs if path.is_file()), None)
    if program is None:
        raise InputError(
            f"{name} is no root filesystem: it has neither a shell nor a CPython in /usr/bin",
            hint="make the archive of the root directory itself, with ./usr and ./bin in it",
        )
    target = _target_of(program, program.relative_to(tree), name)
    if not found:
        tags = ", ".join(row.executable for row in known_pythons())
        raise InputError(
            f"{name} has no CPython that wheels are built for",
            hint=f"install one in it first; looked for: {tags}",
        )
    if not os.path.lexists(tree / target.interpreter[1:]):
        raise InputError(f"{name} has no {target.interpreter}, which its programs ask for")
    return target.architecture.name, target.libc, tuple(found)


def _target_of(program: Path, shown: Path, name: str) -> Target:
    """The first platform whose loader a program of the root asks for."""
    try:
        with program.open("rb") as stream:
            elf = ELFFile(stream)
            machine, flags = int.from_bytes(_bytes_at(program, 18, 2), "little"), elf["e_flags"]
            parts = (part for part in elf.iter_segments() if isinstance(part, InterpSegment))
            loader = next((part.get_interp_name() for part in parts), "")
    except (ELFError, UnicodeDecodeError) as error:
        raise InputError(f"{name}: /{shown} is not a program: {error}") from error
    rows = [row for row in all_targets() if row.architecture.elf_machine == machine]
    if not rows:
        known = ", ".join(sorted({row.architecture.name for row in all_targets()}))
        raise InputError(f"{name}: /{shown} is for {elf.get_machine_arch()}, not for {known}")
    architecture = rows[0].architecture
    old = abi(architecture.name).old_world
    if loader in old.interpreters or flags != architecture.e_flags:
        raise InputError(
            f"{name}: /{shown} is of the old world (loader {loader or 'none'}, e_flags {flags:#x})",
            hint=f"wheels here are for the new world: e_flags {architecture.e_flags:#x}",
        )
    for row in rows:
        if row.interpreter == loader:
            return row
    raise InputError(f"{name}: /{shown} asks for the loader {loader or 'none'!r}, which no platform tag has")


def _bytes_at(path: Path, offset: int, size: int) -> bytes:
    with path.open("rb") as stream:
        stream.seek(offset)
        return stream.read(size)
