"""The ASGI application of an index, put together from its parts."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from anyio import to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from manyloong.errors import ManyloongError
from manyloong.index import shelf
from manyloong.index.database import is_alive, reading
from manyloong.index.http_errors import ErrorPages
from manyloong.index.http_files import FilesApi
from manyloong.index.http_simple import SimpleApi
from manyloong.index.http_upload import UploadApi
from manyloong.index.operations import METRICS_TYPE, Metrics, logger
from manyloong.index.pages import CHECKED_EVERY_S, Pages
from manyloong.index.publish import Gatekeeper
from manyloong.index.root_list import RootList
from manyloong.index.site import Site
from manyloong.index.upstream import Upstream
from manyloong.index.web import Web

Handler = Callable[[Request], Awaitable[Response]]
_FILE = "/files/{first:str}/{second:str}/{rest:str}/{filename:str}"
_PROVENANCE = "/integrity/{project:str}/{version:str}/{filename:str}/provenance"


class IndexApp:
    """Sends ``/simple/`` straight to its own handler, and the rest through Starlette's router."""

    def __init__(self, simple: SimpleApi, rest: ASGIApp) -> None:
        self.simple = simple
        self.rest = rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        direct = (
            scope["type"] == "http"
            and scope["path"].startswith("/simple/")
            and scope["method"] in {"GET", "HEAD"}
        )
        await (self.simple if direct else self.rest)(scope, receive, send)


def make_app(
    site: Site, upstream: Upstream, keeper: Gatekeeper, *, look_every_s: float = CHECKED_EVERY_S
) -> IndexApp:
    """The application; its lifespan closes the upstream client and the database."""
    metrics = Metrics()
    pages = Pages(site.engine, upstream, look_every_s=look_every_s)
    web = Web(site, upstream)
    errors = ErrorPages(web.templates)
    roots = RootList(site.engine, upstream.client, site.root / "cache")
    simple = SimpleApi(pages, roots, metrics, errors)
    files = FilesApi(site)
    upload = UploadApi(site, pages, keeper, metrics)
    operations = _Operations(site, upstream, metrics)

    handlers: tuple[tuple[str, Handler, str], ...] = (
        ("/simple", _to_simple, "GET"),
        (_FILE, files.file, "GET"),
        (_PROVENANCE, files.provenance, "GET"),
        ("/legacy/", upload.upload, "POST"),
        ("/legacy", upload.upload, "POST"),
        ("/api/files/{filename:str}/{kind:str}", upload.document, "PUT"),
        ("/", web.home, "GET"),
        ("/search", web.search, "GET"),
        ("/statistics", web.statistics, "GET"),
        ("/project/{project:str}/", web.project, "GET"),
        ("/project/{project:str}/{filename:str}", web.wheel, "GET"),
        ("/static/style.css", web.style, "GET"),
        ("/healthz", operations.health, "GET"),
        ("/readyz", operations.ready, "GET"),
        ("/metrics", operations.metrics_page, "GET"),
    )
    rest = Starlette(
        routes=[
            Route(path, _observed(path, act, metrics, errors), methods=[verb]) for path, act, verb in handlers
        ],
        exception_handlers={ManyloongError: errors.handle, HTTPException: errors.handle},
        lifespan=lambda _: _running(site, upstream, pages),
    )
    return IndexApp(simple, rest)


@asynccontextmanager
async def _running(site: Site, upstream: Upstream, pages: Pages) -> AsyncIterator[None]:
    await to_thread.run_sync(pages.warm_up)
    yield
    await upstream.close()
    site.engine.dispose()


class _Operations:
    """Health, readiness and metrics."""

    def __init__(self, site: Site, upstream: Upstream, metrics: Metrics) -> None:
        self.site = site
        self.upstream = upstream
        self.metrics = metrics

    async def health(self, _: Request) -> Response:
        """The process runs and answers."""
        return PlainTextResponse("ok\n")

    async def ready(self, _: Request) -> Response:
        """The database answers too; upstream need not."""
        if await to_thread.run_sync(is_alive, self.site.engine):
            return PlainTextResponse("ready\n")
        return PlainTextResponse("the database does not answer\n", 503)

    async def metrics_page(self, _: Request) -> Response:
        """Prometheus' text format."""
        return Response(await to_thread.run_sync(self._exposition), media_type=METRICS_TYPE)

    def _exposition(self) -> bytes:
        with reading(self.site.engine) as connection:
            totals = shelf.totals(connection)
        for what, number in totals.items():
            self.metrics.shelf.labels(what).set(number)
        for outcome, number in self.upstream.outcomes.items():
            self.metrics.upstream.labels(outcome).set(number)
        return self.metrics.exposition()


async def _to_simple(request: Request) -> Response:
    return Response(status_code=301, headers={"Location": f"{request.scope.get('root_path', '')}/simple/"})


def _observed(path: str, handler: Handler, metrics: Metrics, errors: ErrorPages) -> Handler:
    """The handler, with its answers counted, timed and logged."""

    async def observed(request: Request) -> Response:
        begun = time.perf_counter()
        status = 500
        try:
            response = await handler(request)
            status = response.status_code
        except ManyloongError as error:
            response = await errors.handle(request, error)
            status = response.status_code
        except Exception:
            logger.exception("request failed", extra={"data": {"route": path}})
            raise
        finally:
            seconds = time.perf_counter() - begun
            metrics.requests.labels(path, str(status)).inc()
            metrics.seconds.labels(path).observe(seconds)
            data = {"method": request.method, "path": request.url.path[:300], "status": status}
            logger.debug("request", extra={"data": {**data, "ms": round(seconds * 1000, 2)}})
        return response

    return observed
