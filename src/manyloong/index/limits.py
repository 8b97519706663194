"""Rate limits: a bucket of permits per key that fills up again; kept in the database.

All processes that serve an index share its buckets, and a restart does not fill them.
"""

import time
from collections.abc import Callable

from sqlalchemy import Connection, Engine, delete, insert, select

from manyloong.index.database import reading, writing
from manyloong.index.model import RefusedError
from manyloong.index.tables import limits

_FULL_AFTER_S = 60.0


class RateLimit:
    """At most ``per_minute`` acts for a key (a token, a client address), bursts up to the same number."""

    def __init__(
        self, engine: Engine, name: str, per_minute: int, *, now: Callable[[], float] = time.time
    ) -> None:
        self.engine = engine
        self.name = name
        self.per_minute = per_minute
        self.now = now

    def check(self, key: str) -> None:
        """Raises RefusedError 429 when the bucket is empty; takes nothing (call in a thread)."""
        with reading(self.engine) as connection:
            if self._permits(connection, self._key(key)) < 1:
                raise self._refusal()

    def take(self, key: str) -> None:
        """Use one permit (call in a thread); raises RefusedError 429 when there is none."""
        bucket = self._key(key)
        with writing(self.engine) as connection:
            permits = self._permits(connection, bucket)
            if permits < 1:
                raise self._refusal()
            full_again = limits.c.at < self.now() - _FULL_AFTER_S
            connection.execute(delete(limits).where(full_again | (limits.c.bucket == bucket)))
            connection.execute(insert(limits).values(bucket=bucket, permits=permits - 1, at=self.now()))

    def _permits(self, connection: Connection, bucket: str) -> float:
        row = connection.execute(select(limits).where(limits.c.bucket == bucket)).first()
        if row is None:
            return float(self.per_minute)
        passed_s = max(0.0, self.now() - row.at)
        held: float = row.permits + passed_s * self.per_minute / _FULL_AFTER_S
        return min(float(self.per_minute), held)

    def _key(self, key: str) -> str:
        plain = "".join(letter for letter in key if letter.isprintable())
        return f"{self.name}:{plain[:200]}"

    def _refusal(self) -> RefusedError:
        hint = f"at most {self.per_minute} a minute; wait a little"
        return RefusedError("too many requests", status=429, hint=hint)
