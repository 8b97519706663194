"""Our files in the database: what there is, what changes, each change noted in the ledger."""

from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256
from typing import Any

import orjson
from sqlalchemy import Connection, RowMapping, func, insert, select, update

from manyloong.errors import NotFoundError
from manyloong.index import ledger
from manyloong.index.entry import file_entry
from manyloong.index.model import (
    Attachment,
    LocalFile,
    NewFile,
    PageLine,
    Project,
    State,
    WheelName,
    format_time,
)
from manyloong.index.tables import attachments, components, files, projects

_COLUMNS = [column for column in files.c if column.name not in {"state_reason", "summary"}]


def project(connection: Connection, name: str) -> Project | None:
    """What is noted of a project, or None."""
    row = connection.execute(select(projects).where(projects.c.name == name)).first()
    return Project(name=row.name, local=row.local, revision=row.revision) if row else None


def all_projects(connection: Connection) -> tuple[Project, ...]:
    """Every project with files of ours or declared local, by name."""
    rows = connection.execute(select(projects).order_by(projects.c.name))
    return tuple(Project(name=row.name, local=row.local, revision=row.revision) for row in rows)


def declare_local(connection: Connection, name: str, *, local: bool, now: datetime) -> None:
    """Say that a project is ours alone (upstream is never asked for it), or take that back."""
    _touch(connection, name)
    connection.execute(update(projects).where(projects.c.name == name).values(local=local))
    act = ledger.Act(
        at=format_time(now),
        actor="operator",
        action="declare-local" if local else "declare-merged",
        subject=name,
        detail={},
    )
    ledger.append(connection, act)


def on_page(connection: Connection, name: str) -> list[PageLine]:
    """The published files of a project, in the order they came."""
    statement = select(files.c.filename, files.c.version, files.c.yanked, files.c.entry)
    statement = statement.where(files.c.project == name, files.c.state == State.PUBLISHED)
    result = connection.execute(statement.order_by(files.c.uploaded_at, files.c.filename))
    # The driver's own tuples: made into rows of SQLAlchemy they take twice as long.
    lines: list[PageLine] = list(result.cursor.fetchall())
    return lines


def entries_on_page(connection: Connection, name: str) -> list[str]:
    """The same files as finished JSON and nothing else."""
    statement = select(files.c.entry).where(files.c.project == name, files.c.state == State.PUBLISHED)
    result = connection.execute(statement.order_by(files.c.uploaded_at, files.c.filename))
    return [entry for (entry,) in result.cursor.fetchall()]


def versions(connection: Connection, name: str) -> list[str]:
    """The versions of a project's published files."""
    statement = select(files.c.version).where(files.c.project == name, files.c.state == State.PUBLISHED)
    return list(connection.execute(statement.distinct()).scalars())


def of_project(
    connection: Connection, name: str, *, states: Iterable[State] = tuple(State)
) -> list[LocalFile]:
    """The files of a project in some states, in the order they came."""
    statement = select(*_COLUMNS).where(files.c.project == name, files.c.state.in_([str(s) for s in states]))
    rows = connection.execute(statement.order_by(files.c.uploaded_at, files.c.filename)).mappings()
    return [_file(row) for row in rows]


def find(connection: Connection, filename: str) -> LocalFile | None:
    """One file by name, in any state."""
    row = connection.execute(select(*_COLUMNS).where(files.c.filename == filename)).mappings().first()
    return _file(row) if row else None


def every_file(connection: Connection) -> Iterable[LocalFile]:
    """All files, a thousand at a time."""
    result = connection.execute(
        select(*_COLUMNS).order_by(files.c.filename).execution_options(yield_per=1000)
    )
    for row in result.mappings():
        yield _file(row)


def recent(connection: Connection, limit: int) -> list[LocalFile]:
    """The newest published files."""
    statement = select(*_COLUMNS).where(files.c.state == State.PUBLISHED)
    rows = connection.execute(statement.order_by(files.c.uploaded_at.desc()).limit(limit)).mappings()
    return [_file(row) for row in rows]


def search(connection: Connection, words: str, *, limit: int) -> list[str]:
    """Names of projects with files of ours that hold every word."""
    statement = select(files.c.project).where(files.c.state != State.QUARANTINED).distinct()
    for word in words.lower().replace("_", "-").replace("\x00", "").split()[:8]:
        statement = statement.where(files.c.project.contains(word, autoescape=True))
    return list(connection.execute(statement.order_by(files.c.project).limit(limit)).scalars())


