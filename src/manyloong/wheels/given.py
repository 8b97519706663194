"""Files and repositories that a user gives for what a build downloads: ``--source URL=FILE``."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from manyloong.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenSource:
    """A file, or a folder with a git repository, that the user gives for an address."""

    url: str
    path: str
    sha256: str  # of the file; of the folder's refs


def parse_given(texts: Iterable[str]) -> tuple[GivenSource, ...]:
    """``URL=FILE`` of the command line; InputError for what is not of that form or not there."""
    found = []
    for text in texts:
        url, separator, name = text.rpartition("=")
        if not separator or "://" not in url:
            raise InputError(
                f"--source {text!r} is not of the form URL=FILE",
                hint="for example: --source https://HOST/a.tar.gz=a.tar.gz",
            )
        path = Path(name).resolve()
        if not path.exists():
            raise InputError(f"--source: {name} is not there", hint="name a file or a git repository")
        found.append(GivenSource(url=url, path=str(path), sha256=_identity(path)))
    return tuple(found)


def _identity(path: Path) -> str:
    if path.is_file():
        return hashlib.sha256(path.read_bytes()).hexdigest()
    folder = path / ".git" if (path / ".git").is_dir() else path
    if not (folder / "HEAD").is_file():
        raise InputError(f"--source: {path} is neither a file nor a git repository")
    refs = [file for file in (folder / "HEAD", folder / "packed-refs") if file.is_file()]
    refs += sorted(file for file in (folder / "refs").rglob("*") if file.is_file())
    return hashlib.sha256(b"\n".join(file.read_bytes() for file in refs)).hexdigest()
