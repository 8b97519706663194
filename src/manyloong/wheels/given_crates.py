"""Crates that a user gives: ``--crates FOLDER``, and ``--relock`` to build with what is there."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from manyloong.errors import InputError
from manyloong.store.normalise import walk_in_order
from manyloong.store.objects import file_sha256
from manyloong.wheels.cargo import CHECKSUM

ARCHIVE = ".crate"


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenCrates:
    """Folders with crates; ``sha256`` is over what decides their content."""

    folders: tuple[str, ...] = ()
    sha256: str = ""
    relock: bool = False  # choose versions anew from what is there, instead of those that Cargo.lock names

    @property
    def document(self) -> dict[str, object]:
        """What a job's id is made from; empty where nothing was given."""
        return {"crates": self.sha256, "relock": self.relock} if self.folders or self.relock else {}


def parse_given_crates(folders: Iterable[Path], *, relock: bool) -> GivenCrates:
    """Folders of the command line; InputError for one that is not there or holds no crate."""
    paths = [folder.resolve() for folder in folders]
    return GivenCrates(
        folders=tuple(str(path) for path in paths),
        sha256=hashlib.sha256("\n".join(_identity(path) for path in paths).encode()).hexdigest(),
        relock=relock,
    )


def _identity(folder: Path) -> str:
    if not folder.is_dir():
        raise InputError(
            f"--crates: {folder} is not a folder", hint="make one: cargo vendor --versioned-dirs DIR"
        )
    lines = [
        f"{entry.name} {file_sha256(entry) if entry.is_file() else _outline(entry)}"
        for entry in sorted(folder.iterdir())
        if (entry / CHECKSUM).is_file() or (entry.is_file() and entry.suffix == ARCHIVE)
    ]
    if not lines:
        raise InputError(
            f"--crates: {folder} holds neither crates (NAME-VERSION/{CHECKSUM}) nor archives (*{ARCHIVE})",
            hint="make such a folder: cargo vendor --versioned-dirs DIR",
        )
    return "\n".join(lines)


def _outline(folder: Path) -> str:
    """SHA-256 over its manifest, and every file's name and size: the content of those that are used counts
    when the crates are put together.
    """
    names = "".join(
        f"{path.relative_to(folder)} {path.lstat().st_size}\n"
        for path in walk_in_order(folder)
        if path.is_symlink() or path.is_file()
    )
    manifests = (folder / name for name in (CHECKSUM, "Cargo.toml"))
    content = b"".join(file.read_bytes() for file in manifests if file.is_file())
    return hashlib.sha256(names.encode() + content).hexdigest()
