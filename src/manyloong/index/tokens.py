"""Upload tokens: 256 random bits, stored as a hash, scoped to projects, expiring, revocable."""

import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Row, insert, select, update

from manyloong.errors import NotFoundError
from manyloong.index import ledger
from manyloong.index.model import RefusedError, format_time, parse_time
from manyloong.index.tables import tokens

PREFIX = "mnl"
_NOBODY = hashlib.sha256(b"no token has this digest").hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What a token may do; no projects means every project."""

    id: str
    note: str
    projects: tuple[str, ...]
    expires_at: str
    revoked_at: str

    def permits(self, project: str) -> bool:
        """Whether it may upload to a project (normalised name)."""
        return not self.projects or project in self.projects


def create_token(
    connection: Connection, *, projects: tuple[str, ...], note: str, now: datetime, lifetime: timedelta
) -> str:
    """Make a token and return its secret text, which is kept nowhere."""
    token_id = secrets.token_hex(8)
    secret = secrets.token_urlsafe(32)
    expires_at = format_time(now + lifetime)
    connection.execute(
        insert(tokens).values(
            id=token_id,
            digest=_digest(secret),
            note=note,
            projects=json.dumps(sorted(projects)),
            created_at=format_time(now),
            expires_at=expires_at,
            revoked_at="",
        )
    )
    detail = {"projects": sorted(projects), "expires_at": expires_at, "note": note}
    act = ledger.Act(
        at=format_time(now), actor="operator", action="token-create", subject=token_id, detail=detail
    )
    ledger.append(connection, act)
    return f"{PREFIX}-{token_id}-{secret}"


def check_token(connection: Connection, text: str, *, now: datetime) -> Token:
    """The token of a secret text; takes the same time whether the id, the secret or both are wrong.

    Raises RefusedError 403 for an unknown, expired or revoked one.
    """
    prefix, _, rest = text.partition("-")
    token_id, _, secret = rest.partition("-")
    row = connection.execute(select(tokens).where(tokens.c.id == _plain(token_id))).first()
    known = hmac.compare_digest(_digest(secret), row.digest if row else _NOBODY)
    if row is None or not known or prefix != PREFIX:
        raise RefusedError(
            "invalid token", status=403, hint="make one: manyloong index token create --root DIR"
        )
    if row.revoked_at:
        raise RefusedError(f"the token {row.id} was revoked", status=403)
    if parse_time(row.expires_at) <= now:
        raise RefusedError(f"the token {row.id} expired on {row.expires_at[:10]}", status=403)
    return _token(row)


def revoke_token(connection: Connection, token_id: str, *, now: datetime) -> None:
    """Make a token useless from now on; raises NotFoundError for an id that is not there."""
    changed = connection.execute(
        update(tokens)
        .where(tokens.c.id == _plain(token_id), tokens.c.revoked_at == "")
        .values(revoked_at=format_time(now))
    )
    if not changed.rowcount:
        raise NotFoundError(
            f"no token {token_id!r} that could be revoked", hint="see `manyloong index token list`"
        )
    act = ledger.Act(
        at=format_time(now), actor="operator", action="token-revoke", subject=token_id, detail={}
    )
    ledger.append(connection, act)


def list_tokens(connection: Connection) -> tuple[Token, ...]:
    """Every token, the oldest first."""
    return tuple(_token(row) for row in connection.execute(select(tokens).order_by(tokens.c.created_at)))


def _token(row: Row[tuple[object, ...]]) -> Token:
    return Token(
        id=row.id,
        note=row.note,
        projects=tuple(json.loads(row.projects)),
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
    )


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def _plain(token_id: str) -> str:
    """An id as the database can take it: PostgreSQL refuses NUL, ids are 16 hex digits."""
    return token_id if token_id.isascii() and token_id.isalnum() and len(token_id) <= 32 else ""
