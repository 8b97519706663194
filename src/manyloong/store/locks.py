"""Advisory file locks that die with their process: who works on what, who still uses what."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path


def open_locked(path: Path, *, shared: bool = False, wait: bool = True) -> int | None:
    """A descriptor of ``path`` (made if missing) that holds its lock until closed; None if taken.

    The kernel drops the lock when the process dies, however it dies. A file that was removed or replaced
    between opening and locking is opened again, so whoever holds the lock holds the one that has the name.
    """
    operation = (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB)
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, operation)
        except BlockingIOError:
            os.close(descriptor)
            return None
        except BaseException:
            os.close(descriptor)
            raise
        if _has_name(descriptor, path):
            return descriptor
        os.close(descriptor)


def _has_name(descriptor: int, path: Path) -> bool:
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(descriptor), path.stat())
    return False