def add_file(connection: Connection, new: NewFile, *, actor: str, now: datetime) -> None:
    """Note an accepted wheel, its documents and the act. The caller has made its bytes durable."""
    name = new.name
    _touch(connection, name.project)
    documents = {attachment.kind for attachment in new.attachments}
    entry = file_entry(
        name=name,
        sha256=new.sha256,
        size_bytes=new.size_bytes,
        metadata_sha256=sha256(new.metadata).hexdigest(),
        requires_python=new.requires_python,
        uploaded_at=format_time(now),
        released_at=new.released_at,
        has_provenance="provenance" in documents,
        yanked=False,
    )
    row = {column: getattr(name, column) for column in WheelName.__slots__}
    connection.execute(
        insert(files).values(
            **row,
            sha256=new.sha256,
            size_bytes=new.size_bytes,
            state=str(State.PUBLISHED),
            state_reason="",
            yanked=False,
            yanked_reason="",
            uploaded_at=format_time(now),
            released_at=new.released_at,
            summary=new.summary,
            entry=entry,
        )
    )
    for attachment in new.attachments:
        attach(connection, name.filename, attachment)
    detail = {"sha256": new.sha256, "size": new.size_bytes}
    _note(connection, "add", name.filename, detail, actor=actor, now=now)


def attach(connection: Connection, filename: str, attachment: Attachment) -> None:
    """Add or replace a document of a file; an SBOM's components become searchable."""
    where = (
        attachments.c.filename == filename,
        attachments.c.kind == attachment.kind,
        attachments.c.name == attachment.name,
    )
    connection.execute(attachments.delete().where(*where))
    connection.execute(
        insert(attachments).values(
            filename=filename, kind=attachment.kind, name=attachment.name, text=attachment.text
        )
    )
    if attachment.kind == "sbom":
        connection.execute(components.delete().where(components.c.filename == filename))
        found = [{"filename": filename, **component} for component in _components(attachment.text)]
        if found:
            connection.execute(insert(components), found)


def documents(connection: Connection, filename: str) -> tuple[Attachment, ...]:
    """The documents of a file, by kind and name."""
    statement = select(attachments).where(attachments.c.filename == filename)
    rows = connection.execute(statement.order_by(attachments.c.kind, attachments.c.name))
    return tuple(Attachment(kind=row.kind, name=row.name, text=row.text) for row in rows)


def yank(connection: Connection, filename: str, *, reason: str | None, actor: str, now: datetime) -> None:
    """Yank a file for a reason (may be empty), or with None take the yank back (PEP 592)."""
    file = _must_find(connection, filename)
    entry = orjson.loads(file.entry)
    entry["yanked"] = False if reason is None else (reason or True)
    values = {
        "yanked": reason is not None,
        "yanked_reason": reason or "",
        "entry": orjson.dumps(entry).decode(),
    }
    connection.execute(update(files).where(files.c.filename == filename).values(**values))
    _touch(connection, file.name.project)
    action = "unyank" if reason is None else "yank"
    _note(connection, action, filename, {"reason": reason or ""}, actor=actor, now=now)


def set_state(connection: Connection, filename: str, state: State, *, reason: str, now: datetime) -> None:
    """Quarantine, withdraw or publish a file again."""
    file = _must_find(connection, filename)
    values = {"state": str(state), "state_reason": reason}
    connection.execute(update(files).where(files.c.filename == filename).values(**values))
    _touch(connection, file.name.project)
    _note(connection, str(state), filename, {"reason": reason}, actor="operator", now=now)


def totals(connection: Connection) -> dict[str, int]:
    """Counts for the statistics page and the metrics."""
    row = connection.execute(select(func.count(), func.coalesce(func.sum(files.c.size_bytes), 0))).one()
    names = connection.execute(select(func.count(func.distinct(files.c.project)))).scalar_one()
    return {"files": int(row[0]), "bytes": int(row[1]), "projects": int(names)}


def _must_find(connection: Connection, filename: str) -> LocalFile:
    file = find(connection, filename)
    if file is None:
        raise NotFoundError(
            f"the index has no file {filename!r}", hint="names are complete file names, as on the page"
        )
    return file


def _touch(connection: Connection, name: str) -> None:
    """Make sure the project is there, and give its page a new revision."""
    changed = connection.execute(
        update(projects).where(projects.c.name == name).values(revision=projects.c.revision + 1)
    )
    if not changed.rowcount:
        connection.execute(insert(projects).values(name=name, local=False, revision=1))


def _note(
    connection: Connection, action: str, subject: str, detail: dict[str, Any], *, actor: str, now: datetime
) -> None:
    act = ledger.Act(at=format_time(now), actor=actor, action=action, subject=subject, detail=detail)
    ledger.append(connection, act)


def _file(row: RowMapping) -> LocalFile:
    name = WheelName(**{field: row[field] for field in WheelName.__slots__})
    return LocalFile(
        name=name,
        sha256=row["sha256"],
        size_bytes=row["size_bytes"],
        state=State(row["state"]),
        yanked=row["yanked"],
        yanked_reason=row["yanked_reason"],
        uploaded_at=row["uploaded_at"],
        released_at=row["released_at"],
        entry=row["entry"],
    )


def _components(text: str) -> list[dict[str, str]]:
    """Name and version of each component of a CycloneDX document; anything else names none."""
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        return []
    listed = document.get("components") if isinstance(document, dict) else None
    return [
        {"name": str(item["name"])[:255], "version": str(item.get("version", ""))[:255]}
        for item in (listed if isinstance(listed, list) else [])
        if isinstance(item, dict) and isinstance(item.get("name"), str)
    ]
