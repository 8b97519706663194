"""Build requirements by hash, as a record names them: had exactly so, or refused."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from manyloong.errors import IntegrityError, NotFoundError
from manyloong.events import Warned
from manyloong.store import RemoteFile
from manyloong.wheels.doors import Doors
from manyloong.wheels.environment import Copy
from manyloong.wheels.resolve import ResolvedWheel


@dataclass(frozen=True, slots=True, kw_only=True)
class PinnedFile:
    """One wheel by name and hash."""

    filename: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinned:
    """A whole build environment that is given instead of resolved."""

    requirements: tuple[str, ...]  # what it was resolved for
    wheels: tuple[ResolvedWheel, ...]
    copies: tuple[Copy, ...]  # of the target


def ensure_pinned(
    requirements: Sequence[str],
    wheels: Sequence[PinnedFile],
    copies: Sequence[PinnedFile],
    *,
    links: Sequence[Path],
    doors: Doors,
) -> Pinned:
    """The environment's wheels in the store: from there, a folder of ``links``, or the index.

    Raises NotFoundError for one that is nowhere, IntegrityError where there is another of that name.
    """
    return Pinned(
        requirements=tuple(requirements),
        wheels=tuple(_resolved(one, ensure_file(one, links=links, doors=doors)) for one in wheels),
        copies=tuple(
            Copy(filename=one.filename, sha256=one.sha256, path=ensure_file(one, links=links, doors=doors))
            for one in copies
        ),
    )


def _resolved(file: PinnedFile, path: Path) -> ResolvedWheel:
    name, version = _parsed(file)
    return ResolvedWheel(
        name=name,
        version=version,
        filename=file.filename,
        sha256=file.sha256,
        url=None,
        size_bytes=path.stat().st_size,
        path=path,
    )


def _parsed(file: PinnedFile) -> tuple[str, str]:
    try:
        name, version, _, _ = parse_wheel_filename(file.filename)
    except InvalidWheelFilename as error:
        raise IntegrityError(f"the record names {file.filename!r}, which is no wheel: {error}") from None
    return str(name), str(version)


def ensure_file(file: PinnedFile, *, links: Sequence[Path], doors: Doors) -> Path:
    """One wheel with this hash, in the store; errors as ``ensure_pinned``."""
    kept = kept_object(file.sha256, file.filename, doors)
    if kept is not None:
        return kept
    for folder in links:
        if (folder / file.filename).is_file():
            doors.store.add_file(folder / file.filename, file.sha256)
            return _stored(file, doors)
    (url,) = _addresses(file, doors)[:1]
    remote = RemoteFile(name=file.filename, urls=(url.split("#", 1)[0],), sha256=file.sha256, size_bytes=None)
    return doors.fetcher.fetch([remote], label=file.filename, listener=doors.listener)[file.sha256]


def kept_object(sha256: str, name: str, doors: Doors) -> Path | None:
    """The file in the cache, hashed again; a damaged one is named, removed, and None."""
    if doors.store.object_path(sha256) is None:
        return None
    if not doors.store.verify(sha256):
        text = f"{name} in the cache was damaged (its SHA-256 was not {sha256}); it is removed"
        doors.listener(Warned(text=text))
        return None
    return doors.store.object_path(sha256)


def _stored(file: PinnedFile, doors: Doors) -> Path:
    path = doors.store.object_path(file.sha256)
    if path is None:
        raise IntegrityError(f"{file.filename} is gone from the cache", hint="run the command again")
    return path


def _addresses(file: PinnedFile, doors: Doors) -> tuple[str, ...]:
    """Where the index has it; the index's own hash is compared before anything is fetched."""
    name, version = _parsed(file)
    releases = doors.registry.releases(name)  # NotFoundError
    found = [one for row in releases.values() for one in row.files if one.filename == file.filename]
    if not found:
        raise NotFoundError(
            f"{file.filename} (SHA-256 {file.sha256}), a build requirement of the record, is neither in the "
            f"cache nor on the index, which has {len(releases)} releases of {name}",
            hint=f"put it into a folder: --find-links FOLDER; or build it: manyloong build {name}=={version}",
        )
    if found[0].sha256 and found[0].sha256 != file.sha256:
        raise IntegrityError(
            f"the index has another {file.filename}: {found[0].sha256}, the record says {file.sha256}",
            hint="name a folder with the file that was used: --find-links FOLDER",
        )
    return tuple(one.url for one in found)
