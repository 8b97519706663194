"""The configured package index, as a project's hooks may reach it: each file by hash, through the store.

A server on a socket in the build's own folder. Inside, ``payload/gate.py`` hands requests on to it; nothing
else of the network is there.
"""

import html
import http.server
import os
import shutil
import socketserver
import threading
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote, unquote

from packaging.utils import canonicalize_name

from manyloong.errors import ManyloongError, NotFoundError
from manyloong.events import ignore
from manyloong.store import Fetcher, RemoteFile
from manyloong.wheels.downloads import Download
from manyloong.wheels.registry import IndexFile, Registry

ORIGIN = "index"


@dataclass(slots=True, kw_only=True)
class Shelf:
    """What the index has said of files, and which of them were taken."""

    registry: Registry
    fetcher: Fetcher
    known: dict[str, IndexFile] = field(default_factory=dict)  # by SHA-256
    taken: dict[str, Download] = field(default_factory=dict)

    def page(self, project: str) -> str:
        """A project's page (PEP 503); files without a hash are left out."""
        rows = []
        for release in self.registry.releases(project).values():
            for file in release.files:
                if file.sha256 and not file.filename.endswith(".egg"):
                    self.known[file.sha256] = file
                    rows.append(_row(file))
        return "<!DOCTYPE html><html><body>\n" + "\n".join(rows) + "\n</body></html>\n"

    def file(self, sha256: str) -> Path:
        """A file of a page, in the store."""
        known = self.known.get(sha256)
        if known is None:
            raise NotFoundError(f"no page has named a file with the hash {sha256}")
        url = known.url.split("#", 1)[0]
        remote = RemoteFile(name=known.filename, urls=(url,), sha256=sha256, size_bytes=known.size_bytes)
        path = self.fetcher.fetch([remote], label=known.filename, listener=ignore)[sha256]
        declared = f"sha256:{sha256}"
        self.taken[sha256] = Download(url=url, sha256=sha256, declared=declared, origin=ORIGIN)
        return path

    def downloads(self) -> tuple[Download, ...]:
        """Every file that was handed out, by address."""
        return tuple(sorted(self.taken.values(), key=lambda one: one.url))


def _row(file: IndexFile) -> str:
    address = f"/files/{file.sha256}/{quote(file.filename)}#sha256={file.sha256}"
    words = [f'href="{html.escape(address)}"']
    if file.requires_python:
        words.append(f'data-requires-python="{html.escape(file.requires_python)}"')
    if file.yanked is not None:
        words.append(f'data-yanked="{html.escape(file.yanked)}"')
    return f"<a {' '.join(words)}>{html.escape(file.filename)}</a><br>"


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True

    def __init__(self, path: str, shelf: Shelf) -> None:
        self.shelf = shelf
        super().__init__(path, _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is its own affair."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """A page, or a file."""
        server = self.server
        if not isinstance(server, _Server):  # never so
            return
        words = unquote(self.path.partition("#")[0]).strip("/").split("/")
        try:
            if len(words) == 2 and words[0] == "simple":
                self._answer(server.shelf.page(str(canonicalize_name(words[1]))).encode(), "text/html")
            elif len(words) == 3 and words[0] == "files":
                self._send(server.shelf.file(words[1]))
            else:
                self._answer(b"no such address\n", "text/plain", code=404)
        except NotFoundError as error:
            self._answer(f"{error.message}\n".encode(), "text/plain", code=404)
        except ManyloongError as error:
            self._answer(f"{error.message}\n".encode(), "text/plain", code=502)

    do_HEAD = do_GET  # noqa: N815 - http.server's names

    def _answer(self, body: bytes, kind: str, *, code: int = 200) -> None:
        self._head(code, kind, len(body))
        if self.command != "HEAD":
            self.wfile.write(body)

    def _send(self, path: Path) -> None:
        with path.open("rb") as stream:
            self._head(200, "application/octet-stream", os.fstat(stream.fileno()).st_size)
            if self.command != "HEAD":
                shutil.copyfileobj(stream, self.wfile)

    def _head(self, code: int, kind: str, length: int) -> None:
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Nothing: what was taken is in the record."""


class Gateway:
    """The server while it is used, on the socket ``path``; a context manager."""

    def __init__(self, path: Path, shelf: Shelf) -> None:
        self._folder = os.open(
            path.parent, os.O_PATH
        )  # a socket's name may be 108 bytes long, a path is longer
        self._server = _Server(f"/proc/self/fd/{self._folder}/{path.name}", shelf)
        path.chmod(0o666)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        os.close(self._folder)
