"""Stand-ins for tests and benchmarks: an upstream index on loopback, wheels, an indulgent auditor."""

import json
import threading
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from manyloong.corpus import Elf, Wheel, make_elf, make_wheel
from manyloong.index.upstream_page import JSON_TYPE


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A verdict that says what it was made to say."""

    accepted: bool = True
    findings: tuple[Any, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {"accepted": self.accepted, "findings": []}


def accept_all(path: Path, platform: str) -> Judgement:
    """An auditor that accepts every wheel."""
    del path, platform
    return Judgement()


def good_wheel(
    project: str = "example",
    version: str = "1.0",
    *,
    tags: str = "cp313-cp313-manylinux_2_36_loongarch64",
    build: str = "",
    note: str = "",
    requires: tuple[str, ...] = (),
    elf: Elf | None = None,
    files: tuple[tuple[str, bytes], ...] = (),
) -> tuple[str, bytes]:
    """File name and bytes of a wheel that the auditor accepts; ``note`` makes other bytes."""
    stem = project.replace("-", "_")
    filename = "-".join([stem, version, *([build] if build else []), tags]) + ".whl"
    lines = ["Metadata-Version: 2.4", f"Name: {project}", f"Version: {version}", "Requires-Python: >=3.9"]
    lines += [f"Summary: {note or 'An example'}", *(f"Requires-Dist: {name}" for name in requires), ""]
    python = tags.partition("-")[0]
    libc = "gnu" if "manylinux" in tags else "musl"
    module = f"{stem}/_native.cpython-{python.removeprefix('cp')}-loongarch64-linux-{libc}.so"
    content = make_elf(elf or Elf(exported=("PyInit__native",)))
    spec = Wheel(
        name=filename,
        files=((f"{stem}/__init__.py", b""), (module, content), *files),
        metadata="\n".join(lines),
        folder=f"{stem}-{version}.dist-info",
    )
    return filename, make_wheel(spec)


def upstream_file(filename: str, content: bytes, **more: Any) -> dict[str, Any]:
    """A file object as an upstream index has it, every optional key set."""
    return {
        "filename": filename,
        "url": f"https://files.example/{filename}",
        "hashes": {"sha256": sha256(content).hexdigest()},
        "size": len(content),
        "upload-time": "2024-05-06T07:08:09.123456Z",
        "requires-python": ">=3.8",
        "yanked": False,
        "core-metadata": {"sha256": sha256(b"m").hexdigest()},
        "data-dist-info-metadata": {"sha256": sha256(b"m").hexdigest()},
        "provenance": None,
        **more,
    }


def upstream_document(project: str, files: list[dict[str, Any]], versions: list[str]) -> dict[str, Any]:
    """A project page as an upstream index has it."""
    return {
        "meta": {"_last-serial": 7, "api-version": "1.4"},
        "name": project,
        "files": files,
        "versions": versions,
        "project-status": {"status": "active"},
    }


@dataclass(slots=True, kw_only=True)
class Canned:
    """An answer of the fake upstream."""

    body: bytes
    status: int = 200
    content_type: str = JSON_TYPE
    headers: dict[str, str] = field(default_factory=dict)


class FakeUpstream:
    """An index on loopback whose answers tests decide; use as a context manager."""

    def __init__(self) -> None:
        self.answers: dict[str, Canned] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.silent = threading.Event()  # while set, connections are closed without an answer
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer.answer(self)

            def log_message(self, *args: object) -> None:
                del args

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        """The address of its simple API."""
        return f"http://127.0.0.1:{self.server.server_address[1]}/simple"

    def project(self, name: str, versions: list[str], *files: dict[str, Any]) -> dict[str, Any]:
        """Offer a project; without files it has an sdist of each version."""
        listed = list(files) or [upstream_file(f"{name}-{version}.tar.gz", b"sdist") for version in versions]
        document = upstream_document(name, listed, versions)
        self.answers[f"/simple/{name}/"] = Canned(body=json.dumps(document).encode())
        return document

    def remove(self, name: str) -> None:
        """Offer it no longer."""
        self.answers.pop(f"/simple/{name}/", None)

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        self.requests.append((handler.path, dict(handler.headers)))
        if self.silent.is_set():
            handler.close_connection = True
            return
        canned = self.answers.get(handler.path, Canned(body=b"", status=404))
        etag = f'"{sha256(canned.body).hexdigest()}"'
        unchanged = handler.headers.get("If-None-Match") == etag and canned.status == 200
        handler.send_response(304 if unchanged else canned.status)
        handler.send_header("Content-Type", canned.content_type)
        handler.send_header("ETag", etag)
        for key, value in canned.headers.items():
            handler.send_header(key, value)
        if not unchanged:
            handler.send_header("Content-Length", str(len(canned.body)))
        handler.end_headers()
        if not unchanged:
            handler.wfile.write(canned.body)

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
