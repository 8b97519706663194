"""The audit log of the index: append-only, each entry bound to the one before it by its hash."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, insert, select

from manyloong.index.tables import ledger

GENESIS = "0" * 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing that was done; ``detail`` is JSON text."""

    seq: int
    at: str
    actor: str
    action: str
    subject: str
    detail: str
    previous: str

    @property
    def hash(self) -> str:
        """SHA-256 of the canonical JSON of all fields, the hash before it included."""
        fields = [self.seq, self.at, self.actor, self.action, self.subject, self.detail, self.previous]
        return hashlib.sha256(json.dumps(fields, ensure_ascii=False).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What is to be noted: who did what to which file, project or token."""

    at: str
    actor: str
    action: str
    subject: str
    detail: dict[str, Any]


def append(connection: Connection, act: Act) -> Entry:
    """Add an entry within the caller's ``writing`` transaction: act and note stand or fall together."""
    last = connection.execute(select(ledger).order_by(ledger.c.seq.desc()).limit(1)).first()
    entry = Entry(
        seq=last.seq + 1 if last else 1,
        at=act.at,
        actor=act.actor[:64],
        action=act.action,
        subject=act.subject,
        detail=json.dumps(act.detail, sort_keys=True, ensure_ascii=False),
        previous=last.hash if last else GENESIS,
    )
    connection.execute(insert(ledger).values(**_row(entry)))
    return entry


def entries(connection: Connection) -> Iterator[tuple[Entry, str]]:
    """Every entry in order, with the hash that was stored for it."""
    for row in connection.execute(select(ledger).order_by(ledger.c.seq)):
        fields = row._mapping  # noqa: SLF001 -- SQLAlchemy's public name
        yield Entry(**{key: fields[key] for key in fields if key != "hash"}), row.hash


def head(connection: Connection) -> tuple[int, str]:
    """Number and hash of the newest entry: keep it elsewhere and a cut-off tail shows."""
    row = connection.execute(
        select(ledger.c.seq, ledger.c.hash).order_by(ledger.c.seq.desc()).limit(1)
    ).first()
    return (row.seq, row.hash) if row else (0, GENESIS)


def count(connection: Connection) -> int:
    """How many entries there are."""
    return connection.execute(select(func.count()).select_from(ledger)).scalar_one()


def faults(connection: Connection) -> list[str]:
    """What is wrong with the chain, in words; empty when it is whole."""
    found = []
    previous, expected = GENESIS, 1
    for entry, stored in entries(connection):
        if entry.seq != expected:
            found.append(f"ledger: entry {expected} is missing")
        if entry.previous != previous:
            found.append(f"ledger: entry {entry.seq} does not follow the one before it")
        if entry.hash != stored:
            found.append(f"ledger: entry {entry.seq} ({entry.action} {entry.subject}) was changed")
        previous, expected = stored, entry.seq + 1
    return found


def _row(entry: Entry) -> dict[str, Any]:
    return {
        "seq": entry.seq,
        "at": entry.at,
        "actor": entry.actor,
        "action": entry.action,
        "subject": entry.subject,
        "detail": entry.detail,
        "previous": entry.previous,
        "hash": entry.hash,
    }
