"""A package index on loopback with projects of our own: sdists and wheels made by hand."""

import hashlib
import io
import json
import tarfile
import threading
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class LocalIndex:
    """Files by name, each below the project of its name's first word."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)

    def page(self, project: str) -> bytes | None:
        """The project's page (PEP 691); None where it has no files."""
        names = [name for name in self.files if name.split("-", 1)[0].replace("_", "-") == project]
        if not names:
            return None
        files = [
            {
                "filename": name,
                "url": f"{self.url}/files/{name}",
                "hashes": {"sha256": hashlib.sha256(self.files[name]).hexdigest()},
                "size": len(self.files[name]),
            }
            for name in names
        ]
        return json.dumps({"meta": {"api-version": "1.0"}, "name": project, "files": files}).encode()


@contextmanager
def serving_index() -> Iterator[LocalIndex]:
    """A running index; stopped at exit."""
    index = LocalIndex()

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.answer(body_too=False)

        def do_GET(self) -> None:
            self.answer(body_too=True)

        def answer(self, *, body_too: bool) -> None:
            _, kind, name, *_ = [*self.path.split("/"), ""]
            body = index.files.get(name) if kind == "files" else index.page(name)
            if body is None:
                self.send_error(404)
                return
            self.send_response(200)
            json_type = "application/vnd.pypi.simple.v1+json"
            self.send_header("Content-Type", "application/octet-stream" if kind == "files" else json_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if body_too:
                self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    index.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield index
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def sdist(name: str, version: str, files: Mapping[str, str]) -> dict[str, bytes]:
    """One source archive by file name."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for path, text in files.items():
            info = tarfile.TarInfo(f"{name}-{version}/{path}")
            info.size = len(text.encode())
            info.mtime = 1_000_000_000
            archive.addfile(info, io.BytesIO(text.encode()))
    return {f"{name}-{version}.tar.gz": packed.getvalue()}


def wheel(name: str, version: str, tag: str, files: Mapping[str, str]) -> dict[str, bytes]:
    """One wheel by file name; RECORD lists its members without hashes."""
    packed = io.BytesIO()
    info = f"{name}-{version}.dist-info"
    members = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: false\nTag: {tag}\n",
    }
    members[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in (*members, f"{info}/RECORD"))
    with zipfile.ZipFile(packed, "w") as archive:
        for path, text in members.items():
            archive.writestr(zipfile.ZipInfo(path, (2001, 1, 1, 0, 0, 0)), text)
    return {f"{name}-{version}-{tag}.whl": packed.getvalue()}
