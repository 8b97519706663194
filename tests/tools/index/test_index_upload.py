"""The upload API: what is taken, what is refused and why, and that nothing is half-stored."""

import base64
import hashlib
import json
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from sqlalchemy import select

from manyloong.corpus import Elf
from manyloong.index import ledger, shelf
from manyloong.index.database import reading, writing
from manyloong.index.limits import RateLimit
from manyloong.index.model import RefusedError
from manyloong.index.tables import limits
from manyloong.index.testing import accept_all, good_wheel, upstream_file
from manyloong.index.tokens import revoke_token
from manyloong.index.upkeep import verify

if TYPE_CHECKING:
    from tests.tools.index.conftest import Bench, MakeBench, Running, StartServer

TAGS = "cp313-cp313-manylinux_2_36_loongarch64"


def page_url(bench: "Bench") -> httpx.URL:
    return bench.client.base_url.join("/simple/example/")


def stored(bench: "Bench") -> list[str]:
    with reading(bench.site.engine) as connection:
        return [file.name.filename for file in shelf.every_file(connection)]


def refused(bench: "Bench", response: httpx.Response, status: int, text: str) -> None:
    """A clear status and message, and nothing kept."""
    assert response.status_code == status, response.text
    assert text in response.text
    assert stored(bench) == []
    assert list(bench.site.blobs.listing()) == []
    assert list((bench.site.root / "incoming").glob("*")) == []


def test_a_good_wheel_is_on_the_page_and_at_its_address(bench: "Bench") -> None:
    upstream = bench.upstream.project("example", ["1.0"])
    filename, content = good_wheel(requires=("numpy",))
    response = bench.upload(filename, content)
    assert (response.status_code, response.text) == (200, "OK\n")
    document = bench.page("example").json()
    assert document["files"][:-1] == upstream["files"]
    entry = document["files"][-1]
    assert entry["hashes"] == {"sha256": hashlib.sha256(content).hexdigest()}
    assert entry["upload-time"].startswith("2026-01-01T00:00:00")
    assert entry["_manyloong"]["released"] == "2024-05-06T07:08:09.123456Z"
    address = str(page_url(bench).join(entry["url"]))
    download = bench.client.get(address)
    assert download.content == content
    assert "immutable" in download.headers["cache-control"]
    etag = download.headers["etag"]
    assert bench.client.get(address, headers={"If-None-Match": etag}).status_code == 304
    metadata = bench.client.get(address + ".metadata")
    assert hashlib.sha256(metadata.content).hexdigest() == entry["core-metadata"]["sha256"]
    assert "Requires-Dist: numpy" in metadata.text
    assert bench.client.head(address).status_code == 200
    assert verify(bench.site).faults == ()


def test_the_same_bytes_again_are_fine_other_bytes_are_not(bench: "Bench") -> None:
    bench.upstream.project("example", ["1.0"])
    filename, content = good_wheel()
    assert bench.upload(filename, content).status_code == 200
    assert bench.upload(filename, content).status_code == 200
    response = bench.upload(*good_wheel(note="other"))
    assert response.status_code == 400
    assert "File already exists" in response.text
    assert "build tag" in response.text
    assert bench.upload(*good_wheel(note="other", build="1")).status_code == 200
    assert len(bench.names("example")) == 3
    assert verify(bench.site).faults == ()


def test_parallel_uploads_of_different_bytes_have_one_winner(bench: "Bench") -> None:
    bench.upstream.project("example", ["1.0"])
    token = bench.token()
    wheels = [good_wheel(note=f"number {number}") for number in range(6)]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda wheel: bench.upload(*wheel, token=token), wheels))
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 5
    winner = next(w for w, answer in zip(wheels, answers, strict=True) if answer.status_code == 200)
    assert (
        bench.page("example").json()["files"][-1]["hashes"]["sha256"] == hashlib.sha256(winner[1]).hexdigest()
    )
    assert len(list(bench.site.blobs.listing())) == 2  # the wheel and its metadata
    assert verify(bench.site).faults == ()


