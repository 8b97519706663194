"""Zero lost uploads: the server is killed at random moments of 200 uploads, on both kinds of storage."""

import base64
import hashlib
import random
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from tests.tools.index.conftest import run_manyloong

from manyloong.index.testing import FakeUpstream, good_wheel

if TYPE_CHECKING:
    from tests.tools.index.conftest import Running, StartServer


def send(url: str, token: str, number: int) -> str | None:
    """Upload one wheel; its SHA-256 when the server acknowledged it, None when it could not."""
    filename, content = good_wheel(build=str(number), note=f"number {number}")
    digest = hashlib.sha256(content).hexdigest()
    form = {":action": "file_upload", "name": "example", "version": "1.0", "sha256_digest": digest}
    try:
        answer = httpx.post(
            f"{url}/legacy/",
            data=form,
            files={"content": (filename, content)},
            auth=("__token__", token),
            timeout=20,
            trust_env=False,
        )
    except httpx.TransportError:
        return None
    assert answer.status_code == 200, answer.text
    return digest


@pytest.fixture(params=["sqlite-folder", "postgres-s3"])
def made(request: pytest.FixtureRequest, tmp_path: Path, upstream: FakeUpstream) -> tuple[Path, int, int]:
    """An index, how many uploads it gets, and how often it is killed."""
    root = tmp_path / "index"
    if request.param == "sqlite-folder":
        run_manyloong("index", "init", root, url=upstream.url)
        return root, 200, 6
    where = ("--database", request.getfixturevalue("postgres").new_database())
    bucket = ("--files", request.getfixturevalue("s3").new_bucket())
    run_manyloong("index", "init", root, *where, *bucket, url=upstream.url)
    return root, 60, 3


def test_kill_at_random_points(
    made: tuple[Path, int, int], start_server: "StartServer", upstream: FakeUpstream
) -> None:
    root, uploads, kills = made
    upstream.project("example", ["1.0"])
    moments = random.Random(8)  # noqa: S311 -- a test that can be repeated
    acknowledged: dict[int, str] = {}
    waiting = list(range(uploads))
    token = run_manyloong("index", "token", "create", "--root", root).splitlines()[-1]
    text = (root / "index.toml").read_text()
    text = text.replace("uploads-per-minute = 120", "uploads-per-minute = 100000")
    (root / "index.toml").write_text(text)
    for _ in range(kills):
        with start_server(root) as server:
            upload_until_killed(server, token, waiting, acknowledged, moments)
        waiting = [number for number in waiting if number not in acknowledged]
    killed_at = len(acknowledged)
    with start_server(root) as server, ThreadPoolExecutor(4) as pool:
        results = pool.map(lambda number: (number, send(server.url, token, number)), range(uploads))
        final = {number: digest for number, digest in results if digest}
        assert len(final) == uploads  # what was acknowledged before is answered 200 again: same bytes
        assert final.items() >= acknowledged.items()
        page = httpx.get(
            f"{server.url}/simple/example/",
            headers={"Accept": "application/vnd.pypi.simple.v1+json"},
            trust_env=False,
        ).json()
        shown = {entry["hashes"]["sha256"] for entry in page["files"]}
        assert set(acknowledged.values()) <= shown
        verdict = server.manyloong("verify")
        assert f"{uploads} files" in verdict
        assert "all as they should be" in verdict
    assert 0 < killed_at < uploads, "the kills came too late or too early to prove anything"


def upload_until_killed(
    server: "Running", token: str, waiting: list[int], acknowledged: dict[int, str], moments: random.Random
) -> None:
    """Three clients upload; some acknowledgements later, in the middle of the next uploads, comes SIGKILL."""
    queue = iter(waiting)
    enough = len(acknowledged) + moments.randint(2, max(3, len(waiting) // 4))
    time_to_die = threading.Event()

    def work() -> None:
        for number in queue:
            digest = send(server.url, token, number)
            if digest is None:
                return
            acknowledged[number] = digest
            if len(acknowledged) >= enough:
                time_to_die.set()

    with ThreadPoolExecutor(3) as pool:
        running = [pool.submit(work) for _ in range(3)]
        assert time_to_die.wait(120)
        time.sleep(moments.uniform(0, 0.05))
        server.process.send_signal(signal.SIGKILL)
        for job in running:
            job.result()
    server.process.wait(10)
    before = server.manyloong("verify")  # clean at once, without the server
    assert "all as they should be" in before


def test_sigterm_lets_an_upload_finish(start_server: "StartServer", upstream: FakeUpstream) -> None:
    upstream.project("example", ["1.0"])
    filename, content = good_wheel()
    form = {":action": "file_upload", "name": "example", "version": "1.0"}
    form["sha256_digest"] = hashlib.sha256(content).hexdigest()
    with start_server() as server:
        token = server.manyloong("token", "create").splitlines()[-1]
        pair = base64.b64encode(f"__token__:{token}".encode()).decode()
        request = httpx.Request(
            "POST",
            f"{server.url}/legacy/",
            data=form,
            files={"content": (filename, content)},
            headers={"Authorization": f"Basic {pair}"},
        )
        body = request.read()
        head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
        with socket.create_connection((request.url.host, request.url.port or 80), timeout=20) as link:
            link.sendall(f"POST /legacy/ HTTP/1.1\r\n{head}\r\n".encode() + body[:100])
            time.sleep(0.5)
            server.process.terminate()
            time.sleep(0.5)
            link.sendall(body[100:])
            answer = link.recv(65536)
        assert answer.startswith(b"HTTP/1.1 200")
        assert server.process.wait(30) == 0
        assert "1 files" in server.manyloong("verify")
