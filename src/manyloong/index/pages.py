"""Finished project pages in memory: built once, checked for news every second, bounded in bytes."""

import asyncio
import gzip
import struct
import time
import zlib
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import sha256

import zstandard
from anyio import to_thread
from sqlalchemy import Engine
from starlette.types import Message

from manyloong.errors import FetchError, NotFoundError
from manyloong.index import shelf
from manyloong.index.database import reading
from manyloong.index.merge import local_page, merged_page, shows_all
from manyloong.index.model import Project, RefusedError
from manyloong.index.render import project_html
from manyloong.index.stored_page import with_files
from manyloong.index.upstream import Freshness, Known, Upstream
from manyloong.index.upstream_page import JSON_TYPE

CHECKED_EVERY_S = 1.0
_LARGE_BYTES = 1 << 20  # from here on pages are compressed for speed rather than size
_PARTS = 4
_NO_UPSTREAM = Known(digest="", checked_at=0.0, found=False, freshness=Freshness.OFF)


@dataclass(frozen=True, slots=True, kw_only=True)
class Messages:
    """A page as ASGI messages, made once."""

    etag: str
    start: Message
    body: Message
    unchanged: Message


@dataclass(slots=True, kw_only=True)
class Rendered:
    """One page in one format; compressed forms are added when first asked for."""

    content_type: str
    etag: str
    body: bytes
    freshness: Freshness
    serial: str
    encoded: dict[str, bytes] = field(default_factory=dict)
    messages: dict[str, "Messages"] = field(default_factory=dict)  # by content encoding; filled by who sends

    def encode(self, encoding: str) -> bytes:
        """The body in a content encoding (slow the first time: call in a thread)."""
        if encoding == "identity":
            return self.body
        if encoding not in self.encoded:
            self.encoded[encoding] = (_zstd if encoding == "zstd" else _gzip)(self.body)
        return self.encoded[encoding]

    @property
    def size_bytes(self) -> int:
        return len(self.body) + sum(len(body) for body in self.encoded.values())


@dataclass(slots=True, kw_only=True)
class _Page:
    key: tuple[str, int, bool, Freshness]
    serial: str
    content: bytes  # JSON
    checked_at: float
    rendered: dict[str, Rendered] = field(default_factory=dict)