def test_parallel_uploads_of_the_same_bytes_all_succeed(bench: "Bench") -> None:
    bench.upstream.project("example", ["1.0"])
    token = bench.token()
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: bench.upload(*good_wheel(), token=token), range(4)))
    assert [answer.status_code for answer in answers] == [200] * 4
    assert verify(bench.site).faults == ()


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({":action": "submit"}, ":action"),
        ({":action": None}, ":action"),
        ({"protocol_version": "2"}, "protocol_version"),
        ({"filetype": "sdist"}, "only wheels"),
        ({"name": "other"}, "the form says project"),
        ({"name": "ex\u0430mple"}, "is not a project name"),
        ({"name": None}, "is not a project name"),
        ({"version": "1.1"}, "the form says version"),
        ({"version": None}, "the form says version"),
        ({"sha256_digest": "0" * 64}, "sha256_digest"),
        ({"md5_digest": "0" * 32}, "md5_digest"),
        ({"blake2_256_digest": "\u00e9"}, "blake2_256_digest"),
        ({"sha256_digest": None}, "no digest was sent"),
        ({"attestations": "[{]"}, "attestations: not JSON"),
    ],
    ids=str,
)
def test_wrong_forms(small: "Bench", fields: dict[str, Any], text: str) -> None:
    small.upstream.project("example", ["1.0"])
    refused(small, small.upload(*good_wheel(), **fields), 400, text)


@pytest.mark.parametrize(
    "filename",
    [
        "../example-1.0-" + TAGS + ".whl",
        "..%2fexample-1.0-" + TAGS + ".whl",
        "/etc/passwd",
        "ex\u0430mple-1.0-" + TAGS + ".whl",
        "example\x00-1.0-" + TAGS + ".whl",
        "example-1.0.tar.gz",
        "example-1.0-" + TAGS + ".whl.",
        "",
    ],
)
def test_tricks_with_the_file_name(small: "Bench", filename: str) -> None:
    small.upstream.project("example", ["1.0"])
    _, content = good_wheel()
    response = small.upload(filename, content, name="example", version="1.0")
    assert response.status_code == 400
    assert stored(small) == []


@pytest.mark.parametrize(
    ("tags", "text"),
    [
        ("cp313-cp313-linux_loongarch64", "promises no libc version"),
        ("cp313-cp313-manylinux_2_36_x86_64", "only wheels for loongarch64"),
        ("py3-none-any", "only wheels for loongarch64"),
        ("cp313-cp313-manylinux_2_28_loongarch64", "ML020"),
        ("cp313-cp313-manylinux_2_36_loongarch64.manylinux_2_36_x86_64", "only wheels for loongarch64"),
        ("cp313-cp313-manylinux2014_loongarch64", "promises no libc version"),
    ],
)
def test_wrong_platforms(small: "Bench", tags: str, text: str) -> None:
    small.upstream.project("example", ["1.0"])
    refused(small, small.upload(*good_wheel(tags=tags)), 400, text)


@pytest.mark.parametrize(
    ("elf", "what"),
    [
        (Elf(e_flags=0x03, exported=("PyInit__native",)), "old world"),
        (Elf(machine=62, exported=("PyInit__native",)), "x86-64 code"),
        (Elf(align=0x1000, exported=("PyInit__native",)), "pages"),
    ],
)
def test_the_auditor_stands_at_the_gate(small: "Bench", elf: Elf, what: str) -> None:
    small.upstream.project("example", ["1.0"])
    response = small.upload(*good_wheel(elf=elf))
    refused(small, response, 400, "the audit does not accept")
    assert "ML0" in response.text, what


