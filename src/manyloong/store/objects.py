"""The cache: objects by their SHA-256, trees by kind and key, small JSON results, scratch directories.

Layout below ``path``::

    objects/sha256/AB/HASH-SIZE      files; the size in the name makes a truncated file visible at once
    trees/KIND/KEY/                  directories built once, renamed into place when whole
    results/KIND/KEY.json            small results, sealed
    partial/HASH.part                downloads under way (see fetch.py)
    scratch/NAME/ + NAME.lock        private directories of running processes
    locks/...                        who builds what, who uses what

Several processes may share a store; a process killed at any point leaves nothing that the next must repair.
"""

import hashlib
import json
import os
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from manyloong.errors import BusyError, InputError, IntegrityError
from manyloong.store.files import write_whole
from manyloong.store.guard import Damage, look_at, write_lines
from manyloong.store.locks import open_locked
from manyloong.store.scratch import remove_tree, scratch_directory, sweep_scratch
from manyloong.store.seal import sealed_document, unsealed_document
from manyloong.store.usage import StoreInfo, prune_store, read_info

WAIT_FOR_BUILD_S = 3600.0
KEEP_DAYS = 30
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+=~-]{0,199}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


class Store:
    """One cache directory. Cheap to make; touches the disk only when used."""

    def __init__(
        self, path: Path, *, below: "Store | None" = None, own: frozenset[str] = frozenset()
    ) -> None:
        self.path = path
        self._below = below  # asked for what is not here, but for the kinds ``own``
        self._own = own
        self._used: dict[Path, int | None] = {}  # shared locks held until this process ends
        self._use_guard = threading.Lock()
        self._swept = False
        self._looked: set[Path] = set()  # trees that were found unchanged
        self._look_guard = threading.RLock()
        self._later = 0  # how many blocks put looks off
        self._put_off: dict[Path, tuple[str, str]] = {}  # trees that were found, and not looked at yet

    # ---- objects

    def object_path(self, sha256: str) -> Path | None:
        """The file with this hash, or None; a file whose size is not what it was is removed, so None."""
        found = next(self._shelf(sha256).glob(f"{sha256}-*"), None)
        if found is None:
            return self._below.object_path(sha256) if self._below else None
        self._use(self.path / "locks" / "objects.use")
        with suppress(FileNotFoundError):
            if found.stat().st_size == int(found.name.rpartition("-")[2]):
                with suppress(PermissionError):
                    os.utime(found)
                return found
            found.unlink()
        return None

    def add_bytes(self, data: bytes) -> str:
        """Put bytes into the store; their SHA-256."""
        sha256 = hashlib.sha256(data).hexdigest()
        if not self.verify(sha256):
            with self.scratch("object") as directory:
                temporary = directory / "data"
                temporary.write_bytes(data)
                self.adopt(temporary, sha256)
        return sha256

    def add_file(self, path: Path, expected: str | None = None) -> str:
        """Put a copy of a file into the store; IntegrityError if it has not the expected SHA-256."""
        with self.scratch("object") as directory:
            temporary = directory / "data"
            shutil.copyfile(path, temporary)
            sha256 = file_sha256(temporary)
            if expected is not None and sha256 != expected:
                raise IntegrityError(
                    f"{path} has SHA-256 {sha256}, expected {expected}",
                    hint="the file is damaged or not the one that was meant; get it again",
                )
            if not self.verify(sha256):
                self.adopt(temporary, sha256)
        return sha256

    def adopt(self, path: Path, sha256: str) -> Path:
        """Move a file of this store's file system, already hashed by the caller, to its final name."""
        self._use(self.path / "locks" / "objects.use")
        with path.open("rb") as stream:
            os.fsync(stream.fileno())
        final = self._shelf(sha256) / f"{sha256}-{path.stat().st_size}"
        final.parent.mkdir(parents=True, exist_ok=True)
        path.chmod(0o444)
        path.replace(final)
        return final

    def verify(self, sha256: str) -> bool:
        """Hash the object again; a damaged one is removed, and False is the answer as for a missing one."""
        found = self.object_path(sha256)
        if found is None:
            return False
        if file_sha256(found) == sha256:
            return True
        found.unlink(missing_ok=True)
        return False

    def partial_path(self, sha256: str) -> Path:
        """Where the bytes of an object gather while it is downloaded."""
        self._use(self.path / "locks" / "objects.use")
        self._shelf(sha256)  # checks the hash's form
        directory = self.path / "partial"
        directory.mkdir(parents=True, exist_ok=True)
        return directory / f"{sha256}.part"

    def _shelf(self, sha256: str) -> Path:
        if not _SHA256.fullmatch(sha256):
            raise InputError(f"not a SHA-256: {sha256!r}")
        return self.path / "objects" / "sha256" / sha256[:2]

    # ---- trees

    def tree_path(self, kind: str, key: str) -> Path | None:
        """The finished tree, or None. It is not pruned while this process lives. Do not write into it."""
        self._use(self._lock_path(kind, key, "use"))
        final = self._tree(kind, key)
        if not final.is_dir() and self._below and kind not in self._own:
            return self._below.tree_path(kind, key)
        if not final.is_dir():
            return None
        if self._later:
            self._put_off[final] = (kind, key)
        else:
            self._look(kind, key, final)
        return final

    def tree(self, kind: str, key: str, build: Callable[[Path], None]) -> Path:
        """The tree, built by ``build(empty directory)`` if it is not there; others wait for one builder.

        BusyError if another process builds it for more than an hour.
        """
        found = self.tree_path(kind, key)
        if found is not None:
            return found
        final = self._tree(kind, key)
        lock_path = self._lock_path(kind, key, "build")
        try:
            with FileLock(lock_path, timeout=WAIT_FOR_BUILD_S):
                if not final.is_dir():
                    self.look_now()  # at what it may be made of
                    self._build(final, build, self._lock_path(kind, key, "lines"))
        except Timeout as error:
            raise BusyError(
                f"another process has been building {kind} {key} for an hour",
                hint=f"see who: fuser {lock_path}",
            ) from error
        return final

    @contextmanager
    def looking_later(self) -> Iterator[None]:
        """Trees found in this block are looked at when one is made here, or by ``look_now``.

        For what finds many trees and may come to use none, as a job whose wheel is kept.
        """
        with self._below.looking_later() if self._below else nullcontext():
            self._later += 1
            try:
                yield
            finally:
                self._later -= 1

    def look_now(self) -> None:
        """IntegrityError for a tree that was changed, of those whose look was put off."""
        with self._look_guard:  # nobody goes on while another thread looks
            for final, (kind, key) in list(self._put_off.items()):
                self._look(kind, key, final)
                del self._put_off[final]
        if self._below:
            self._below.look_now()

    def _build(self, final: Path, build: Callable[[Path], None], lines: Path) -> None:
        with self.scratch("tree") as directory:
            new = directory / "new"
            new.mkdir()
            build(new)
            final.parent.mkdir(parents=True, exist_ok=True)
            found = write_lines(new)
            write_whole(lines, found)  # first: no tree is ever there that nobody looks at
            new.rename(final)

    def _look(self, kind: str, key: str, final: Path) -> None:
        """IntegrityError for a tree that was changed since it was built; looked at once in a process."""
        lines = self._lock_path(kind, key, "lines")
        with self._use_guard:
            if lines in self._looked or not lines.is_file():
                return
        seen = look_at(final, lines.read_bytes())
        if seen.changed:
            more = f" and {len(seen.changed) - 1} more" if len(seen.changed) > 1 else ""
            raise IntegrityError(
                f"{kind} {key} in the cache was changed since it was made: {seen.changed[0]}{more}",
                hint="remove what is damaged, so that it is made again: manyloong cache verify --remove",
            )
        if seen.renewed is not None:
            write_whole(lines, seen.renewed)
        with self._use_guard:
            self._looked.add(lines)

    def damaged(self) -> Iterator[Damage]:
        """Everything in the store that is not what it was, every byte read, in order."""
        for found in sorted((self.path / "objects" / "sha256").glob("*/*")):
            sha256 = found.name.partition("-")[0]
            if file_sha256(found) != sha256:
                yield Damage(kind="object", key=sha256)
        for tree in sorted((self.path / "trees").glob("*/*")):
            kind, key = tree.parent.name, tree.name
            lines = self._lock_path(kind, key, "lines")
            if lines.is_file():
                changed = look_at(tree, lines.read_bytes(), thorough=True).changed
                if changed:
                    yield Damage(kind=kind, key=key, paths=changed)
        for path in sorted((self.path / "results").glob("*/*.json")):
            try:
                unsealed_document(path.read_bytes())
            except ValueError:
                yield Damage(kind="result", key=f"{path.parent.name}/{path.stem}")

    def remove_damaged(self, damage: Damage) -> None:
        """Remove it; what needs it makes or fetches it again."""
        if damage.kind == "object":
            self.verify(damage.key)
        elif damage.kind == "result":
            (self.path / "results" / f"{damage.key}.json").unlink(missing_ok=True)
        else:
            self.remove_tree(damage.kind, damage.key)

    def _tree(self, kind: str, key: str) -> Path:
        return self.path / "trees" / _checked(kind) / _checked(key)

    def _lock_path(self, kind: str, key: str, role: str) -> Path:
        path = self.path / "locks" / "trees" / _checked(kind) / f"{_checked(key)}.{role}"
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    # ---- small results

    def put_json(self, kind: str, key: str, document: Any) -> None:
        """Keep a small JSON document; it appears whole."""
        final = self._json(kind, key)
        final.parent.mkdir(parents=True, exist_ok=True)
        with self.scratch("json") as directory:
            temporary = directory / "data"
            temporary.write_bytes(sealed_document(document))
            temporary.replace(final)

    def get_json(self, kind: str, key: str) -> Any | None:
        """The document kept, or None if there is none; IntegrityError for one that was changed."""
        try:
            data = self._json(kind, key).read_bytes()
        except FileNotFoundError:
            return self._elsewhere(kind, key)
        if not data:
            return None  # a machine that lost its power
        try:
            return unsealed_document(data)
        except ValueError as error:
            raise IntegrityError(
                f"{self._json(kind, key)} was changed after it was written: {error}",
                hint="remove what is damaged, so that it is made again: manyloong cache verify --remove",
            ) from None

    def _elsewhere(self, kind: str, key: str) -> Any | None:
        """The document as older releases kept it, or of the store below."""
        with suppress(OSError, ValueError):
            return json.loads((self.path / "json" / _checked(kind) / f"{_checked(key)}.json").read_bytes())
        return self._below.get_json(kind, key) if self._below and kind not in self._own else None

    def _json(self, kind: str, key: str) -> Path:
        return self.path / "results" / _checked(kind) / f"{_checked(key)}.json"

    # ---- scratch, use, housekeeping

    def scratch(self, prefix: str) -> AbstractContextManager[Path]:
        """A private directory on the store's file system, removed at exit."""
        return self._scratch(_checked(prefix))

    @contextmanager
    def _scratch(self, prefix: str) -> Iterator[Path]:
        parent = self.path / "scratch"
        if not self._swept:
            self._swept = True
            parent.mkdir(parents=True, exist_ok=True)
            sweep_scratch(parent)
        with scratch_directory(parent, prefix) as path:
            yield path

    def info(self) -> StoreInfo:
        """What the store holds and how much of the disk it takes."""
        return read_info(self.path)

    def prune(self, *, keep_days: int | None = KEEP_DAYS, everything: bool = False) -> int:
        """Remove what was not used for ``keep_days`` (None: keep all but leftovers); bytes freed.

        What a live process uses stays, also with ``everything``.
        """
        self.release()
        return prune_store(self.path, keep_days=0 if everything else keep_days)

    def release(self) -> None:
        """Say that this process no longer needs the trees and objects it was given."""
        for descriptor in self._used.values():
            if descriptor is not None:
                os.close(descriptor)
        self._used.clear()

    def _use(self, lock: Path) -> None:
        with self._use_guard:
            if lock not in self._used:
                self._used[lock] = open_locked(lock, shared=True)
                os.utime(lock)

    def remove_tree(self, kind: str, key: str) -> None:
        """Remove a tree that turned out to be wrong; the next ``tree`` builds it again."""
        final = self._tree(kind, key)
        with FileLock(self._lock_path(kind, key, "build")), self.scratch("gone") as directory:
            with suppress(FileNotFoundError):
                final.rename(directory / "old")
            remove_tree(directory / "old")


def _checked(name: str) -> str:
    if not _KEY.fullmatch(name):
        raise InputError(f"not a name the store can use: {name!r}")
    return name
