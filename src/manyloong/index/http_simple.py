"""``/simple/``: project pages and the list of projects. Pages in memory are answered without any look-up."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from urllib.parse import parse_qs

from anyio import to_thread
from starlette.datastructures import Headers
from starlette.responses import RedirectResponse, Response
from starlette.types import Message, Receive, Scope, Send

from manyloong.errors import InputError, ManyloongError
from manyloong.index.http_errors import ErrorPages, failure_of
from manyloong.index.model import RefusedError
from manyloong.index.names import project_name
from manyloong.index.negotiate import TEXT_HTML, content_encoding, matches, page_type
from manyloong.index.operations import Metrics, logger
from manyloong.index.pages import Messages, Pages, Rendered
from manyloong.index.root_list import RootList
from manyloong.index.upstream_page import HTML_TYPE, JSON_TYPE

_ROUTES = 4096
_IN_THREAD_BYTES = 64 << 10
_PIECE_BYTES = 256 << 10
_SILENCE_S = 60.0  # the longest a client may not read
_VARY = "Accept, Accept-Encoding"
_CACHE = "public, max-age=0, must-revalidate, stale-if-error=86400"

_EMPTY: Message = {"type": "http.response.body", "body": b""}

_Key = tuple[bytes, bytes, bytes, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Route:
    """Which page, in which form, a kind of request asks for; small, so many can be remembered."""

    project: str
    kind: str
    encoding: str


class SimpleApi:
    """An ASGI application for GET and HEAD below ``/simple/``."""

    def __init__(self, pages: Pages, roots: RootList, metrics: Metrics, errors: ErrorPages) -> None:
        self.pages = pages
        self.roots = roots
        self.metrics = metrics
        self.errors = errors
        self._routes: OrderedDict[_Key, _Route] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        accept = encoding = if_none_match = b""
        for name, value in scope["headers"]:
            if name == b"accept":
                accept = value
            elif name == b"accept-encoding":
                encoding = value
            elif name == b"if-none-match":
                if_none_match = value
        key = (scope["path"].encode(), scope["query_string"], accept, encoding)
        messages = self._remembered(key)
        if messages is None:
            answer = await self._prepared(key, scope)
            if isinstance(answer, Response):
                self.metrics.simple.labels(str(answer.status_code)).inc()
                await answer(scope, receive, send)
                return
            messages = answer
        self.metrics.hits.inc()
        if if_none_match and matches(if_none_match.decode("latin-1"), messages.etag):
            await send(messages.unchanged)
            await send(_EMPTY)
            return
        await send(messages.start)
        if scope["method"] != "GET":
            await send(_EMPTY)
        elif len(messages.body["body"]) <= _PIECE_BYTES:
            await send(messages.body)
        else:
            await _send_in_pieces(messages.body["body"], send)

    def _remembered(self, key: _Key) -> Messages | None:
        route = self._routes.get(key)
        page = self.pages.peek(route.project, route.kind) if route else None
        return page.messages.get(route.encoding) if route and page else None

    async def _prepared(self, key: _Key, scope: Scope) -> Messages | Response:
        """What to answer: messages that can be kept, or a response for this once."""
        headers = Headers(scope=scope)
        try:
            kind = _wanted_type(scope["query_string"], headers.get("accept", ""))
            text = scope["path"].removeprefix("/simple/")
            if not text:
                return await self.roots.response(kind, headers)
            if "/" in text.removesuffix("/"):
                raise RefusedError("no such page", status=404)
            project = _known_name(text.removesuffix("/"))
            if text != f"{project}/":
                return RedirectResponse(f"{scope.get('root_path', '')}/simple/{project}/", 301)
            page = await self.pages.page(project, kind)
            wanted = content_encoding(headers.get("accept-encoding", ""))
            if wanted != "identity" and wanted not in page.encoded and len(page.body) > _IN_THREAD_BYTES:
                await to_thread.run_sync(page.encode, wanted)
        except ManyloongError as error:
            accept, base = headers.get("accept", ""), scope.get("root_path", "")
            return self.errors.response(failure_of(error), accept=accept, base=base)
        self._routes[key] = _Route(project=project, kind=kind, encoding=wanted)
        if len(self._routes) > _ROUTES:
            self._routes.popitem(last=False)
        if wanted not in page.messages:
            page.messages[wanted] = _messages(page, wanted)
        return page.messages[wanted]


async def _send_in_pieces(body: bytes, send: Send) -> None:
    """A large page, no faster than the client reads it: a slow one holds a piece of it, not all of it."""
    try:
        for start in range(0, len(body), _PIECE_BYTES):
            more = start + _PIECE_BYTES < len(body)
            piece = body[start : start + _PIECE_BYTES]
            async with asyncio.timeout(_SILENCE_S):
                await send({"type": "http.response.body", "body": piece, "more_body": more})
    except TimeoutError:
        logger.info("client stopped reading", extra={"data": {"bytes": len(body)}})  # and is cut off


def _known_name(text: str) -> str:
    try:
        return project_name(text)
    except InputError as error:
        raise RefusedError(error.message, status=404, hint=error.hint) from error


def _wanted_type(query: bytes, accept: str) -> str:
    chosen = parse_qs(query.decode("latin-1")).get("format", [])
    kind = page_type(chosen[0] if chosen else accept)
    if kind is None:
        raise RefusedError(
            "none of the accepted content types is offered",
            status=406,
            hint=f"offered: {JSON_TYPE}, {HTML_TYPE}, {TEXT_HTML}",
        )
    return kind


def _messages(page: Rendered, encoding: str) -> Messages:
    body = page.encode(encoding)
    etag = page.etag if encoding == "identity" else f"W/{page.etag}"
    common = [
        (b"etag", etag.encode()),
        (b"cache-control", _CACHE.encode()),
        (b"vary", _VARY.encode()),
        (b"x-manyloong-upstream", page.freshness.encode()),
    ]
    if page.serial:
        common.append((b"x-pypi-last-serial", page.serial.encode()))
    full = [
        *common,
        (b"content-type", page.content_type.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"x-content-type-options", b"nosniff"),
    ]
    if encoding != "identity":
        full.append((b"content-encoding", encoding.encode()))
    return Messages(
        etag=etag,
        start={"type": "http.response.start", "status": 200, "headers": full},
        body={"type": "http.response.body", "body": body},
        unchanged={"type": "http.response.start", "status": 304, "headers": common},
    )
