"""Parallel downloads into the store: resumed, hashed, several addresses in order, retried with back-off."""

import hashlib
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from manyloong.errors import FetchError, GoneError, IntegrityError
from manyloong.events import Downloading, Listener, Warned
from manyloong.store.files import write_all
from manyloong.store.locks import open_locked
from manyloong.store.objects import Store
from manyloong.store.remote import TEXT_LIMIT_BYTES, RemoteFile
from manyloong.store.transport import AddressError, open_url, read_text

PARALLEL = 6
ATTEMPTS = 3  # rounds over all addresses of a file
BACK_OFF_S = (0.5, 2.0)
UNKNOWN_SIZE_LIMIT_BYTES = 8 << 30
REPORT_EVERY_S = 0.1


class _StoppedError(Exception):
    """Another file of the same fetch failed; this one stops early."""


@dataclass(slots=True)
class _Progress:
    """Bytes of all files of one fetch; the one thing its threads share."""

    label: str
    listener: Listener
    total_bytes: int
    done_bytes: int = 0
    stop: threading.Event = field(default_factory=threading.Event)
    _guard: threading.Lock = field(default_factory=threading.Lock)
    _reported: float = 0.0

    def add(self, count: int, *, final: bool = False) -> None:
        if self.stop.is_set() and not final:
            raise _StoppedError
        with self._guard:
            self.done_bytes += count
            now = time.monotonic()
            if not final and now - self._reported < REPORT_EVERY_S:
                return
            self._reported = now
            total = max(self.total_bytes, self.done_bytes)
            self.listener(Downloading(label=self.label, done_bytes=self.done_bytes, total_bytes=total))


