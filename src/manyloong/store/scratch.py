"""Private directories beside what they will become, and the removal of those whose process died."""

import os
import secrets
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from manyloong.store.locks import open_locked


@contextmanager
def scratch_directory(parent: Path, prefix: str) -> Iterator[Path]:
    """A new private directory in ``parent``, removed at exit; its lock file says that we live."""
    name = f"{prefix}-{secrets.token_hex(6)}"
    lock = parent / f"{name}.lock"
    descriptor = open_locked(lock)
    path = parent / name
    path.mkdir(mode=0o700)
    try:
        yield path
    finally:
        remove_tree(path)
        lock.unlink(missing_ok=True)
        if descriptor is not None:
            os.close(descriptor)


def sweep_scratch(parent: Path) -> int:
    """Remove what killed processes left in ``parent``, never what a live one uses; bytes freed."""
    freed = 0
    for lock in sorted(parent.glob("*.lock")):
        descriptor = open_locked(lock, wait=False)
        if descriptor is None:
            continue
        left = lock.with_suffix("")
        freed += size_of(left)
        remove_tree(left)
        lock.unlink(missing_ok=True)
        os.close(descriptor)
    return freed


def remove_tree(path: Path) -> None:
    """Remove a file or directory with all in it, also where directories are not writable."""
    if path.is_symlink() or not path.is_dir():
        path.unlink(missing_ok=True)
        return

    def unprotect(function: Callable[..., object], name: str, _error: object) -> None:
        for where in (Path(name).parent, Path(name)):
            if where == path.parent or where.is_symlink():
                continue
            with suppress(FileNotFoundError):
                where.chmod(where.stat().st_mode | stat.S_IRWXU)
        if function in {os.open, os.scandir, os.lstat}:  # could not even look inside: now we can
            remove_tree(Path(name))
            return
        with suppress(FileNotFoundError):
            function(name)

    shutil.rmtree(path, onerror=unprotect)


def size_of(path: Path) -> int:
    """Bytes on disk below a path (blocks, so sparse files count for what they take)."""
    total = 0
    try:
        entries = list(os.scandir(path))
    except (NotADirectoryError, FileNotFoundError):
        with suppress(FileNotFoundError):
            return path.lstat().st_blocks * 512
        return 0
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            total += size_of(Path(entry.path))
        else:
            with suppress(FileNotFoundError):
                total += entry.stat(follow_symlinks=False).st_blocks * 512
    return total
