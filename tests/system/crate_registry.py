"""A registry of crates on the loopback interface, as cargo reads one (The Cargo Book, "Registry Index")."""

import hashlib
import io
import json
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

MANIFEST = '[package]\nname = "{name}"\nversion = "{version}"\nedition = "{edition}"\n'
INDEX = "registry+https://github.com/rust-lang/crates.io-index"  # what every Cargo.lock calls the registry


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeCrate:
    """A crate's archive, and the digest of it that a lock names."""

    name: str
    version: str
    data: bytes

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @property
    def filename(self) -> str:
        return f"{self.name}-{self.version}.crate"


def make_crate(name: str, version: str, source: str, *, build: str = "", edition: str = "2021") -> MadeCrate:
    """A library crate of one file; ``build``: its build script."""
    texts = {"Cargo.toml": MANIFEST.format(name=name, version=version, edition=edition), "src/lib.rs": source}
    texts |= {"build.rs": build} if build else {}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for path, text in texts.items():
            info = tarfile.TarInfo(f"{name}-{version}/{path}")
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text.encode()))
    return MadeCrate(name=name, version=version, data=buffer.getvalue())


def cargo_lock(project: str, crate: MadeCrate, *, checksum: str | None = None) -> str:
    """The lock of a project with this one crate."""
    return (
        f'version = 4\n\n[[package]]\nname = "{crate.name}"\nversion = "{crate.version}"\n'
        f'source = "{INDEX}"\n'
        f'checksum = "{checksum or crate.checksum}"\n\n[[package]]\nname = "{project}"\nversion = "1.0.0"\n'
        f'dependencies = [\n "{crate.name}",\n]\n'
    )


@contextmanager
def serving(crate: MadeCrate, cargo_home: Path) -> Iterator[list[str]]:
    """The registry while it answers, and a configuration of cargo that names it; the paths asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            name = crate.name
            row = {"name": name, "vers": crate.version, "deps": [], "features": {}, "yanked": False}
            pages = {
                "/config.json": json.dumps({"dl": f"http://127.0.0.1:{server.server_port}/dl"}).encode(),
                f"/{name[:2]}/{name[2:4]}/{name}": json.dumps(row | {"cksum": crate.checksum}).encode(),
                f"/dl/{name}/{crate.version}/download": crate.data,
            }
            body = pages.get(self.path)
            self.send_response(404 if body is None else 200)
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base's name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    cargo_home.mkdir()
    (cargo_home / "config.toml").write_text(
        '[source.crates-io]\nreplace-with = "mirror"\n\n'
        f'[source.mirror]\nregistry = "sparse+http://127.0.0.1:{server.server_port}/"\n'
    )
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
