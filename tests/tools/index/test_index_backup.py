"""Back-up and restore with the databases' own tools during uploads; an export behind real web servers."""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from tests.tools.index.conftest import answers, free_port, need, run_manyloong, wait_for
from tests.tools.index.local_sigstore import LocalSigstore, statement

from manyloong.index import shelf
from manyloong.index.blobs import Blobs, open_blobs
from manyloong.index.database import writing
from manyloong.index.settings import read_settings
from manyloong.index.site import open_site
from manyloong.index.testing import FakeUpstream, good_wheel
from manyloong.index.upkeep import verify

if TYPE_CHECKING:
    from tests.tools.index.conftest import S3, Bench, MakeBench, Postgres, StartServer

HOW_TO = Path("docs/how-to/run-an-index.md")
JSON = {"Accept": "application/vnd.pypi.simple.v1+json"}


@contextmanager
def uploads_going_on(bench: "Bench") -> Iterator[list[str]]:
    """Uploads one after the other until the block ends; the names of those that were acknowledged."""
    bench.upstream.project("example", ["1.0"])
    token = bench.token()
    stop, done = threading.Event(), list[str]()

    def work() -> None:
        while not stop.is_set():
            filename, content = good_wheel(build=str(len(done) + 1))
            answer = bench.upload(filename, content, token=token)
            assert answer.status_code == 200, answer.text
            done.append(filename)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        wait_for(lambda: len(done) >= 2, "uploads")
        yield done
    finally:
        stop.set()
        thread.join()


def copied(source: Blobs, target: Blobs) -> None:
    for key, _ in source.listing():
        if not key.startswith(".incoming/"):
            target.put_bytes(key, b"".join(source.chunks(key)))


def check_restored(root: Path, acknowledged: list[str]) -> None:
    """Everything acknowledged before the copy began is there and whole, and the ledger goes on."""
    site = open_site(root)
    result = verify(site)
    assert result.faults == ()
    with writing(site.engine) as connection:
        there = {file.name.filename for file in shelf.every_file(connection)}
        assert set(acknowledged) <= there
        with pytest.raises(Exception, match="append-only"):
            connection.exec_driver_sql("DELETE FROM ledger")
    run_manyloong("index", "yank", acknowledged[0], "--root", root)
    assert verify(site).faults == ()
    site.engine.dispose()


def test_sqlite_with_its_own_tool(make_bench: "MakeBench", tmp_path: Path) -> None:
    need("sqlite3", shutil.which("sqlite3"))
    copy = tmp_path / "copy"
    copy.mkdir()
    with make_bench(uploads_per_minute=10**6) as bench, uploads_going_on(bench) as done:
        before = list(done)
        database = bench.site.root / "index.sqlite3"
        subprocess.run(["sqlite3", str(database), f".backup {copy}/index.sqlite3"], check=True)
        shutil.copy(bench.site.root / "index.toml", copy)
        shutil.copytree(bench.site.root / "files", copy / "files", ignore=shutil.ignore_patterns(".incoming"))
    check_restored(copy, before)


def test_postgresql_with_its_own_tools(
    make_bench: "MakeBench", postgres: "Postgres", s3: "S3", tmp_path: Path
) -> None:
    need("pg_dump", shutil.which("pg_dump"))
    where, bucket = postgres.new_database(), s3.new_bucket()
    dump, copy = tmp_path / "index.pgdump", tmp_path / "copy"
    with (
        make_bench(database=where, files=bucket, uploads_per_minute=10**6) as bench,
        uploads_going_on(bench) as done,
    ):
        before = list(done)
        subprocess.run(["pg_dump", "--format=custom", f"--file={dump}", where], check=True)
        kept = s3.new_bucket()
        copied(bench.site.blobs, open_blobs(kept, root=tmp_path))
    empty = postgres.new_database()
    restore = ["pg_restore", "--no-owner", "--exit-on-error", f"--dbname={empty}", str(dump)]
    subprocess.run(restore, check=True)
    copy.mkdir()
    text = (bench.site.root / "index.toml").read_text().replace(where, empty).replace(bucket, kept)
    (copy / "index.toml").write_text(text)
    assert read_settings(copy).database == empty
    check_restored(copy, before)


