"""Asks the upstream index, remembers what it said, and goes on with that while it is slow or down."""

import asyncio
import ssl
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from pathlib import Path

import httpx
import orjson
import zstandard
from anyio import to_thread
from sqlalchemy import Engine, delete, insert, select

from manyloong.errors import FetchError, IntegrityError
from manyloong.index.database import reading, writing
from manyloong.index.stored_page import StoredPage, UpstreamReleases, stored_page
from manyloong.index.tables import upstream
from manyloong.index.upstream_page import ACCEPT, MISSING, Reply, UpstreamPage, parse_page

_PAGE_LIMIT_BYTES = 128 << 20
_DEADLINE_S = 30.0
_PAUSE_S = 5.0  # after a failed connection, answer from the cache for so long before the next try
_MISSING_KEPT = 4096


class Freshness(StrEnum):
    """How a page was come by; told to clients in ``X-Manyloong-Upstream``."""

    FRESH = "fresh"
    STALE = "stale"
    DOWN = "down"
    OFF = "off"  # a local project: upstream is not asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is remembered of a page without its body; ``digest`` changes when the body does."""

    digest: str
    checked_at: float
    found: bool
    freshness: Freshness = Freshness.FRESH


@dataclass(frozen=True, slots=True, kw_only=True)
class Ages:
    """Seconds for which an answer is taken as it is, and then while a new one is fetched."""

    fresh_s: float = 600
    stale_s: float = 86400
    missing_s: float = 60


def open_client(url: str, *, ca: Path | None) -> httpx.AsyncClient:
    """A client for the upstream index; its URL may hold credentials and stays inside."""
    return httpx.AsyncClient(
        base_url=url.rstrip("/") + "/",
        headers={"User-Agent": "manyloong-index", "Accept": ACCEPT},
        timeout=httpx.Timeout(15, connect=5),
        limits=httpx.Limits(max_connections=32),
        follow_redirects=True,
        max_redirects=5,
        verify=ssl.create_default_context(cafile=ca) if ca else True,
    )


