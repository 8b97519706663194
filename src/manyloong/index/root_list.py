"""``/simple/`` itself: upstream's list of projects with our local ones in front.

Upstream's list is tens of megabytes, so it is never held in memory: it is copied to disk with ours
spliced in, and sent from there.
"""

import asyncio
import gzip
import re
import shutil
import time
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import httpx
import orjson
from anyio import to_thread
from sqlalchemy import Engine
from starlette.datastructures import Headers
from starlette.responses import FileResponse, Response

from manyloong.index import shelf
from manyloong.index.database import reading
from manyloong.index.negotiate import content_encoding, matches
from manyloong.index.render import root_anchor, root_html, root_json
from manyloong.index.stored_page import API_VERSION
from manyloong.index.upstream import Freshness
from manyloong.index.upstream_page import JSON_TYPE

_FRESH_S = 600
_HEAD_BYTES = 64 << 10
_SPLICE = {
    True: re.compile(rb'"projects"\s*:\s*\[\s*'),
    False: re.compile(rb"<body[^>]*>"),
}
_VARY = {"Vary": "Accept, Accept-Encoding", "Cache-Control": "public, max-age=0, must-revalidate"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Copy:
    path: Path
    etag: str
    upstream_etag: str
    local: tuple[str, ...]
    checked_at: float


class RootList:
    """The list in both formats."""

    def __init__(self, engine: Engine, client: httpx.AsyncClient, folder: Path) -> None:
        self.engine = engine
        self.client = client
        self.folder = folder
        self._copies: dict[bool, _Copy] = {}
        self._lock = asyncio.Lock()

    async def response(self, kind: str, headers: Headers) -> Response:
        """The list in a content type; our own projects alone while upstream cannot be asked."""
        ours, local = await to_thread.run_sync(self._ours)
        try:
            async with self._lock:
                copy = await self._current(kind, local)
        except (httpx.HTTPError, httpx.InvalidURL, ValueError):
            return _own_list(kind, ours)
        state = {**_VARY, "ETag": copy.etag, "X-Manyloong-Upstream": str(Freshness.FRESH)}
        if matches(headers.get("if-none-match", ""), copy.etag):
            return Response(status_code=304, headers=state)
        if content_encoding(headers.get("accept-encoding", "")) == "gzip":
            packed = copy.path.with_name(copy.path.name + ".gz")
            return FileResponse(packed, media_type=kind, headers={**state, "Content-Encoding": "gzip"})
        return FileResponse(copy.path, media_type=kind, headers=state)

    def _ours(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        with reading(self.engine) as connection:
            known = shelf.all_projects(connection)
        return tuple(p.name for p in known), tuple(p.name for p in known if p.local)

    async def _current(self, kind: str, local: tuple[str, ...]) -> _Copy:
        as_json = kind == JSON_TYPE
        copy = self._copies.get(as_json)
        if copy and copy.local == local and time.monotonic() - copy.checked_at < _FRESH_S:
            return copy
        same = copy.upstream_etag if copy and copy.local == local else ""
        request = {"Accept": kind, **({"If-None-Match": same} if same else {})}
        self.folder.mkdir(parents=True, exist_ok=True)
        raw = self.folder / f"root-{'json' if as_json else 'html'}.part"
        async with self.client.stream("GET", "", headers=request) as response:
            if response.status_code == httpx.codes.NOT_MODIFIED and copy:
                self._copies[as_json] = _checked_now(copy)
                return self._copies[as_json]
            response.raise_for_status()
            if ("json" in response.headers.get("content-type", "")) != as_json:
                raise ValueError("upstream answered in another format")
            with raw.open("wb") as target:
                async for piece in response.aiter_bytes():
                    target.write(piece)
            etag = response.headers.get("etag", "")
        self._copies[as_json] = await to_thread.run_sync(_spliced, raw, as_json, local, etag)
        return self._copies[as_json]


def _checked_now(copy: _Copy) -> _Copy:
    return _Copy(
        path=copy.path,
        etag=copy.etag,
        upstream_etag=copy.upstream_etag,
        local=copy.local,
        checked_at=time.monotonic(),
    )


def _spliced(raw: Path, as_json: bool, local: tuple[str, ...], upstream_etag: str) -> _Copy:  # noqa: FBT001
    """Write the list with our local projects put in, and its compressed form."""
    path = raw.with_suffix("." + raw.stem.rpartition("-")[2])
    aside = path.with_name(path.name + ".new")
    digest = sha256()
    with raw.open("rb") as source, aside.open("wb") as target:
        head = source.read(_HEAD_BYTES)
        match = _SPLICE[as_json].search(head)
        if match is None:
            raise ValueError("upstream's list of projects cannot be read")
        own = _json_items(local, last=head[match.end() :][:1] == b"]") if as_json else _html_items(local)
        for piece in (
            head[: match.end()],
            own,
            head[match.end() :],
            *iter(lambda: source.read(1 << 20), b""),
        ):
            digest.update(piece)
            target.write(piece)
    packed = aside.with_name(aside.name + ".gz")
    with aside.open("rb") as source, gzip.GzipFile(packed, "wb", compresslevel=4, mtime=0) as squeezed:
        shutil.copyfileobj(source, squeezed, 1 << 20)
    packed.replace(path.with_name(path.name + ".gz"))
    aside.replace(path)
    raw.unlink()
    return _Copy(
        path=path,
        etag=f'W/"{digest.hexdigest()[:32]}"',
        upstream_etag=upstream_etag,
        local=local,
        checked_at=time.monotonic(),
    )


def _json_items(names: tuple[str, ...], *, last: bool) -> bytes:
    items = b",".join(orjson.dumps({"name": name}) for name in names)
    return items + (b"" if last or not names else b",")


def _html_items(names: tuple[str, ...]) -> bytes:
    return "".join("\n" + root_anchor(name) for name in names).encode()


def _own_list(kind: str, names: tuple[str, ...]) -> Response:
    write = root_json if kind == JSON_TYPE else root_html
    headers = {**_VARY, "X-Manyloong-Upstream": str(Freshness.DOWN)}
    return Response(write(names, api_version=API_VERSION), media_type=kind, headers=headers)
