"""What an index serves: a release is fetched by hash and judged wheel by wheel; others are left alone."""

import functools
import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner

from manyloong.cli import app as application
from manyloong.corpus import Elf, Wheel, make_elf, make_wheel
from manyloong.errors import IntegrityError, NotFoundError

pytestmark = pytest.mark.tools

RUN = CliRunner()
EXTENSION = "example/_x.cpython-313-loongarch64-linux-gnu.so"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


def wheel(platform: str, elf: Elf) -> tuple[str, bytes]:
    name = f"example-1.0-cp313-cp313-{platform}.whl"
    return name, make_wheel(Wheel(name=name, files=((EXTENSION, make_elf(elf)),)))


@pytest.fixture
def index(tmp_path: Path) -> Iterator[str]:
    """An index with two releases: one with a good, a bad and a foreign wheel, one with none of ours."""
    site = tmp_path / "site"
    (site / "simple" / "example").mkdir(parents=True)
    wheels = [
        wheel("manylinux_2_36_loongarch64", Elf()),
        wheel("manylinux_2_28_loongarch64", Elf()),
        wheel("manylinux_2_28_x86_64", Elf(machine=62)),
    ]
    wheels.append(("example-2.0-cp313-cp313-win_amd64.whl", b"not fetched"))
    files = []
    for name, data in wheels:
        (site / name).write_bytes(data)
        digest = hashlib.sha256(data).hexdigest()
        files.append({"filename": name, "url": f"/{name}", "hashes": {"sha256": digest}})
    page = {"meta": {"api-version": "1.0"}, "name": "example", "files": files}
    (site / "simple" / "example" / "index.html").write_text(json.dumps(page))
    handler = functools.partial(Quiet, directory=str(site))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def environment(tmp_path: Path, index: str) -> dict[str, str]:
    cache = str(tmp_path / "cache")
    return {"MANYLOONG_INDEX_URL": f"{index}/simple", "MANYLOONG_CACHE_DIR": cache, "XDG_CACHE_HOME": cache}


def test_a_release_is_judged_wheel_by_wheel(index: str, tmp_path: Path) -> None:
    result = RUN.invoke(application.app, ["audit", "example==1.0"], env=environment(tmp_path, index))
    assert result.exit_code == 9, result.output
    assert "1 of 2 accepted" in result.stdout
    assert "error ML020" in result.stdout
    assert "x86_64" not in result.stdout


def test_a_release_for_other_platforms_only(index: str, tmp_path: Path) -> None:
    result = RUN.invoke(application.app, ["audit", "example==2.0"], env=environment(tmp_path, index))
    assert isinstance(result.exception, ExceptionGroup)
    (error,) = result.exception.exceptions
    assert isinstance(error, NotFoundError)
    assert "none for these platforms" in error.message


def test_a_url_with_a_hash(index: str, tmp_path: Path) -> None:
    name, data = wheel("manylinux_2_36_loongarch64", Elf())
    good = f"{index}/{name}#sha256={hashlib.sha256(data).hexdigest()}"
    result = RUN.invoke(application.app, ["audit", good], env=environment(tmp_path, index))
    assert result.exit_code == 0, result.output
    wrong = f"{index}/{name}#sha256={'0' * 64}"
    refused = RUN.invoke(application.app, ["audit", wrong], env=environment(tmp_path, index))
    assert isinstance(refused.exception, ExceptionGroup)
    assert isinstance(refused.exception.exceptions[0], IntegrityError)
