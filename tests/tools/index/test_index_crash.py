"""Zero lost uploads: the server is killed at random moments of 200 uploads."""

import base64
import hashlib
import random
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import httpx

from manyloong.index.testing import FakeUpstream, good_wheel

if TYPE_CHECKING:
    from tests.tools.index.conftest import Running, StartServer

UPLOADS = 200
KILLS = 6


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


def test_kill_at_random_points(start_server: "StartServer", upstream: FakeUpstream) -> None:
    upstream.project("example", ["1.0"])
    moments = random.Random(8)  # noqa: S311 -- a test that can be repeated
    acknowledged: dict[int, str] = {}
    waiting = list(range(UPLOADS))
    with start_server() as server:
        token = server.manyloong("token", "create").splitlines()[-1]
        text = (server.root / "index.toml").read_text()
        text = text.replace("uploads-per-minute = 120", "uploads-per-minute = 100000")
        (server.root / "index.toml").write_text(text)
        root = server.root
    for _ in range(KILLS):
        with start_server(root) as server:
            upload_until_killed(server, token, waiting, acknowledged, moments.uniform(0.3, 0.9))
        waiting = [number for number in waiting if number not in acknowledged]
    killed_at = len(acknowledged)
    with start_server(root) as server, ThreadPoolExecutor(4) as pool:
        results = pool.map(lambda number: (number, send(server.url, token, number)), range(UPLOADS))
        final = {number: digest for number, digest in results if digest}
        assert len(final) == UPLOADS  # what was acknowledged before is answered 200 again: same bytes
        assert final.items() >= acknowledged.items()
        page = httpx.get(
            f"{server.url}/simple/example/",
            headers={"Accept": "application/vnd.pypi.simple.v1+json"},
            trust_env=False,
        ).json()
        shown = {entry["hashes"]["sha256"] for entry in page["files"]}
        assert set(acknowledged.values()) <= shown
        verdict = server.manyloong("verify")
        assert f"{UPLOADS} files" in verdict
        assert "all as they should be" in verdict
    assert 0 < killed_at < UPLOADS, "the kills came too late or too early to prove anything"


def upload_until_killed(
    server: "Running", token: str, waiting: list[int], acknowledged: dict[int, str], seconds: float
) -> None:
    queue = iter(waiting)
    deadline = time.monotonic() + seconds

    def work() -> None:
        for number in queue:
            digest = send(server.url, token, number)
            if digest is None:
                return
            acknowledged[number] = digest

    with ThreadPoolExecutor(3) as pool:
        running = [pool.submit(work) for _ in range(3)]
        time.sleep(max(0.0, deadline - time.monotonic()))
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