def test_wheels_that_are_no_wheels(small: "Bench") -> None:
    small.upstream.project("example", ["1.0"])
    filename, content = good_wheel()
    refused(small, small.upload(filename, b"not a zip"), 400, "not a readable ZIP")
    refused(small, small.upload(filename, content[: len(content) // 2]), 400, "not a readable ZIP")
    refused(small, small.upload(filename, b""), 400, "not a readable ZIP")
    _, other = good_wheel(version="2.0")
    refused(small, small.upload(filename, other), 400, "METADATA says Version 2.0")
    _, other = good_wheel(project="other")
    refused(small, small.upload(filename, other), 400, "METADATA says Name 'other'")
    _, other = good_wheel(requires=("not a requirement ;;",))
    refused(small, small.upload(filename, other), 400, "METADATA is not valid")


def test_nobody_captures_a_name(small: "Bench") -> None:
    small.upstream.project("example", ["1.0"])
    refused(small, small.upload(*good_wheel("unheard-of")), 400, "upstream has no project")
    refused(small, small.upload(*good_wheel("example", "1.1")), 400, "upstream has no release 1.1")


def test_a_release_that_is_new_upstream_is_asked_for(small: "Bench") -> None:
    small.upstream.project("example", ["1.0"])
    assert small.page("example").status_code == 200
    small.upstream.project("example", ["1.0", "1.1"])
    assert small.upload(*good_wheel("example", "1.1")).status_code == 200


def test_no_upload_while_upstream_cannot_be_asked(small: "Bench") -> None:
    small.upstream.silent.set()
    refused(small, small.upload(*good_wheel()), 503, "cannot check example 1.0")


def test_no_upload_of_what_upstream_ships(small: "Bench") -> None:
    filename, content = good_wheel()
    small.upstream.project("example", ["1.0"], upstream_file(filename, b"theirs"))
    refused(small, small.upload(filename, content), 400, "upstream ships")
    refused(small, small.upload(*good_wheel(build="7")), 400, "upstream ships")


def test_no_upload_into_quarantine(small: "Bench") -> None:
    document = small.upstream.project("example", ["1.0"])
    document["project-status"] = {"status": "quarantined"}
    small.upstream.answers["/simple/example/"].body = json.dumps(document).encode()
    refused(small, small.upload(*good_wheel()), 400, "quarantine")


def test_local_projects_need_no_upstream(small: "Bench") -> None:
    with writing(small.site.engine) as connection:
        shelf.declare_local(connection, "mine", local=True, now=small.clock())
    small.upstream.silent.set()
    assert small.upload(*good_wheel("mine")).status_code == 200
    assert len(small.names("mine")) == 1


def test_tokens(small: "Bench") -> None:
    small.upstream.project("example", ["1.0"])
    wheel = good_wheel()
    good = small.token("example")
    wrong = good[:-1] + ("A" if good[-1] != "A" else "B")
    for token in ("x", "mnl-", "mnl--", wrong, "mnl-\x00-x", good.replace("mnl", "abc"), "\u00e9" * 50):
        refused(small, small.upload(*wheel, token=token), 403, "invalid token")
    refused(small, small.upload(*wheel, token=small.token("numpy", "scipy")), 403, "is for numpy, scipy")
    expired = small.token(days=1)
    small.clock.moment = small.clock.moment.replace(month=3)
    refused(small, small.upload(*wheel, token=expired), 403, "expired on 2026-01-02")
    fresh = small.token("example")
    assert small.upload(*wheel, token=fresh).status_code == 200
    with writing(small.site.engine) as connection:
        revoke_token(connection, fresh.split("-")[1], now=small.clock())
    assert "revoked" in small.upload(*wheel, token=fresh).text


def test_secrets_are_not_stored(bench: "Bench") -> None:
    secret = bench.token().split("-", 2)[2]
    with reading(bench.site.engine) as connection:
        from manyloong.index.tables import tokens  # noqa: PLC0415

        row = connection.execute(tokens.select()).one()
    assert secret not in str(row)
    assert row.digest == hashlib.sha256(secret.encode()).hexdigest()


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (None, 401),
        ("Basic", 401),
        ("Basic ???", 401),
        ("Basic " + base64.b64encode(b"\xff:\xff").decode(), 401),
        ("Digest x", 401),
        ("Bearer", 401),
        ("Bearer x", 403),
    ],
)
def test_authorization_headers(small: "Bench", header: str | None, status: int) -> None:
    headers = {"Authorization": header} if header is not None else {}
    response = small.client.post("/legacy/", headers=headers)
    assert response.status_code == status
    if status == 401:
        assert response.headers["www-authenticate"].startswith("Basic")


def test_wrong_tokens_are_limited(make_bench: "MakeBench") -> None:
    with make_bench(failures_per_minute=3) as bench:
        codes = [bench.upload(*good_wheel(), token="mnl-a-b").status_code for _ in range(5)]  # noqa: S106
        assert codes == [403, 403, 403, 429, 429]


def test_limits_fill_up_again_and_are_shared(bench: "Bench") -> None:
    """Another process over the same database, or the same one after a restart, sees the same buckets."""
    clock = [1_000_000.0]
    first, second = (RateLimit(bench.site.engine, "tries", 2, now=lambda: clock[0]) for _ in range(2))
    first.take("a")
    second.take("a")
    for limit in (first, second):
        for act in (limit.check, limit.take):
            with pytest.raises(RefusedError) as caught:
                act("a")
            assert caught.value.status == 429
        limit.check("b")
    RateLimit(bench.site.engine, "other", 2, now=lambda: clock[0]).check("a")
    clock[0] += 30
    second.take("a")
    with pytest.raises(RefusedError):
        first.take("a")
    clock[0] += 61
    first.take("b\x00" + "x" * 500)
    with reading(bench.site.engine) as connection:
        assert len(connection.execute(select(limits)).all()) == 1  # full buckets are not kept


def test_limits_hold_for_parallel_takers(bench: "Bench") -> None:
    limit = RateLimit(bench.site.engine, "tries", 5, now=lambda: 1_000_000.0)

    def taken(_: int) -> bool:
        try:
            limit.take("a")
        except RefusedError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(taken, range(16))) == 5


