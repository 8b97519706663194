"""Files and folders that appear whole, outside the store too."""

import os
import shutil
import tempfile
from pathlib import Path


def write_whole(path: Path, data: bytes) -> None:
    """The bytes at ``path``, whole or not at all; folders above it are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_all(descriptor: int, data: bytes, *, offset: int) -> None:
    """Write at an offset until nothing is left; on a nearly full disk the system writes a part only."""
    left = memoryview(data)
    while left:
        written = os.pwrite(descriptor, left, offset)
        offset += written
        left = left[written:]


def keep_directory(store: Path, place: Path, *, name: str) -> Path:
    """A scratch folder saved from removal: moved to the store's ``kept/NAME``, in place of an older one."""
    kept = store / "kept" / name
    kept.parent.mkdir(parents=True, exist_ok=True)
    if kept.exists():
        shutil.rmtree(kept)
    return place.rename(kept)


def save_log(store: Path, log: Path, *, name: str) -> Path | None:
    """A copy of a log that outlives its job, at the store's ``logs/NAME.log``; None where there is no log."""
    if not log.is_file():
        return None
    kept = store / "logs" / f"{name}.log"
    write_whole(kept, log.read_bytes())
    return kept


def save_folder(store: Path, folder: Path, *, name: str) -> Path | None:
    """A copy of a folder that outlives its job, at the store's ``logs/NAME``; None where nothing is in it."""
    if not folder.is_dir() or not any(folder.iterdir()):
        return None
    kept = store / "logs" / name
    shutil.rmtree(kept, ignore_errors=True)
    shutil.copytree(folder, kept, symlinks=True)
    return kept
