"""Rate limits: a bucket of permits per key that fills up again; for one process."""

import time
from collections import OrderedDict
from collections.abc import Callable

from manyloong.index.model import RefusedError

_KEYS = 10_000


class RateLimit:
    """At most ``per_minute`` acts for a key (a token, a client address), bursts up to the same number."""

    def __init__(self, per_minute: int, *, now: Callable[[], float] = time.monotonic) -> None:
        self.per_minute = per_minute
        self.now = now
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def check(self, key: str) -> None:
        """Raises RefusedError 429 when the bucket is empty; takes nothing."""
        if self._filled(key) < 1:
            raise RefusedError(
                "too many requests", status=429, hint=f"at most {self.per_minute} a minute; wait a little"
            )

    def take(self, key: str) -> None:
        """Use one permit."""
        self._buckets[key] = (max(0.0, self._filled(key) - 1), self.now())
        self._buckets.move_to_end(key)
        while len(self._buckets) > _KEYS:
            self._buckets.popitem(last=False)

    def _filled(self, key: str) -> float:
        permits, at = self._buckets.get(key, (float(self.per_minute), self.now()))
        return min(float(self.per_minute), permits + (self.now() - at) * self.per_minute / 60)
