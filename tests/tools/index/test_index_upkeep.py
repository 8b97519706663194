"""Keeping an index: verify, gc, export, import, affected, and the command line's errors."""

import asyncio
import hashlib
import sqlite3
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from manyloong.index.blobs import DirectoryBlobs, S3Blobs
from manyloong.index.gate import Upload
from manyloong.index.model import blob_key
from manyloong.index.names import wheel_name
from manyloong.index.pages import Pages
from manyloong.index.publish import Gatekeeper, publish
from manyloong.index.settings import Settings
from manyloong.index.site import Site, init_site, open_site
from manyloong.index.testing import FakeUpstream, accept_all, good_wheel
from manyloong.index.upkeep import affected, collect, verify
from manyloong.index.upstream import Ages, Upstream, open_client
from manyloong.index.upstream_page import JSON_TYPE

if TYPE_CHECKING:
    from tests.tools.index.conftest import Bench, StartServer

SBOM = b'{"components": [{"name": "zlib", "version": "1.2.13-1+b1"}, {"name": "odd"}]}'


def fill(folder: Path, *names: str) -> None:
    folder.mkdir(exist_ok=True)
    for name in names:
        inside = ((f"{name}-1.0.dist-info/sboms/zlib.cdx.json", SBOM),)
        filename, content = good_wheel(name, files=inside)
        (folder / filename).write_bytes(content)
        (folder / f"{filename}.record.json").write_text('{"lane": "cross"}')
        (folder / f"{filename}.log").write_text("built")


def tree(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()
    }


def test_verify_finds_what_is_wrong(bench: "Bench") -> None:
    bench.upstream.project("example", ["1.0"])
    filename, content = good_wheel()
    bench.upload(filename, content)
    assert verify(bench.site).faults == ()
    key, _ = next(item for item in bench.site.blobs.listing() if item[0].endswith(".whl"))
    bench.site.blobs.delete(key)
    assert verify(bench.site).faults == (f"{key}: the bytes are missing",)
    bench.site.blobs.put_bytes(key, b"other")
    assert verify(bench.site).faults == (f"{key}: the bytes have changed",)


def test_gc_removes_only_what_is_old_and_unclaimed(bench: "Bench") -> None:
    bench.upstream.project("example", ["1.0"])
    bench.upload(*good_wheel())
    orphan = blob_key("ab" * 32, "orphan.whl")
    bench.site.blobs.put_bytes(orphan, b"1234")
    (bench.site.root / "incoming" / "cut-off").mkdir(parents=True)
    assert collect(bench.site, now=time.time).keys == ()
    later = time.time() + 4000
    done = collect(bench.site, now=lambda: later, dry_run=True)
    assert set(done.keys) == {orphan, "incoming/cut-off"}
    assert done.size_bytes == 4
    assert bench.site.blobs.size(orphan) == 4
    collect(bench.site, now=lambda: later)
    assert bench.site.blobs.size(orphan) is None
    assert len(list(bench.site.blobs.listing())) == 2
    assert verify(bench.site).faults == ()


class Swept(DirectoryBlobs):
    """A folder in which ``gc`` runs at the worst moment: the bytes are there, their row is not yet."""

    site: Site

    def put_bytes(self, key: str, content: bytes) -> None:
        super().put_bytes(key, content)
        if not self.swept:
            self.swept = True
            later = time.time() + 4000
            self.removed = collect(self.site, now=lambda: later).keys

    swept = False
    removed: tuple[str, ...] = ()


def test_gc_and_an_upload_at_the_same_time(tmp_path: Path) -> None:
    """The upload of what an older, cut-off one has left; gc goes over it before it is committed."""
    plain = init_site(tmp_path / "index", Settings())
    blobs = Swept(tmp_path / "index/files")
    site = blobs.site = Site(root=plain.root, settings=plain.settings, engine=plain.engine, blobs=blobs)
    filename, content = good_wheel()
    path = tmp_path / filename
    path.write_bytes(content)
    fields = {"sha256_digest": hashlib.sha256(content).hexdigest()}
    upload = Upload(fields=fields, filename=filename, path=path)
    keeper = Gatekeeper(auditor=accept_all, clock=lambda: datetime(2026, 1, 1, tzinfo=UTC))
    publish(site, upload, name=wheel_name(filename), released_at="", actor="test", keeper=keeper)
    assert len(blobs.removed) == 2
    assert verify(site).faults == ()


