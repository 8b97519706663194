"""Checks that an index is whole, removes what nothing needs, and finds what a fault elsewhere touches."""

import hashlib
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from packaging.version import InvalidVersion, Version
from sqlalchemy import select

from manyloong.errors import InputError, NotFoundError
from manyloong.index import ledger, shelf
from manyloong.index.database import reading, writing
from manyloong.index.model import LocalFile, blob_key
from manyloong.index.site import Site
from manyloong.index.tables import components, files

_UNCLAIMED_S = 3600.0  # bytes without a row may belong to an upload that runs now


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What was looked at and what is wrong; ``head`` is worth keeping elsewhere."""

    files: int
    entries: int
    head: str
    faults: tuple[str, ...]


def verify(site: Site) -> Verified:
    """Read every byte: files and metadata against their hashes, the ledger against its chain."""
    with reading(site.engine) as connection:
        faults = ledger.faults(connection)
        every = list(shelf.every_file(connection))
        entries, head = ledger.head(connection)
        added = {
            entry.subject for entry, _ in ledger.entries(connection) if entry.action in {"add", "restore"}
        }
    for file in every:
        faults += _file_faults(site, file)
        if file.name.filename not in added:
            faults.append(f"{file.name.filename}: the ledger does not say who added it")
    known = {file.name.filename for file in every}
    faults += [f"{name}: in the ledger, not in the index" for name in sorted(added - known)]
    return Verified(files=len(every), entries=entries, head=head, faults=tuple(faults))


def _file_faults(site: Site, file: LocalFile) -> Iterator[str]:
    key = blob_key(file.sha256, file.name.filename)
    for name, expected in ((key, file.sha256), (key + ".metadata", _metadata_hash(file))):
        try:
            digest = hashlib.sha256()
            for piece in site.blobs.chunks(name):
                digest.update(piece)
        except NotFoundError:
            yield f"{name}: the bytes are missing"
        else:
            if digest.hexdigest() != expected:
                yield f"{name}: the bytes have changed"


def _metadata_hash(file: LocalFile) -> str:
    import orjson  # noqa: PLC0415

    return str(orjson.loads(file.entry)["core-metadata"]["sha256"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What ``gc`` removed."""

    keys: tuple[str, ...]
    size_bytes: int


def collect(site: Site, *, now: Callable[[], float], dry_run: bool = False) -> Collected:
    """Remove bytes that no file of the index names, and cut-off uploads, both older than an hour."""
    with reading(site.engine) as connection:
        rows = connection.execute(select(files.c.sha256, files.c.filename))
        needed = {blob_key(row.sha256, row.filename) for row in rows}
    removed, freed = [], 0
    for key, written_at in list(site.blobs.listing()):
        if key.removesuffix(".metadata") in needed or now() - written_at < _UNCLAIMED_S:
            continue
        size_bytes = site.blobs.size(key) or 0
        if dry_run or _deleted(site, key):
            removed.append(key)
            freed += size_bytes
    for folder in sorted((site.root / "incoming").glob("*")):
        if now() - folder.stat().st_mtime >= _UNCLAIMED_S:
            removed.append(f"incoming/{folder.name}")
            if not dry_run:
                shutil.rmtree(folder, ignore_errors=True)
    return Collected(keys=tuple(removed), size_bytes=freed)


def _deleted(site: Site, key: str) -> bool:
    """Delete bytes unless a file has come to need them; no upload is committed meanwhile."""
    with writing(site.engine) as connection:
        file = shelf.find(connection, key.rpartition("/")[2].removesuffix(".metadata"))
        if file is not None and file.key == key.removesuffix(".metadata"):
            return False
        site.blobs.delete(key)
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Affected:
    """A wheel that contains a component in question."""

    filename: str
    component: str
    version: str


def affected(site: Site, requirement: str) -> tuple[Affected, ...]:
    """The wheels whose SBOM names a component, all versions (``zlib``) or those below one (``zlib<1.3.1``).

    A version that cannot be compared counts as below: better one wheel too many.
    """
    name, less, limit = requirement.partition("<")
    if not name.strip() or (less and not limit.strip()):
        raise InputError(f"{requirement!r} is not NAME or NAME<VERSION", hint="for example: zlib<1.3.1")
    ceiling = _version(limit.strip()) if less else None
    if less and ceiling is None:
        raise InputError(f"{limit.strip()!r} is not a version that can be compared")
    statement = select(components).where(components.c.name == name.strip())
    with reading(site.engine) as connection:
        rows = list(connection.execute(statement.order_by(components.c.filename)))
    return tuple(
        Affected(filename=row.filename, component=row.name, version=row.version)
        for row in rows
        if ceiling is None or (found := _version(row.version)) is None or found < ceiling
    )


def _version(text: str) -> Version | None:
    """A library's version as far as it can be compared: a Debian revision is left out."""
    plain = text.rpartition(":")[2].split("-")[0].split("+")[0].split("~")[0]
    try:
        return Version(plain)
    except InvalidVersion:
        return None
