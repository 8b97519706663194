"""A web server on loopback that misbehaves as told."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Mirror:
    """``files`` by path; ``faults`` by path: what to do instead, for the first requests."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    faults: dict[str, list[str]] = field(default_factory=dict)
    asked: list[tuple[str, str | None]] = field(default_factory=list)


@contextmanager
def serving() -> Iterator[Mirror]:
    """A running mirror; stopped at exit."""
    mirror = Mirror()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            mirror.asked.append((self.path, wanted))
            left = mirror.faults.get(self.path, [])
            fault = left.pop(0) if left else ""
            data = mirror.files.get(self.path)
            if fault.isdigit():
                self.send_error(int(fault))
            elif data is None:
                self.send_error(404)
            else:
                self._send(data, wanted, fault)

        def _send(self, data: bytes, wanted: str | None, fault: str) -> None:
            start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and fault != "no-range" else 0
            if start >= len(data):
                self.send_error(416)
                return
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
            self.send_header("Content-Length", str(len(data) - start))
            self.end_headers()
            body = data[start:]
            if fault == "cut":
                body = body[: len(body) // 2]
            if fault == "damage":
                body = b"?" + body[1:]
            self.wfile.write(body)
            self.close_connection = True

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    mirror.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield mirror
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
