"""Indexes to test on: SQLite with a folder, and PostgreSQL with an S3 server, both real and on loopback."""

import hashlib
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from manyloong.index.app import IndexApp, make_app
from manyloong.index.database import writing
from manyloong.index.judging import audited
from manyloong.index.model import Auditor
from manyloong.index.publish import Gatekeeper
from manyloong.index.server import PatientProtocol
from manyloong.index.settings import Settings
from manyloong.index.signatures import open_trust
from manyloong.index.site import Site, init_site
from manyloong.index.testing import FakeUpstream
from manyloong.index.tokens import create_token
from manyloong.index.upstream import Ages, Upstream, open_client

POSTGRES_FOLDERS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
LOOK_EVERY_S = 0.1
PREPARE = "python3 requirements/test_host.py"


def need(tool: str, found: object) -> None:
    """Skip where a tool is missing, fail where REQUIRE_TOOLS says it must be there."""
    if found:
        return
    if os.environ.get("REQUIRE_TOOLS"):
        pytest.fail(f"{tool} is missing; install what the tests need: {PREPARE}")
    pytest.skip(f"{tool} is missing: {PREPARE}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def chromium() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    need("chromium", found)
    return str(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Postgres:
    """A server of its own on a unix socket."""

    folder: Path

    def new_database(self) -> str:
        import psycopg  # noqa: PLC0415

        name = "t" + secrets.token_hex(6)
        with psycopg.connect(
            host=str(self.folder), dbname="postgres", user="tester", autocommit=True
        ) as link:
            link.execute(f"CREATE DATABASE {name}".encode())
        return f"postgresql://tester@/{name}?host={self.folder}"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    binaries = POSTGRES_FOLDERS[0] if POSTGRES_FOLDERS else None
    need("postgresql", binaries)
    assert binaries is not None
    folder = Path(tempfile.mkdtemp(prefix="mnl-pg-", dir="/tmp"))
    as_user: list[str] = []
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        shutil.chown(folder, "nobody")
        as_user = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
    data = folder / "data"
    initdb = [
        str(binaries / "initdb"),
        "-D",
        str(data),
        "-U",
        "tester",
        "-A",
        "trust",
        "--no-sync",
        "-E",
        "UTF8",
    ]
    subprocess.run([*as_user, *initdb, "--locale=C"], check=True, capture_output=True, cwd=folder)
    server = [str(binaries / "postgres"), "-D", str(data), "-k", str(folder), "-c", "listen_addresses="]
    server += ["-c", "fsync=off", "-c", "shared_buffers=16MB", "-c", "max_connections=60"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([*as_user, *server], stdout=log, stderr=log, cwd=folder)
    try:
        wait_for((folder / ".s.PGSQL.5432").exists, "postgresql")
        yield Postgres(folder=folder)
    finally:
        process.terminate()
        process.wait(30)
        shutil.rmtree(folder)


@dataclass(frozen=True, slots=True, kw_only=True)
class S3:
    """moto's server."""

    url: str

    def new_bucket(self) -> str:
        name = "b" + secrets.token_hex(6)
        httpx.put(f"{self.url}/{name}", trust_env=False).raise_for_status()
        return f"s3://{name}/wheels?endpoint={self.url}"


@pytest.fixture(scope="session")
def s3() -> Iterator[S3]:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    before = dict(os.environ)
    os.environ |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    try:
        wait_for(lambda: answers(f"{url}/moto-api/"), "moto")
        yield S3(url=url)
    finally:
        process.terminate()
        process.wait(10)
        os.environ.clear()
        os.environ.update(before)


def answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).status_code < 500
    except httpx.TransportError:
        return False


def wait_for(done: Callable[[], bool], what: str, *, timeout_s: float = 30) -> None:
    until = time.monotonic() + timeout_s
    while not done():
        assert time.monotonic() < until, f"{what} did not start"
        time.sleep(0.05)


class Clock:
    """A clock that tests set."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.moment += timedelta(microseconds=1)
        return self.moment


@dataclass(slots=True, kw_only=True)
class Bench:
    """An index under test, its upstream and a client of it."""

    site: Site
    upstream: FakeUpstream
    client: httpx.Client
    clock: Clock
    app: IndexApp
    ages_now: list[float] = field(default_factory=lambda: [1_000_000.0])

    def token(self, *projects: str, days: int = 1) -> str:
        with writing(self.site.engine) as connection:
            lifetime = timedelta(days=days)
            return create_token(connection, projects=projects, note="", now=self.clock(), lifetime=lifetime)

    def upload(
        self, filename: str, content: bytes, *, token: str | None = None, **fields: Any
    ) -> httpx.Response:
        """What twine sends, with fields changed or (None) left out."""
        parts = filename.removesuffix(".whl").split("-")
        form = {
            ":action": "file_upload",
            "protocol_version": "1",
            "filetype": "bdist_wheel",
            "name": parts[0].replace("_", "-"),
            "version": parts[1] if len(parts) > 1 else "",
            "sha256_digest": hashlib.sha256(content).hexdigest(),
        } | fields
        return self.client.post(
            "/legacy/",
            data={key: value for key, value in form.items() if value is not None},
            files={"content": (filename, content, "application/octet-stream")},
            auth=("__token__", token if token is not None else self.token()),
        )

    def page(self, project: str, **headers: str) -> httpx.Response:
        accept = {"Accept": "application/vnd.pypi.simple.v1+json"}
        return self.client.get(f"/simple/{project}/", headers=accept | headers)

    def names(self, project: str) -> list[str]:
        return [entry["filename"] for entry in self.page(project).json()["files"]]

    def later(self, seconds: float) -> None:
        """Let time pass for the cache of upstream's pages."""
        self.ages_now[0] += seconds


MakeBench = Callable[..., AbstractContextManager[Bench]]


@pytest.fixture
def upstream() -> Iterator[FakeUpstream]:
    with FakeUpstream() as server:
        yield server


@pytest.fixture
def make_bench(tmp_path: Path, upstream: FakeUpstream) -> MakeBench:
    @contextmanager
    def make(*, auditor: Auditor = audited, **settings: Any) -> Iterator[Bench]:
        site = init_site(tmp_path / f"index-{secrets.token_hex(4)}", Settings(**settings))
        clock = Clock()
        now = [1_000_000.0]
        source = Upstream(open_client(upstream.url, ca=None), site.engine, ages=Ages(), now=lambda: now[0])
        app = make_app(
            site,
            source,
            Gatekeeper(auditor=auditor, clock=clock, trust=open_trust(site.settings, site.root)),
            look_every_s=LOOK_EVERY_S,
        )
        with serving(app) as url, httpx.Client(base_url=url, timeout=30, trust_env=False) as client:
            yield Bench(site=site, upstream=upstream, client=client, clock=clock, app=app, ages_now=now)

    return make


@pytest.fixture(params=["sqlite-folder", "postgres-s3"])
def bench(request: pytest.FixtureRequest, make_bench: MakeBench) -> Iterator[Bench]:
    """The same index on the default storage and on PostgreSQL with S3."""
    where: dict[str, str] = {}
    if request.param == "postgres-s3":
        where["database"] = request.getfixturevalue("postgres").new_database()
        where["files"] = request.getfixturevalue("s3").new_bucket()
    with make_bench(**where) as made:
        yield made


@pytest.fixture
def small(make_bench: MakeBench) -> Iterator[Bench]:
    """On the default storage only."""
    with make_bench() as made:
        yield made


@contextmanager
def serving(app: IndexApp) -> Iterator[str]:
    """The application behind the real HTTP server, in a thread."""
    port = free_port()
    config = uvicorn.Config(
        app, host="127.0.0.1", port=port, http=PatientProtocol, lifespan="on", log_config=None, loop="asyncio"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_for(lambda: server.started, "uvicorn")
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(20)


@dataclass(slots=True, kw_only=True)
class Running:
    """``manyloong index serve`` in a process of its own."""

    root: Path
    url: str
    upstream_url: str
    process: "subprocess.Popen[bytes]"

    def manyloong(self, *arguments: str | Path, exit_code: int = 0) -> str:
        """What ``manyloong index ... --root ROOT`` prints."""
        return run_manyloong(
            "index", *arguments, "--root", self.root, exit_code=exit_code, url=self.upstream_url
        )


def run_manyloong(*arguments: str | Path, exit_code: int = 0, url: str = "") -> str:
    """What the command line prints, on both streams."""
    environ = dict(os.environ) | ({"MANYLOONG_INDEX_URL": url} if url else {})
    command = [sys.executable, "-m", "manyloong", *(str(argument) for argument in arguments)]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == exit_code, done.stdout + done.stderr
    return done.stdout + done.stderr


StartServer = Callable[..., AbstractContextManager[Running]]


@pytest.fixture
def start_server(tmp_path: Path, upstream: FakeUpstream) -> StartServer:
    """Starts the real server; ``root`` may be an index that is there."""

    @contextmanager
    def start(root: Path | None = None, *, upstream_url: str = upstream.url) -> Iterator[Running]:
        folder = root or tmp_path / f"served-{secrets.token_hex(4)}"
        environ = dict(os.environ)
        if upstream_url:
            environ["MANYLOONG_INDEX_URL"] = upstream_url
        port = free_port()
        command = [sys.executable, "-m", "manyloong", "index", "serve", str(folder), "--port", str(port)]
        with (tmp_path / f"serve-{port}.log").open("wb") as log:
            process = subprocess.Popen(command, env=environ, stdout=log, stderr=log)
        url = f"http://127.0.0.1:{port}"
        try:
            wait_for(lambda: process.poll() is not None or answers(f"{url}/readyz"), "manyloong index serve")
            assert process.poll() is None, (tmp_path / f"serve-{port}.log").read_text()
            yield Running(root=folder, url=url, upstream_url=upstream_url, process=process)
        finally:
            if process.poll() is None:
                process.terminate()
            process.wait(30)

    return start
