"""References, and a registry that refuses."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from manyloong.errors import FetchError, InputError
from manyloong.roots.images.layer import text_file
from manyloong.roots.images.oci import Image, Layer, Layout, export_layout
from manyloong.roots.images.push import Credentials, parse_reference, push


@pytest.mark.parametrize(
    ("text", "base"),
    [
        ("127.0.0.1:5000/a/b:1", "http://127.0.0.1:5000"),
        ("localhost:5000/a:1", "http://localhost:5000"),
        ("[::1]:5000/a:1", "http://[::1]:5000"),
        ("registry.example/team/image:2026.11", "https://registry.example"),
    ],
)
def test_references(text: str, base: str) -> None:
    assert parse_reference(text).base == base
    assert parse_reference(text, insecure=True).base == base.replace("https", "http")


@pytest.mark.parametrize(
    "text", ["", "image", "image:1", "host/Image:1", "host/image", "host/image:", "a b/c:1"]
)
def test_bad_references(text: str) -> None:
    with pytest.raises(InputError, match="no image reference"):
        parse_reference(text)


class Registry(BaseHTTPRequestHandler):
    """Takes what comes with a name and a password; knows nothing before."""

    sent: list[str]

    def _answer(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _do(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Authorization") != Credentials(user="u", password="p").header:  # noqa: S106
            self._answer(401, WWW_Authenticate='Basic realm="x"')
        elif self.command == "HEAD":
            self._answer(404)
        elif self.command == "POST":
            self._answer(202, Location="/v2/place?state=1")
        else:
            type(self).sent.append(self.path)
            self._answer(201)

    do_HEAD = do_POST = do_PUT = _do  # noqa: N815 - the server's names

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def registry() -> Iterator[str]:
    Registry.sent = []
    with HTTPServer(("127.0.0.1", 0), Registry) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"127.0.0.1:{server.server_port}/demo:1"
        server.shutdown()
        thread.join()


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    image = Image(
        name="demo",
        platform="linux/loong64",
        layers=(Layer(title="one", members={"a": text_file("a")}),),
        environment=(),
        command=(),
        labels=(),
        epoch=0,
    )
    return export_layout(image, tmp_path / "layout")


def test_blobs_come_before_the_manifest(registry: str, layout: Layout) -> None:
    sent = push(layout, parse_reference(registry), Credentials(user="u", password="p"))  # noqa: S106
    assert sent == sum(blob.size_bytes for blob in (*layout.blobs, layout.manifest))
    *blobs, manifest = Registry.sent
    assert manifest == "/v2/demo/manifests/1"
    assert len(blobs) == 2
    assert all("state=1" in path and "digest=sha256" in path for path in blobs)


def test_a_refusal_names_what_and_why(registry: str, layout: Layout) -> None:
    with pytest.raises(FetchError, match="401") as caught:
        push(layout, parse_reference(registry))
    assert "MANYLOONG_REGISTRY_USER" in (caught.value.hint or "")
    assert not Registry.sent


def test_no_registry(layout: Layout) -> None:
    with pytest.raises(FetchError, match="does not answer"):
        push(layout, parse_reference("127.0.0.1:1/demo:1"))