def test_limits_survive_a_restart(start_server: "StartServer") -> None:
    def tried(server: "Running") -> int:
        auth = ("__token__", "mnl-a-b")
        return httpx.post(f"{server.url}/legacy/", auth=auth, trust_env=False).status_code

    with start_server() as server:
        root = server.root
    text = (root / "index.toml").read_text()
    (root / "index.toml").write_text(text.replace("failures-per-minute = 20", "failures-per-minute = 2"))
    with start_server(root) as server:
        assert [tried(server) for _ in range(2)] == [403, 403]
    with sqlite3.connect(root / "index.sqlite3") as link:  # a slow machine must not give permits back
        link.execute("UPDATE limits SET at = at + 3600")
    link.close()
    with start_server(root) as server, start_server(root) as other:
        assert {tried(server), tried(other)} == {429}


def test_uploads_are_limited(make_bench: "MakeBench") -> None:
    with make_bench(uploads_per_minute=2, auditor=accept_all) as bench:
        bench.upstream.project("example", ["1.0"])
        token = bench.token()
        codes = [bench.upload(*good_wheel(), token=token).status_code for _ in range(4)]
        assert codes == [200, 200, 429, 429]


def test_bodies_are_limited(make_bench: "MakeBench") -> None:
    with make_bench(upload_limit_mib=1) as bench:
        bench.upstream.project("example", ["1.0"])
        filename, _ = good_wheel()
        refused(bench, bench.upload(filename, b"x" * (2 << 20)), 413, "larger than")

        def chunks() -> Any:
            yield b'--b\r\nContent-Disposition: form-data; name="content"; filename="x"\r\n\r\n'
            for _ in range(40):
                yield b"x" * 65536

        response = bench.client.post(
            "/legacy/",
            content=chunks(),
            headers={"Content-Type": "multipart/form-data; boundary=b"},
            auth=("__token__", bench.token()),
        )
        refused(bench, response, 413, "larger than")


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("application/json", b"{}", 415),
        ("", b"", 415),
        ("multipart/form-data", b"x", 400),
        ("multipart/form-data; boundary=", b"x", 400),
        ("multipart/form-data; boundary=b", b"", 400),
        ("multipart/form-data; boundary=b", b"--b\r\n", 400),
        ("multipart/form-data; boundary=b", b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--", 400),
        ("multipart/form-data; boundary=b", b"garbage" * 100, 400),
        (
            "multipart/form-data; boundary=b; charset=nope",
            b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n\xff\r\n--b--\r\n',
            400,
        ),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="content"\r\n\r\nx\r\n--b--\r\n',
            400,
        ),
    ],
)
def test_malformed_bodies(small: "Bench", kind: str, body: bytes, status: int) -> None:
    response = small.client.post(
        "/legacy/", content=body, headers={"Content-Type": kind}, auth=("__token__", small.token())
    )
    assert response.status_code == status, response.text
    assert len(response.text) < 500
    assert stored(small) == []


def test_the_ledger_cannot_be_changed(bench: "Bench") -> None:
    bench.upstream.project("example", ["1.0"])
    bench.upload(*good_wheel())
    for statement in ("UPDATE ledger SET actor='x'", "DELETE FROM ledger"):
        with pytest.raises(Exception, match="append-only"), writing(bench.site.engine) as connection:
            connection.exec_driver_sql(statement)
    with writing(bench.site.engine) as connection:
        assert ledger.faults(connection) == []
        guards = ("ledger_no_update", "ledger_no_change")
        name = guards[connection.dialect.name == "postgresql"]
        suffix = " ON ledger" if connection.dialect.name == "postgresql" else ""
        connection.exec_driver_sql(f"DROP TRIGGER {name}{suffix}")
        connection.exec_driver_sql("UPDATE ledger SET actor='someone' WHERE seq=1")
        faults = ledger.faults(connection)
    assert any("entry 1" in fault and "was changed" in fault for fault in faults)


def test_documents_are_added_later(small: "Bench") -> None:
    small.upstream.project("example", ["1.0"])
    filename, content = good_wheel()
    small.upload(filename, content)
    auth = ("__token__", small.token("example"))
    address = f"/api/files/{filename}/record"
    assert small.client.put(address, content=b'{"tested": []}', auth=auth).status_code == 200
    assert small.client.put(address, content=b"\xff", auth=auth).status_code == 400
    assert small.client.put(f"/api/files/{filename}/verdict", content=b"{}", auth=auth).status_code == 404
    assert small.client.put("/api/files/x/record", content=b"{}", auth=auth).status_code == 404
    missing = filename.replace("1.0", "2.0")
    assert small.client.put(f"/api/files/{missing}/record", content=b"{}", auth=auth).status_code == 404
    other = ("__token__", small.token("numpy"))
    assert small.client.put(address, content=b"{}", auth=other).status_code == 403
