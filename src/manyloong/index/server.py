"""Serves an index with uvicorn: one process, graceful on SIGTERM, closed to clients that never ask."""

import asyncio
import contextlib
import gc
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from manyloong.index.app import IndexApp, make_app
from manyloong.index.publish import Gatekeeper
from manyloong.index.site import Site
from manyloong.index.upstream import Ages, Upstream, open_client

_HEAD_TIMEOUT_S = 15.0
_CONNECTIONS = 2000


class PatientProtocol(HttpToolsProtocol):
    """HTTP/1.1 that closes a connection on which no whole request head came in time."""

    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._head_timer = asyncio.get_running_loop().call_later(_HEAD_TIMEOUT_S, transport.close)

    def on_headers_complete(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
        super().on_headers_complete()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._head_timer is None:
            loop = asyncio.get_running_loop()
            self._head_timer = loop.call_later(_HEAD_TIMEOUT_S, self.transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
        super().connection_lost(exc)


def build_app(site: Site, *, upstream_url: str, ca: Path | None, keeper: Gatekeeper) -> IndexApp:
    """The application of an open index over an upstream index."""
    ages = Ages(fresh_s=site.settings.fresh_s)
    upstream = Upstream(open_client(upstream_url, ca=ca), site.engine, ages=ages)
    return make_app(site, upstream, keeper)


def run_server(
    app: IndexApp, *, host: str, port: int, grace_s: int = 30, started: Callable[[int], None]
) -> None:
    """Serve until SIGINT or SIGTERM, then finish what runs within ``grace_s``; ``started`` gets the port."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http=PatientProtocol,
        ws="none",
        loop="uvloop",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        limit_concurrency=_CONNECTIONS,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=grace_s,
        proxy_headers=True,
    )
    # What is loaded by now stays: the collector need not walk it again whenever a large page is made.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    _Server(config, started).run()


class _Server(uvicorn.Server):
    """Says on which port it listens, once it does."""

    def __init__(self, config: uvicorn.Config, started: Callable[[int], None]) -> None:
        super().__init__(config)
        self._started = started

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """SIGINT and SIGTERM end the server; unlike uvicorn's own, they are not raised again afterwards."""
        before = {
            number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._started(self.servers[0].sockets[0].getsockname()[1])