class Pages:
    """The pages of an index."""

    def __init__(
        self,
        engine: Engine,
        upstream: Upstream,
        *,
        limit_bytes: int = 24 << 20,
        look_every_s: float = CHECKED_EVERY_S,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.engine = engine
        self.upstream = upstream
        self.limit_bytes = limit_bytes
        self.look_every_s = look_every_s
        self.now = now
        self._pages: OrderedDict[str, _Page] = OrderedDict()
        self._building: dict[str, asyncio.Task[_Page]] = {}

    async def page(self, project: str, content_type: str) -> Rendered:
        """A project's page (normalised name).

        Raises NotFoundError when neither side has it, RefusedError 502 when that cannot be known now.
        """
        page = self._pages.get(project)
        if page is None or self.now() - page.checked_at >= self.look_every_s:
            page = await self._current(project)
        if content_type not in page.rendered:
            page.rendered[content_type] = await to_thread.run_sync(_render, page, content_type)
            self._trim()
        return page.rendered[content_type]

    def peek(self, project: str, content_type: str) -> Rendered | None:
        """A page in memory that was looked at a moment ago, else None; never waits."""
        page = self._pages.get(project)
        if page is None or self.now() - page.checked_at >= self.look_every_s:
            return None
        return page.rendered.get(content_type)

    def warm_up(self) -> None:
        """Run a page's queries once, for a name that no project has: no client has to wait for that."""
        name = "-"
        self._noted(name)
        with reading(self.engine) as connection:
            shelf.on_page(connection, name)
            shelf.entries_on_page(connection, name)
            shelf.versions(connection, name)
        self.upstream.stored(name)

    def drop(self, project: str) -> None:
        """Forget a page: something of it has changed."""
        self._pages.pop(project, None)

    async def _current(self, project: str) -> _Page:
        task = self._building.get(project)
        if task is None:
            task = asyncio.create_task(self._look(project))
            self._building[project] = task
            task.add_done_callback(lambda _: self._building.pop(project, None))
        return await asyncio.shield(task)

    async def _look(self, project: str) -> _Page:
        noted = await to_thread.run_sync(self._noted, project)
        known = await self._known(project, noted)
        if not known.found and not (noted and (noted.local or known.freshness is Freshness.DOWN)):
            self.drop(project)
            raise NotFoundError(f"no project {project!r}")
        key = (known.digest, noted.revision if noted else 0, bool(noted and noted.local), known.freshness)
        page = self._pages.get(project)
        if page is None or page.key != key:
            page = await to_thread.run_sync(self._build, project, noted, known, key)
        page.checked_at = self.now()
        self._pages[project] = page
        self._pages.move_to_end(project)
        self._trim()
        return page

    async def _known(self, project: str, noted: Project | None) -> Known:
        if noted and noted.local:
            return _NO_UPSTREAM
        try:
            return await self.upstream.known(project)
        except FetchError as error:
            if noted is None:
                raise RefusedError(error.message, status=502, hint="try again in a few seconds") from error
            return Known(digest="", checked_at=0.0, found=False, freshness=Freshness.DOWN)

    def _noted(self, project: str) -> Project | None:
        with reading(self.engine) as connection:
            return shelf.project(connection, project)

    def _build(
        self, project: str, noted: Project | None, known: Known, key: tuple[str, int, bool, Freshness]
    ) -> _Page:
        with reading(self.engine) as connection:
            versions = shelf.versions(connection, project) if noted else []
            if not known.found:
                entries = shelf.entries_on_page(connection, project)
                content, serial = local_page(project, versions=versions, entries=entries), ""
            else:
                source = self.upstream.stored(project)
                serial = source.releases.serial
                if shows_all(source.releases, versions):
                    entries = shelf.entries_on_page(connection, project) if versions else []
                    content = with_files(source.content, entries)
                else:
                    content = merged_page(upstream=source, ours=shelf.on_page(connection, project)).content
        return _Page(key=key, serial=serial, content=content, checked_at=self.now())

    def _trim(self) -> None:
        """Keep what was asked for last, within the limit."""
        held = sum(_weight(page) for page in self._pages.values())
        while held > self.limit_bytes and len(self._pages) > 1:
            _, page = self._pages.popitem(last=False)
            held -= _weight(page)


def _weight(page: _Page) -> int:
    html = sum(shown.size_bytes for kind, shown in page.rendered.items() if kind != JSON_TYPE)
    json = page.rendered.get(JSON_TYPE)
    return html + (json.size_bytes if json else len(page.content)) + 1000


def _render(page: _Page, content_type: str) -> Rendered:
    body = page.content if content_type == JSON_TYPE else project_html(page.content)
    return Rendered(
        content_type=content_type if content_type == JSON_TYPE else f"{content_type}; charset=UTF-8",
        etag=f'"{sha256(body).hexdigest()[:32]}"',
        body=body,
        freshness=page.key[3],
        serial=page.serial,
    )


def _zstd(body: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=1 if len(body) > _LARGE_BYTES else 3).compress(body)


def _gzip(body: bytes) -> bytes:
    """One gzip member (RFC 1952); of a large page each processor deflates a part of its own, as pigz does."""
    if len(body) <= _LARGE_BYTES:
        return gzip.compress(body, compresslevel=6, mtime=0)
    step = -(-len(body) // _PARTS)
    parts = [memoryview(body)[start : start + step] for start in range(0, len(body), step)]
    with ThreadPoolExecutor(_PARTS) as pool:
        check = pool.submit(zlib.crc32, body)
        deflated = list(pool.map(_deflated, parts, [part is parts[-1] for part in parts]))
    head = b"\x1f\x8b\x08\x00" + bytes(4) + b"\x04\xff"  # deflate, no time, fastest, unknown system
    return b"".join((head, *deflated, struct.pack("<II", check.result(), len(body) & 0xFFFFFFFF)))


def _deflated(part: memoryview, last: bool) -> bytes:  # noqa: FBT001 -- called through map
    squeeze = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
    return squeeze.compress(part) + squeeze.flush(zlib.Z_FINISH if last else zlib.Z_SYNC_FLUSH)