def test_an_export_restores_verified_provenance(
    start_server: "StartServer", upstream: FakeUpstream, tmp_path: Path
) -> None:
    """What was required to be signed is verified again when it comes back."""
    upstream.project("example", ["1.0"])
    filename, content = good_wheel()
    (tmp_path / filename).write_bytes(content)
    authority = LocalSigstore()
    signer = ("builder@example.org", "https://accounts.example.org")
    signed = authority.attestation(statement(filename, content), identity=signer[0], issuer=signer[1])
    (tmp_path / f"{filename}.publish.attestation").write_text(json.dumps(signed))
    (tmp_path / "trusted_root.json").write_text(authority.trusted_root())

    def made(name: str, signers: str) -> Path:
        root = tmp_path / name
        run_manyloong("index", "init", root, url=upstream.url)
        text = (root / "index.toml").read_text()
        text = text.replace("require-provenance = []", 'require-provenance = ["*"]')
        text = text.replace('trusted-root = ""', f'trusted-root = "{tmp_path}/trusted_root.json"')
        (root / "index.toml").write_text(
            text.replace("provenance-signers = []", f'provenance-signers = ["{signers}"]')
        )
        return root

    first, second = made("first", " ".join(signer)), made("second", " ".join(signer))
    stranger = made("stranger", "other@example.org https://accounts.example.org")
    with start_server(first) as server:
        server.manyloong("add", tmp_path / filename)
        server.manyloong("export", tmp_path / "saved")
        url = upstream.url
        run_manyloong("index", "import", tmp_path / "saved", "--root", second, url=url)
        text = run_manyloong("index", "import", tmp_path / "saved", "--root", stranger, url=url, exit_code=12)
        assert "the signature does not hold" in text
        run_manyloong("index", "export", tmp_path / "again", "--root", second, url=url)
    saved, again = (
        {p.relative_to(root): p.read_bytes() for p in root.rglob("*") if p.is_file()}
        for root in (tmp_path / "saved", tmp_path / "again")
    )
    assert saved == again
    assert any(path.name == "provenance" for path in saved)


@pytest.fixture
def exported(start_server: "StartServer", upstream: FakeUpstream, tmp_path: Path) -> Path:
    upstream.project("example", ["1.0"])
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    filename, content = good_wheel()
    (wheels / filename).write_bytes(content)
    with start_server() as server:
        server.manyloong("import", wheels)
        server.manyloong("export", tmp_path / "exported")
    return tmp_path / "exported"


@contextmanager
def web_server(command: list[str], url: str, folder: Path) -> Iterator[None]:
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
    try:
        wait_for(lambda: process.poll() is not None or answers(url), command[0])
        assert process.poll() is None, (folder / "server.log").read_text()
        yield
    finally:
        process.terminate()
        process.wait(20)


def pip_download(index: str, target: Path) -> str:
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PIP_")}
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-cache-dir", "-d", str(target)]
    command += ["--index-url", index, "--only-binary=:all:", "--platform=manylinux_2_36_loongarch64"]
    command += ["--python-version=3.13", "--implementation=cp", "-vv", "example==1.0"]
    environ = clean | {"PIP_CONFIG_FILE": os.devnull, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environ, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_python_serves_an_export(exported: Path, tmp_path: Path) -> None:
    port = free_port()
    command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "-d", str(exported)]
    url = f"http://127.0.0.1:{port}/simple/"
    with web_server(command, url, tmp_path):
        pip_download(url, tmp_path / "got")
    (wheel,) = (tmp_path / "got").iterdir()
    assert wheel.read_bytes() == next((tmp_path / "wheels").glob("*.whl")).read_bytes()


def nginx_configuration(exported: Path, port: int, upstream: FakeUpstream, folder: Path) -> str:
    """What the how-to shows, with its three placeholders filled in."""
    (shown,) = re.findall(r"```nginx\n(.*?)```", HOW_TO.read_text("utf-8"), re.DOTALL)
    filled = shown.replace("listen 443 ssl;", f"listen 127.0.0.1:{port};").replace(
        "/srv/index", str(exported)
    )
    filled = filled.replace("https://UPSTREAM", upstream.url.removesuffix("/simple"))
    assert filled.count(str(exported)) == shown.count("/srv/index") > 0
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    head = f"daemon off;\npid {folder}/nginx.pid;\nerror_log stderr;\nevents {{}}\n"
    user = "user root;\n" if os.geteuid() == 0 else ""
    return f"{user}{head}http {{\naccess_log off;\n{temporary}{filled}\n}}\n"


def test_nginx_serves_an_export_as_the_how_to_says(
    exported: Path, upstream: FakeUpstream, tmp_path: Path
) -> None:
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    need("nginx", nginx)
    port = free_port()
    (tmp_path / "nginx.conf").write_text(nginx_configuration(exported, port, upstream, tmp_path))
    command = [str(nginx), "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")]
    base = f"http://127.0.0.1:{port}"
    with web_server(command, f"{base}/simple/example/", tmp_path), httpx.Client(trust_env=False) as client:
        assert "application/vnd.pypi.simple.v1+json" in pip_download(f"{base}/simple/", tmp_path / "got")
        (wheel,) = (tmp_path / "got").iterdir()
        assert wheel.read_bytes() == next((tmp_path / "wheels").glob("*.whl")).read_bytes()
        page = client.get(f"{base}/simple/example/", headers=JSON)
        assert page.headers["content-type"] == JSON["Accept"]
        assert page.headers["vary"] == "Accept"
        html = client.get(f"{base}/simple/example/")
        assert html.headers["content-type"].startswith("text/html")
        assert "<a href=" in html.text
        file = page.json()["files"][-1]
        address = page.url.join(file["url"])
        ranged = client.get(address, headers={"Range": "bytes=0-3"})
        assert (ranged.status_code, ranged.content) == (206, b"PK\x03\x04")
        metadata = client.get(f"{address}.metadata")
        assert metadata.text.startswith("Metadata-Version: 2.4")
        foreign = client.get(f"{base}/simple/requests/", headers=JSON)
        assert foreign.status_code == 302
        assert foreign.headers["location"] == f"{upstream.url}/requests/"
