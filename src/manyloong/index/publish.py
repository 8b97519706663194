"""From an upload to a published file. Acknowledged means durable: bytes are synced first, then one commit."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.exc import IntegrityError as RowExistsError

from manyloong.index import shelf
from manyloong.index.database import reading, writing
from manyloong.index.gate import Upload, check_digests, examined, measured
from manyloong.index.model import (
    Auditor,
    Clock,
    LocalFile,
    NewFile,
    Project,
    RefusedError,
    WheelName,
    blob_key,
)
from manyloong.index.signatures import Trust
from manyloong.index.site import Site


@dataclass(frozen=True, slots=True, kw_only=True)
class Gatekeeper:
    """Who looks at uploads, the clock they look at, and whose signatures they believe (None: nobody's)."""

    auditor: Auditor
    clock: Clock
    trust: Trust | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """The outcome of an accepted upload; ``created`` is False for bytes that were there already."""

    filename: str
    sha256: str
    created: bool


def noted_project(site: Site, project: str) -> Project | None:
    """What the index knows of a project (call in a thread)."""
    with reading(site.engine) as connection:
        return shelf.project(connection, project)


def publish(
    site: Site,
    upload: Upload,
    *,
    name: WheelName,
    released_at: str,
    actor: str,
    keeper: Gatekeeper,
) -> Published:
    """Check, audit and store one wheel; raises RefusedError, and then nothing is kept."""
    digests = measured(upload.path)
    check_digests(upload.fields, digests)
    if there := _existing(site, name, digests.sha256):
        return there
    new = examined(
        upload,
        name=name,
        digests=digests,
        auditor=keeper.auditor,
        trust=keeper.trust,
        provenance_required=site.settings.provenance_required(name.project),
        released_at=released_at,
    )
    return _store(site, new, upload.path, actor=actor, clock=keeper.clock)


def _existing(site: Site, name: WheelName, sha256: str) -> Published | None:
    with reading(site.engine) as connection:
        file = shelf.find(connection, name.filename)
    return _same_or_refused(file, sha256) if file else None


def _same_or_refused(file: LocalFile, sha256: str) -> Published:
    if file.sha256 != sha256:
        raise RefusedError(
            f"File already exists: {file.name.filename} with sha256 {file.sha256}; files never change",
            hint="a rebuild needs a build tag: NAME-VERSION-1-PYTHON-ABI-PLATFORM.whl",
        )
    return Published(filename=file.name.filename, sha256=sha256, created=False)


def _store(site: Site, new: NewFile, path: Path, *, actor: str, clock: Clock) -> Published:
    _put_bytes(site, new, path)
    try:
        with writing(site.engine) as connection:
            there = shelf.find(connection, new.name.filename)
            if there is None:
                shelf.add_file(connection, new, actor=actor, now=clock())
                _put_bytes(
                    site, new, path
                )  # `gc` may have taken them for those of a cut-off upload; now it waits
        if there is not None:
            return _same_or_refused(there, new.sha256)
    except (RowExistsError, RefusedError) as error:
        _forget_bytes(site, new)
        if isinstance(error, RefusedError):
            raise
        raise RefusedError(f"File already exists: {new.name.filename}") from error
    return Published(filename=new.name.filename, sha256=new.sha256, created=True)


def _put_bytes(site: Site, new: NewFile, path: Path) -> None:
    """Store the wheel and its metadata where they are not there yet."""
    key = blob_key(new.sha256, new.name.filename)
    if site.blobs.size(key) != new.size_bytes:
        site.blobs.put(key, path)
    if site.blobs.size(key + ".metadata") != len(new.metadata):
        site.blobs.put_bytes(key + ".metadata", new.metadata)


def _forget_bytes(site: Site, new: NewFile) -> None:
    """Remove the bytes of the upload that lost a race; the winner has others, so another key."""
    key = blob_key(new.sha256, new.name.filename)
    site.blobs.delete(key)
    site.blobs.delete(key + ".metadata")