def test_affected(bench: "Bench") -> None:
    bench.upstream.project("example", ["1.0"])
    inside = (("example-1.0.dist-info/sboms/zlib.cdx.json", SBOM),)
    filename, content = good_wheel(files=inside)
    assert bench.upload(filename, content).status_code == 200
    assert [hit.filename for hit in affected(bench.site, "zlib")] == [filename]
    assert [hit.version for hit in affected(bench.site, "zlib<1.2.14")] == ["1.2.13-1+b1"]
    assert affected(bench.site, "zlib<1.2.13") == ()
    assert affected(bench.site, "openssl") == ()
    assert [hit.filename for hit in affected(bench.site, "odd<1")] == [filename]


def test_export_is_byte_stable_and_incremental(
    start_server: "StartServer", upstream: FakeUpstream, tmp_path: Path
) -> None:
    upstream.project("one", ["1.0"])
    upstream.project("two", ["1.0"])
    fill(tmp_path / "wheels", "one", "two")
    with start_server() as server:
        server.manyloong("import", tmp_path / "wheels")
        live = {
            name: httpx.get(
                f"{server.url}/simple/{name}/",
                headers={"Accept": "application/vnd.pypi.simple.v1+json"},
                trust_env=False,
            ).content
            for name in ("one", "two")
        }
        first, second = tmp_path / "first", tmp_path / "second"
        assert "12 written, 0 unchanged, 0 removed" in server.manyloong("export", first)
        server.manyloong("export", second)
        assert tree(first) == tree(second)
        assert tree(first)["simple/one/index.json"] == live["one"]
        before = {path: path.stat().st_mtime_ns for path in first.rglob("*.whl")}
        assert "0 written, 12 unchanged, 0 removed" in server.manyloong("export", first)
        name = next(path.name for path in first.rglob("two*.whl"))
        server.manyloong("withdraw", name)
        assert "3 written" in server.manyloong("export", first)  # page twice, and the state beside the wheel
        server.manyloong("quarantine", name)
        assert "removed" in server.manyloong("export", first)
        assert not list(first.rglob("two*.whl"))
        assert {path: path.stat().st_mtime_ns for path in first.rglob("*.whl")} == {
            path: when for path, when in before.items() if "one" in path.name
        }
        busy = tmp_path / "busy"
        busy.mkdir()
        (busy / "file").touch()
        assert "not an export" in server.manyloong("export", busy, exit_code=2)


def test_a_back_up_restores_dates_yanks_and_documents(
    start_server: "StartServer", upstream: FakeUpstream, tmp_path: Path
) -> None:
    upstream.project("one", ["1.0"])
    fill(tmp_path / "wheels", "one")
    with start_server() as server:
        server.manyloong("import", tmp_path / "wheels")
        name = next((tmp_path / "wheels").glob("*.whl")).name
        server.manyloong("yank", name, "--reason", "bad")
        server.manyloong("export", tmp_path / "saved")
    with start_server() as server:
        assert "imported 1 wheels" in server.manyloong("import", tmp_path / "saved")
        server.manyloong("export", tmp_path / "again")
        assert tree(tmp_path / "again") == tree(tmp_path / "saved")
        assert "all as they should be" in server.manyloong("verify")


def test_a_copy_of_database_and_files_is_a_back_up(
    start_server: "StartServer", upstream: FakeUpstream, tmp_path: Path
) -> None:
    """The procedure of docs/how-to/run-an-index.md, while the server runs."""
    upstream.project("one", ["1.0"])
    fill(tmp_path / "wheels", "one")
    copy = tmp_path / "copy"
    copy.mkdir()
    with start_server() as server:
        server.manyloong("import", tmp_path / "wheels")
        with sqlite3.connect(server.root / "index.sqlite3") as live:
            target = sqlite3.connect(copy / "index.sqlite3")
            live.backup(target)
            target.close()
        live.close()
        (copy / "index.toml").write_bytes((server.root / "index.toml").read_bytes())
        for path in (server.root / "files").rglob("*"):
            if path.is_file():
                where = copy / path.relative_to(server.root)
                where.parent.mkdir(parents=True, exist_ok=True)
                where.write_bytes(path.read_bytes())
    assert verify(open_site(copy)).faults == ()
    assert verify(open_site(copy)).files == 1


