"""Members of an archive side by side, within a bound on what is unpacked at one time.

Plain threads: the standard pool's import alone takes 8 ms of every audit.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Room:
    """Bytes that may be unpacked at one time; a member waits until it fits."""

    def __init__(self, limit: int) -> None:
        self._free = limit
        self._changed = threading.Condition()

    @contextmanager
    def of(self, size: int) -> Iterator[None]:
        """Hold room for one member."""
        with self._changed:
            self._changed.wait_for(lambda: self._free >= size)
            self._free -= size
        try:
            yield
        finally:
            with self._changed:
                self._free += size
                self._changed.notify_all()


@contextmanager
def at_once(work: Callable[[], None], *, threads: int) -> Iterator[None]:
    """Run ``work`` in so many threads beside the block; ends when all have, raises what the first raised."""
    faults: list[Exception] = []

    def run() -> None:
        try:
            work()
        except Exception as fault:  # noqa: BLE001  raised again below, in the thread that waits
            faults.append(fault)

    started = [threading.Thread(target=run, daemon=True) for _ in range(threads)]
    for one in started:
        one.start()
    try:
        yield
    finally:
        for one in started:
            one.join()
    if faults:
        raise faults[0]