class HttpFetcher:
    """The Fetcher of real life: HTTP, HTTPS and file addresses; TLS trust as the platform has it."""

    def __init__(
        self,
        store: Store,
        *,
        offline: bool = False,
        parallel: int = PARALLEL,
        attempts: int = ATTEMPTS,
        timeout_s: float = 30.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._store = store
        self._offline = offline
        self._parallel = parallel
        self._attempts = attempts
        self._timeout = httpx.Timeout(timeout_s, connect=min(timeout_s, 10.0))
        self._sleep = sleep
        self._failing: set[str] = set()  # origins that did not answer; tried last from then on
        self._client: httpx.Client | None = None
        self._client_guard = threading.Lock()

    def close(self) -> None:
        """Give the connections back; the next fetch opens new ones."""
        with self._client_guard:
            if self._client is not None:
                self._client.close()
                self._client = None

    def fetch(self, files: Sequence[RemoteFile], *, label: str, listener: Listener) -> dict[str, Path]:
        """Every file as SHA-256 -> path in the store; see the protocol for the errors."""
        wanted = {file.sha256: file for file in files}
        have = {sha256: path for sha256 in wanted if (path := self._sound(wanted[sha256], listener))}
        missing = [file for sha256, file in wanted.items() if sha256 not in have]
        if missing and self._offline:
            raise FetchError(_offline_message(missing), hint="run once without --offline")
        if missing:
            total = sum(file.size_bytes or 0 for file in missing)
            have |= self._fetch_all(missing, _Progress(label, listener, total))
        return have

    def _sound(self, file: RemoteFile, listener: Listener) -> Path | None:
        """The file in the store, hashed again; a damaged one is named, removed and got anew."""
        path = self._store.object_path(file.sha256)
        if path is None or self._store.verify(file.sha256):
            return path
        text = f"{file.name} in the cache was damaged (its SHA-256 was not {file.sha256}); it is removed"
        listener(Warned(text=text))
        return None

    def _fetch_all(self, files: list[RemoteFile], progress: _Progress) -> dict[str, Path]:
        largest_first = sorted(files, key=lambda file: -(file.size_bytes or 0))
        with ThreadPoolExecutor(self._parallel, thread_name_prefix="fetch") as pool:
            futures = {pool.submit(self._fetch_one, file, progress): file for file in largest_first}
            try:
                paths, gone = _gather(futures)
            finally:
                progress.stop.set()
                pool.shutdown(cancel_futures=True)
        progress.add(0, final=True)
        if gone:
            names = tuple(sorted(file.name for file in gone))
            raise GoneError(f"no longer on any mirror: {', '.join(names)}", names=names, hint=_try_mirror())
        return paths

    def _fetch_one(self, file: RemoteFile, progress: _Progress) -> Path | None:
        """The object's path; None if all its addresses say 404."""
        part = self._store.partial_path(file.sha256)
        descriptor = open_locked(part)
        if descriptor is None:  # cannot be: it waits
            raise FetchError(f"cannot lock {part}")
        try:
            found = self._store.object_path(file.sha256)  # another process may have been first
            if found is not None:
                progress.add(file.size_bytes or 0)
                part.unlink(missing_ok=True)
                return found
            if not self._download(file, _Part(descriptor, file, progress)):
                part.unlink(missing_ok=True)
                return None
            return self._store.adopt(part, file.sha256)
        finally:
            os.close(descriptor)

    def _download(self, file: RemoteFile, part: "_Part") -> bool:
        """Whether the part file holds the right bytes now; False if the file is gone everywhere."""
        errors: dict[str, AddressError] = {}
        for attempt in range(self._attempts):
            if attempt:
                self._sleep(BACK_OFF_S[min(attempt, len(BACK_OFF_S)) - 1])
            for url in self._in_order(file.urls, errors):
                if self._not_worth_asking(url, errors):
                    continue
                try:
                    self._download_from(url, part)
                except AddressError as error:
                    errors[url] = error
                    if error.down:
                        self._failing.add(_origin(url))
                else:
                    return True
            if all(error.final for error in errors.values()) or _seems_gone(errors.values()):
                break
        return _give_up(file, errors)

    def _in_order(self, urls: tuple[str, ...], errors: dict[str, AddressError]) -> list[str]:
        open_urls = [url for url in urls if url not in errors or not errors[url].final]
        return sorted(open_urls, key=lambda url: _origin(url) in self._failing)

    def _not_worth_asking(self, url: str, errors: dict[str, AddressError]) -> bool:
        """A host that did not answer, for a file that a working mirror no longer has."""
        return _origin(url) in self._failing and any(error.kind == "gone" for error in errors.values())

    def _download_from(self, url: str, part: "_Part") -> None:
        resumed = part.resume()
        if part.is_right():
            return
        try:
            with open_url(self._http(), url, start=resumed) as answer:
                if answer.start != resumed:
                    part.restart()
                for block in answer.blocks:
                    part.write(block)
            part.check(url, again=resumed > 0)
        except AddressError as error:
            if error.kind == "wrong":
                part.restart()
            raise

    def fetch_text(
        self, urls: Sequence[str], *, accept: str = "*/*", limit_bytes: int = TEXT_LIMIT_BYTES
    ) -> str:
        """The text at the first address that answers; offline, what was got last time."""
        keys = {url: hashlib.sha256(f"{url}\n{accept}".encode()).hexdigest() for url in urls}
        if self._offline:
            kept = [text for key in keys.values() if (text := self._store.get_json("text", key)) is not None]
            if not kept:
                raise FetchError(f"offline, and never fetched before: {', '.join(urls)}", hint=_go_online())
            return str(kept[0])
        url, text = self._first_text(urls, accept, limit_bytes)
        self._store.put_json("text", keys[url], text)
        return text

    def _first_text(self, urls: Sequence[str], accept: str, limit_bytes: int) -> tuple[str, str]:
        errors: dict[str, AddressError] = {}
        for attempt in range(self._attempts):
            if attempt:
                self._sleep(BACK_OFF_S[min(attempt, len(BACK_OFF_S)) - 1])
            for url in self._in_order(tuple(urls), errors):
                try:
                    return url, read_text(self._http(), url, accept=accept, limit_bytes=limit_bytes)
                except AddressError as error:
                    errors[url] = error
            if all(error.final for error in errors.values()):
                break
        if all(error.kind == "gone" for error in errors.values()):
            raise GoneError(f"not found: {', '.join(urls)}", names=tuple(urls))
        raise FetchError("; ".join(str(error) for error in errors.values()), hint=_try_mirror())

    def _http(self) -> httpx.Client:
        with self._client_guard:
            if self._client is None:
                limits = httpx.Limits(max_connections=self._parallel + 2)
                headers = {"Accept-Encoding": "identity", "User-Agent": "manyloong"}
                self._client = httpx.Client(
                    timeout=self._timeout, limits=limits, headers=headers, follow_redirects=True
                )
                weakref.finalize(self, self._client.close)  # kept connections end with the fetcher
            return self._client


class _Part:
    """The growing file of one download and its hash so far."""

    def __init__(self, descriptor: int, file: RemoteFile, progress: _Progress) -> None:
        self.file = file
        self._descriptor = descriptor
        self._progress = progress
        self._limit = UNKNOWN_SIZE_LIMIT_BYTES if file.size_bytes is None else file.size_bytes
        self._hash = hashlib.sha256()
        self._size = 0

    def resume(self) -> int:
        """Hash what is there; the offset to go on from."""
        if self._size == 0:
            while block := os.pread(self._descriptor, 1 << 20, self._size):
                self._count(block)
        if self._size >= self._limit and not self.is_right():
            self.restart()  # too long, or whole and wrong: nothing to go on from
        return self._size

    def restart(self) -> None:
        os.ftruncate(self._descriptor, 0)
        self._progress.add(-self._size)
        self._hash, self._size = hashlib.sha256(), 0

    def write(self, block: bytes) -> None:
        if self._size + len(block) > self._limit:
            text = f"{self.file.name}: more than the expected {self._limit} bytes came"
            raise AddressError(text, kind="wrong", final=True)
        write_all(self._descriptor, block, offset=self._size)
        self._count(block)

    def is_right(self) -> bool:
        return self._hash.hexdigest() == self.file.sha256

    def check(self, url: str, *, again: bool) -> None:
        if not self.is_right():
            text = f"{url}: SHA-256 is {self._hash.hexdigest()}, expected {self.file.sha256}"
            raise AddressError(text, kind="wrong", final=not again)

    def _count(self, block: bytes) -> None:
        self._hash.update(block)
        self._size += len(block)
        self._progress.add(len(block))


def _gather(futures: dict[Future[Path | None], RemoteFile]) -> tuple[dict[str, Path], list[RemoteFile]]:
    """Paths and gone files; the first real error is raised at once."""
    wait(futures, return_when=FIRST_EXCEPTION)
    failed = [future for future in futures if future.done() and not future.cancelled() and future.exception()]
    for future in sorted(failed, key=lambda future: isinstance(future.exception(), _StoppedError)):
        future.result()
    paths: dict[str, Path] = {}
    gone = []
    for future, file in futures.items():
        path = future.result()
        if path is None:
            gone.append(file)
        else:
            paths[file.sha256] = path
    return paths, gone


def _seems_gone(errors: Iterable[AddressError]) -> bool:
    """Whether a mirror says it has no such file, and no other that works says otherwise."""
    kinds = {error.kind for error in errors}
    return "gone" in kinds and kinds <= {"gone", "down"}


def _give_up(file: RemoteFile, errors: dict[str, AddressError]) -> bool:
    if not errors:
        raise FetchError(f"{file.name}: no address to fetch it from", hint=_try_mirror())
    if _seems_gone(errors.values()):
        return False
    text = "; ".join(
        f"{_origin(url)}: {str(error).removeprefix(url + ': ')}" for url, error in errors.items()
    )
    kinds = {error.kind for error in errors.values()}
    if "wrong" in kinds and kinds <= {"wrong", "gone", "down"}:  # whoever answers has other bytes
        raise IntegrityError(
            f"{file.name}: no address gives the right bytes: {text}",
            hint="a mirror or proxy is out of date or damaged; name another mirror",
        )
    raise FetchError(f"cannot download {file.name}: {text}", hint=_try_mirror())


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _offline_message(missing: list[RemoteFile]) -> str:
    names = sorted(file.name for file in missing)
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return f"offline, and not in the cache: {', '.join(names[:5])}{more}"


def _go_online() -> str:
    return "run once without --offline"


def _try_mirror() -> str:
    return "check the network (manyloong doctor), or name another mirror, e.g. MANYLOONG_DEBIAN_MIRROR"
