"""Inputs kept in a plain directory: what a root was made from, for the day when no mirror has it any more.

Layout::

    INPUTS.json         [{"name": ..., "path": ..., "sha256": ..., "size_bytes": ...}, ...], sorted by hash
    sha256/AB/HASH      the files
"""

import json
import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from manyloong.errors import InputError, IntegrityError
from manyloong.events import Listener
from manyloong.store.files import write_whole
from manyloong.store.objects import Store, file_sha256
from manyloong.store.remote import TEXT_LIMIT_BYTES, Fetcher, RemoteFile

INDEX = "INPUTS.json"
_KEYS = ("name", "path", "sha256", "size_bytes")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def shelf_path(directory: Path, sha256: str) -> Path:
    """Where a file with that hash is, if it is there."""
    return directory / "sha256" / sha256[:2] / sha256


class ShelfFetcher:
    """Takes what a directory of kept inputs has, checked, and asks another fetcher for the rest."""

    def __init__(self, inner: Fetcher, *, store: Store, directory: Path) -> None:
        if not (directory / INDEX).is_file():
            raise InputError(
                f"{directory} holds no kept inputs: there is no {INDEX}",
                hint=f"make it: manyloong root vendor NAME {directory}",
            )
        self._inner = inner
        self._store = store
        self._directory = directory

    def fetch(self, files: Sequence[RemoteFile], *, label: str, listener: Listener) -> dict[str, Path]:
        """As the protocol says; IntegrityError for a kept file whose bytes are no longer what they were."""
        for file in files:
            kept = shelf_path(self._directory, file.sha256)
            if self._store.object_path(file.sha256) is None and kept.is_file():
                self._store.add_file(kept, file.sha256)
        return self._inner.fetch(files, label=label, listener=listener)

    def fetch_text(
        self, urls: Sequence[str], *, accept: str = "*/*", limit_bytes: int = TEXT_LIMIT_BYTES
    ) -> str:
        """Index data is never kept: it is only asked for what is not locked."""
        return self._inner.fetch_text(urls, accept=accept, limit_bytes=limit_bytes)


class RecordingFetcher:
    """Remembers every file that was asked for."""

    def __init__(self, inner: Fetcher) -> None:
        self._inner = inner
        self.files: dict[str, RemoteFile] = {}

    def fetch(self, files: Sequence[RemoteFile], *, label: str, listener: Listener) -> dict[str, Path]:
        """As the inner fetcher does; what it could not get is not remembered."""
        paths = self._inner.fetch(files, label=label, listener=listener)
        self.files |= {file.sha256: file for file in files}
        return paths

    def fetch_text(
        self, urls: Sequence[str], *, accept: str = "*/*", limit_bytes: int = TEXT_LIMIT_BYTES
    ) -> str:
        """As the inner fetcher does."""
        return self._inner.fetch_text(urls, accept=accept, limit_bytes=limit_bytes)


def fill_shelf(directory: Path, files: Sequence[RemoteFile], *, store: Store) -> int:
    """Copy files of the store into a directory, beside those that are there; the bytes that were added.

    The directory is usable at every moment: files appear whole, the index last.
    """
    added = 0
    for file in files:
        target = shelf_path(directory, file.sha256)
        source = store.object_path(file.sha256)
        if target.is_file() and file_sha256(target) == file.sha256:
            continue
        if source is None or file_sha256(source) != file.sha256:
            raise IntegrityError(
                f"the cache's copy of {file.name} (SHA-256 {file.sha256}) is damaged or gone",
                hint="remove damaged files from the cache: manyloong cache prune --all",
            )
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name}.{os.getpid()}")
        shutil.copyfile(source, temporary)
        temporary.chmod(0o644)
        temporary.replace(target)
        added += target.stat().st_size
    rows = {row["sha256"]: row for row in _rows(directory)} | {file.sha256: _row(file) for file in files}
    text = json.dumps([rows[key] for key in sorted(rows)], indent=1, sort_keys=True) + "\n"
    write_whole(directory / INDEX, text.encode())
    return added


def check_shelf(directory: Path) -> tuple[str, ...]:
    """One line for each file that the index names and that is missing or is not what it was."""
    faults = []
    for row in _rows(directory):
        path = shelf_path(directory, row["sha256"])
        if not path.is_file():
            faults.append(f"{row['name']}: missing (SHA-256 {row['sha256']})")
        elif (found := file_sha256(path)) != row["sha256"]:
            faults.append(f"{row['name']}: SHA-256 is {found}, expected {row['sha256']}")
    return tuple(faults)


def _row(file: RemoteFile) -> dict[str, Any]:
    return {
        "name": file.name,
        "sha256": file.sha256,
        "size_bytes": file.size_bytes,
        "path": file.urls[0].partition("/pool/")[2] if file.urls else "",
    }


def _rows(directory: Path) -> list[dict[str, Any]]:
    path = directory / INDEX
    if not path.is_file():
        return []
    try:
        rows = [{key: row[key] for key in _KEYS} for row in json.loads(path.read_text("utf-8"))]
    except (ValueError, KeyError, TypeError) as error:
        raise IntegrityError(f"{path}: {type(error).__name__}: {error}") from error
    for row in rows:
        if not (isinstance(row["sha256"], str) and _SHA256.fullmatch(row["sha256"])):
            raise IntegrityError(f"{path}: not a SHA-256: {row['sha256']!r}")
    return rows