def test_the_command_line_says_what_is_wrong(
    start_server: "StartServer", upstream: FakeUpstream, tmp_path: Path
) -> None:
    upstream.project("one", ["1.0"])
    with start_server() as server:
        cases: tuple[tuple[tuple[str, ...], int, str], ...] = (
            (("yank", "nothing.whl"), 3, "no file"),
            (("add", str(tmp_path / "none.whl")), 3, "no such wheel"),
            (("import", str(tmp_path / "none")), 3, "no such folder"),
            (("affected", "<1"), 2, "NAME<VERSION"),
            (("local", "\u0430"), 2, "not a project name"),
            (("token", "create", "--project", "-"), 2, "not a project name"),
            (("token", "revoke", "x"), 3, "no token"),
        )
        for arguments, code, text in cases:
            assert text in server.manyloong(*arguments, exit_code=code), arguments
        secret = server.manyloong("token", "create", "--project", "One", "--note", "ci").splitlines()[-1]
        assert secret.startswith("mnl-")
        listed = server.manyloong("token", "list")
        assert "one" in listed
        assert secret.split("-", 2)[2] not in listed
        server.manyloong("token", "revoke", secret.split("-")[1])
        assert "revoked" in server.manyloong("token", "list")
        refused = tmp_path / good_wheel("two")[0]
        refused.write_bytes(good_wheel("two")[1])
        assert "upstream has no project" in server.manyloong("add", refused, exit_code=12)


@pytest.mark.parametrize("kind", ["folder", "s3"])
def test_blobs(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    store: DirectoryBlobs | S3Blobs
    if kind == "s3":
        store = S3Blobs(request.getfixturevalue("s3").new_bucket())
    else:
        store = DirectoryBlobs(tmp_path / "files")
    source = tmp_path / "source"
    source.write_bytes(b"x" * 3_000_000)
    key = blob_key("ab" * 32, "a.whl")
    store.put(key, source)
    store.put(key, source)
    assert b"".join(store.chunks(key)) == source.read_bytes()
    assert store.size(key) == 3_000_000
    assert [name for name, _ in store.listing()] == [key]
    store.delete(key)
    store.delete(key)
    assert store.size(key) is None
    assert list(store.listing()) == []


def test_migrations_make_the_tables_that_the_code_expects(bench: "Bench") -> None:
    from alembic.autogenerate import compare_metadata  # noqa: PLC0415
    from alembic.migration import MigrationContext  # noqa: PLC0415

    from manyloong.index.tables import metadata  # noqa: PLC0415

    with bench.site.engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
    assert differences == []


def test_an_index_can_be_opened_again_and_again(bench: "Bench") -> None:
    bench.upstream.project("example", ["1.0"])
    bench.upload(*good_wheel())
    for _ in range(2):
        again = open_site(bench.site.root)
        assert verify(again).files == 1
        again.engine.dispose()


def test_pages_in_memory_are_bounded(small: "Bench") -> None:
    upstream, now = small.upstream, [0.0]

    async def fill() -> tuple[int, int]:
        source = Upstream(open_client(upstream.url, ca=None), small.site.engine, ages=Ages())
        pages = Pages(small.site.engine, source, limit_bytes=50_000, now=lambda: now[0])
        for number in range(40):
            await pages.page(f"p{number}", JSON_TYPE)
        await source.close()
        held = [pages.peek(f"p{number}", JSON_TYPE) for number in range(40)]
        return sum(page is not None for page in held), sum(page.size_bytes for page in held if page)

    for number in range(40):
        upstream.project(f"p{number}", [f"{version}.0" for version in range(20)])
    count, size = asyncio.run(fill())
    assert 1 < count < 40
    assert size <= 50_000