class Upstream:
    """Pages of one upstream index through a cache in the database."""

    def __init__(
        self, client: httpx.AsyncClient, engine: Engine, *, ages: Ages, now: Callable[[], float] = time.time
    ) -> None:
        self.client = client
        self.engine = engine
        self.ages = ages
        self.now = now
        self.outcomes: dict[str, int] = {}  # for metrics
        self._missing: OrderedDict[str, float] = OrderedDict()
        self._running: dict[str, asyncio.Task[Known]] = {}
        self._paused_until = 0.0

    async def known(self, project: str) -> Known:
        """The state of a project's page: at once when remembered and fresh enough, else after asking.

        Raises FetchError when upstream does not answer and nothing is remembered.
        """
        missed_at = self._missing.get(project, 0.0)
        if self.now() - missed_at < self.ages.missing_s:
            return Known(digest="", checked_at=missed_at, found=False)
        known = await to_thread.run_sync(self._remembered, project)
        if known is None:
            return await self._refresh(project)
        age = self.now() - known.checked_at
        if age < self.ages.fresh_s:
            return known
        if age < self.ages.stale_s:
            if self.now() >= self._paused_until:
                self._start(project).add_done_callback(_swallow)
            return _with(known, Freshness.STALE)
        try:
            return await self._refresh(project)
        except FetchError:
            return _with(known, Freshness.DOWN)

    async def refreshed(self, project: str) -> Known:
        """The same, but asks upstream now; raises FetchError when it does not answer."""
        return await self._refresh(project)

    def stored(self, project: str) -> StoredPage:
        """The remembered page (call in a thread); an empty one where there is none."""
        columns = (upstream.c.body, upstream.c.releases)
        with reading(self.engine) as connection:
            row = connection.execute(select(*columns).where(upstream.c.project == project)).first()
        if row is None:
            return stored_page(MISSING, project=project)
        content = zstandard.decompress(row.body)
        return StoredPage(content=content, releases=UpstreamReleases.from_json(row.releases))

    def page(self, project: str) -> UpstreamPage:
        """The same, parsed again: for the few who ask for more of it."""
        return UpstreamPage(document=orjson.loads(self.stored(project).content))

    async def close(self) -> None:
        """Stop what runs in the background."""
        for task in list(self._running.values()):
            task.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)
        await self.client.aclose()

    def _start(self, project: str) -> "asyncio.Task[Known]":
        task = self._running.get(project)
        if task is None:
            task = asyncio.create_task(self._ask(project))
            self._running[project] = task
            task.add_done_callback(lambda _: self._running.pop(project, None))
        return task

    async def _refresh(self, project: str) -> Known:
        if self.now() < self._paused_until:
            raise FetchError(f"upstream does not answer; {project} is asked for again in a few seconds")
        return await asyncio.shield(self._start(project))

    async def _ask(self, project: str) -> Known:
        try:
            async with asyncio.timeout(_DEADLINE_S):
                known = await self._fetch(project)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, IntegrityError) as error:
            self._count("failed")
            if isinstance(error, httpx.TransportError | TimeoutError):
                self._paused_until = self.now() + _PAUSE_S
            raise FetchError(f"upstream has no usable page of {project}: {_reason(error)}") from error
        self._count("found" if known.found else "missing")
        return known

    async def _fetch(self, project: str) -> Known:
        etag, digest = await to_thread.run_sync(self._validator, project)
        headers = {"If-None-Match": etag} if etag else {}
        async with self.client.stream("GET", f"{project}/", headers=headers) as response:
            if response.status_code == httpx.codes.NOT_MODIFIED and digest:
                await to_thread.run_sync(self._touch, project)
                return Known(digest=digest, checked_at=self.now(), found=True)
            if response.status_code in {httpx.codes.NOT_FOUND, httpx.codes.GONE}:
                return await self._remember_missing(project)
            response.raise_for_status()
            body = await _bounded_body(response)
        reply = Reply(url=str(response.url), content_type=response.headers.get("content-type", ""), body=body)
        return await to_thread.run_sync(self._remember, project, reply, response.headers.get("etag", ""))

    async def _remember_missing(self, project: str) -> Known:
        self._missing[project] = self.now()
        while len(self._missing) > _MISSING_KEPT:
            self._missing.popitem(last=False)
        await to_thread.run_sync(self._forget, project)
        return Known(digest="", checked_at=self.now(), found=False)

    def _remember(self, project: str, reply: Reply, etag: str) -> Known:
        page = parse_page(reply, project=project)
        kept = stored_page(page, project=project)
        digest = sha256(kept.content).hexdigest()
        row = {
            "digest": digest,
            "checked_at": self.now(),
            "etag": etag,
            "releases": kept.releases.to_json(),
            "body": zstandard.compress(kept.content, 3),
        }
        with writing(self.engine) as connection:
            connection.execute(delete(upstream).where(upstream.c.project == project))
            connection.execute(insert(upstream).values(project=project, **row))
        return Known(digest=digest, checked_at=self.now(), found=True)

    def _touch(self, project: str) -> None:
        with writing(self.engine) as connection:
            statement = upstream.update().where(upstream.c.project == project)
            connection.execute(statement.values(checked_at=self.now()))

    def _forget(self, project: str) -> None:
        with writing(self.engine) as connection:
            connection.execute(delete(upstream).where(upstream.c.project == project))

    def _remembered(self, project: str) -> Known | None:
        columns = (upstream.c.digest, upstream.c.checked_at)
        with reading(self.engine) as connection:
            row = connection.execute(select(*columns).where(upstream.c.project == project)).first()
        return Known(digest=row.digest, checked_at=row.checked_at, found=True) if row else None

    def _validator(self, project: str) -> tuple[str, str]:
        columns = (upstream.c.etag, upstream.c.digest)
        with reading(self.engine) as connection:
            row = connection.execute(select(*columns).where(upstream.c.project == project)).first()
        return (row.etag, row.digest) if row else ("", "")

    def _count(self, outcome: str) -> None:
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1


async def _bounded_body(response: httpx.Response) -> bytes:
    body = bytearray()
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) > _PAGE_LIMIT_BYTES:
            raise IntegrityError(f"the page is larger than {_PAGE_LIMIT_BYTES >> 20} MiB")
    return bytes(body)


def _with(known: Known, freshness: Freshness) -> Known:
    return Known(digest=known.digest, checked_at=known.checked_at, found=known.found, freshness=freshness)


def _swallow(task: "asyncio.Task[Known]") -> None:
    """A refresh in the background may fail: the old page goes on being served, and it was counted."""
    if not task.cancelled():
        task.exception()


def _reason(error: Exception) -> str:
    """What happened, without URLs: they may hold credentials."""
    if isinstance(error, httpx.HTTPStatusError):
        return f"status {error.response.status_code}"
    if isinstance(error, IntegrityError):
        return error.message
    return type(error).__name__
