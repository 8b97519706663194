"""Adds wheels from this machine's disk through the same gate as uploads, with the documents beside them."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson
from anyio import to_thread
from sqlalchemy import update

from manyloong.errors import InputError, IntegrityError, NotFoundError
from manyloong.index import ledger, shelf
from manyloong.index.database import writing
from manyloong.index.gate import Upload, claimed_name, measured
from manyloong.index.model import Attachment, State, WheelName, format_time, parse_time
from manyloong.index.names import wheel_name
from manyloong.index.publish import Gatekeeper, Published, noted_project, publish
from manyloong.index.releases import released_at
from manyloong.index.site import Site
from manyloong.index.tables import files
from manyloong.index.upstream import Upstream

RECORD_SUFFIX = ".record.json"
LOG_SUFFIX = ".log"
BACKUP_SUFFIX = ".index.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """What an export keeps of a file beside its bytes."""

    uploaded_at: str
    released_at: str
    state: State
    yanked: str | None  # None: not yanked
    documents: tuple[Attachment, ...]

    @property
    def attestations(self) -> str:
        """What was sent as ``attestations`` with the upload; "" for nothing."""
        for document in self.documents:
            if document.kind == "provenance":
                bundles = orjson.loads(document.text)["attestation_bundles"]
                return orjson.dumps([one for bundle in bundles for one in bundle["attestations"]]).decode()
        return ""


async def add_wheel(
    site: Site, upstream: Upstream, path: Path, keeper: Gatekeeper, *, attestations: str = ""
) -> Published:
    """Publish one wheel, and its record, log and attestation where they lie beside it."""
    name = await to_thread.run_sync(_existing_wheel, path)
    with site.incoming() as folder:
        copy = folder / path.name
        await to_thread.run_sync(shutil.copyfile, path, copy)
        digests = await to_thread.run_sync(measured, copy)
        fields = {
            ":action": "file_upload",
            "name": name.project,
            "version": name.version,
            "sha256_digest": digests.sha256,
        }
        fields["attestations"] = attestations or await to_thread.run_sync(_attestations, path)
        upload = Upload(fields=fields, filename=path.name, path=copy)
        claimed_name(upload)
        noted = await to_thread.run_sync(noted_project, site, name.project)
        released = await released_at(upstream, noted, name)
        published = await to_thread.run_sync(
            lambda: publish(
                site,
                upload,
                name=name,
                released_at=released,
                actor="operator",
                keeper=keeper,
            )
        )
    await to_thread.run_sync(_attach_beside, site, path)
    return published


def _existing_wheel(path: Path) -> WheelName:
    if not path.is_file():
        raise NotFoundError(f"no such wheel: {path}")
    return wheel_name(path.name)


def _attestations(path: Path) -> str:
    """The form field for the attestation beside a wheel, as pypi-attestations names its file."""
    beside = path.with_name(path.name + ".publish.attestation")
    return f"[{beside.read_text('utf-8', errors='replace')}]" if beside.is_file() else ""


def wheels_below(folder: Path) -> Iterator[Path]:
    """Every wheel in a folder and below, by path; raises NotFoundError where there is none."""
    if not folder.is_dir():
        raise NotFoundError(f"no such folder: {folder}")
    found = sorted(path for path in folder.rglob("*.whl") if path.is_file())
    if not found:
        raise NotFoundError(f"no wheels in {folder}")
    yield from found


def _attach_beside(site: Site, path: Path) -> None:
    for kind, suffix in (("record", RECORD_SUFFIX), ("log", LOG_SUFFIX)):
        beside = path.with_name(path.name + suffix)
        if beside.is_file():
            text = beside.read_text("utf-8", errors="replace").replace("\x00", "")
            with writing(site.engine) as connection:
                attachment = Attachment(
                    kind=kind, name=beside.name.removeprefix(path.name + ".")[:255], text=text
                )
                shelf.attach(connection, path.name, attachment)


def format_backup(site: Site, filename: str) -> bytes:
    """The backup document of a file, as JSON."""
    with site.engine.connect() as connection:
        file = shelf.find(connection, filename)
        documents = shelf.documents(connection, filename)
    if file is None:
        raise NotFoundError(f"the index has no file {filename!r}")
    document = {
        "uploaded-at": file.uploaded_at,
        "released-at": file.released_at,
        "state": str(file.state),
        "yanked": file.yanked_reason if file.yanked else None,
        "documents": [{"kind": d.kind, "name": d.name, "text": d.text} for d in documents],
    }
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS)


def parse_backup(path: Path) -> Backup:
    """Reads what format_backup wrote; raises IntegrityError with what is wrong."""
    try:
        document = orjson.loads(path.read_bytes())
        documents = tuple(
            Attachment(kind=str(d["kind"]), name=str(d["name"]), text=str(d["text"]))
            for d in document["documents"]
        )
        parse_time(document["uploaded-at"])
        backup = Backup(
            uploaded_at=document["uploaded-at"],
            released_at=str(document["released-at"]),
            state=State(document["state"]),
            yanked=document["yanked"] if document["yanked"] is None else str(document["yanked"]),
            documents=documents,
        )
        _ = backup.attestations  # readable
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise IntegrityError(f"{path}: not a backup of an index: {error}") from error
    return backup


def restore_details(site: Site, filename: str, backup: Backup, keeper: Gatekeeper) -> None:
    """Give a file that was just added the times, state and documents it had."""
    wheel_name(filename)
    now = keeper.clock()
    with writing(site.engine) as connection:
        file = shelf.find(connection, filename)
        if file is None:
            raise InputError(f"the index has no file {filename!r}")
        for document in backup.documents:
            if document.kind != "provenance":  # that one came through the gate, as it would with an upload
                shelf.attach(connection, filename, document)
        entry = orjson.loads(file.entry)
        entry["upload-time"] = backup.uploaded_at
        entry["_manyloong"] = {"rebuilt": backup.uploaded_at, "released": backup.released_at or None}
        values = {
            "uploaded_at": backup.uploaded_at,
            "released_at": backup.released_at,
            "entry": orjson.dumps(entry).decode(),
        }
        connection.execute(update(files).where(files.c.filename == filename).values(**values))
        act = ledger.Act(
            at=format_time(now),
            actor="operator",
            action="restore",
            subject=filename,
            detail={"uploaded_at": backup.uploaded_at},
        )
        ledger.append(connection, act)
        if backup.yanked is not None:
            shelf.yank(connection, filename, reason=backup.yanked, actor="operator", now=now)
        if backup.state is not State.PUBLISHED:
            shelf.set_state(connection, filename, backup.state, reason="restored", now=now)
