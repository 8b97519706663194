"""Pages as clients get them: negotiation, caching, and upstream in every kind of trouble."""

import gzip
import json
import time
import zlib
from typing import TYPE_CHECKING

import httpx
import pytest
import zstandard

from manyloong.index import shelf
from manyloong.index.database import writing
from manyloong.index.model import State
from manyloong.index.testing import Canned, good_wheel, upstream_file

if TYPE_CHECKING:
    from tests.tools.index.conftest import Bench

JSON = "application/vnd.pypi.simple.v1+json"


def test_json_and_html(bench: "Bench") -> None:
    document = bench.upstream.project("example", ["1.0"])
    answer = bench.page("example")
    assert answer.headers["content-type"] == JSON
    assert answer.json() == document
    assert answer.headers["vary"] == "Accept, Accept-Encoding"
    assert answer.headers["x-pypi-last-serial"] == "7"
    assert answer.headers["x-manyloong-upstream"] == "fresh"
    html = bench.client.get("/simple/example/")
    assert html.headers["content-type"] == "text/html; charset=UTF-8"
    assert '<a href="https://files.example/example-1.0.tar.gz#sha256=' in html.text
    assert bench.client.get("/simple/example/", params={"format": JSON}).headers["content-type"] == JSON
    assert bench.client.get("/simple/example/", headers={"Accept": "image/png"}).status_code == 406


def test_entity_tags_and_head(small: "Bench") -> None:
    small.upstream.project("example", ["1.0"])
    first = small.page("example")
    again = small.page("example", **{"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    small.upload(*good_wheel())
    assert small.page("example", **{"If-None-Match": first.headers["etag"]}).status_code == 200
    head = small.client.head("/simple/example/", headers={"Accept": JSON})
    assert (head.status_code, head.content) == (200, b"")
    assert int(head.headers["content-length"]) > 100


def test_compression(small: "Bench") -> None:
    small.upstream.project("example", ["1.0"])
    plain = small.page("example", **{"Accept-Encoding": "identity"}).content
    for encoding, unpack in (("gzip", gzip.decompress), ("zstd", zstandard.decompress)):
        headers = {"Accept": JSON, "Accept-Encoding": encoding}
        with small.client.stream("GET", "/simple/example/", headers=headers) as answer:
            raw = b"".join(answer.iter_raw())
        assert answer.headers["content-encoding"] == encoding
        assert unpack(raw) == plain


def test_errors_are_in_the_form_that_was_asked_for(small: "Bench") -> None:
    """Problem details for pip and uv, a page for browsers, plain text for curl and twine."""
    uv = f"{JSON}, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01"
    browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    for path in ("/simple/a/b/", "/project/none/", "/nothing", "/files/aa/bb/cc/x.whl", "/simple/none/"):
        problem = small.client.get(path, headers={"Accept": uv})
        assert problem.headers["content-type"] == "application/problem+json"
        document = problem.json()
        assert (document["status"], document["title"]) == (404, "Not Found")
        assert document["detail"]
        page = small.client.get(path, headers={"Accept": browser})
        assert page.status_code == 404
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert "<h1>Not Found</h1>" in page.text
        assert "script-src" not in page.text
        assert small.client.get(path).headers["content-type"].startswith("text/plain")
    evil = small.client.get("/project/<script>alert(1)/", headers={"Accept": browser})
    assert evil.status_code == 404
    assert "<script" not in evil.text
    refusal = small.client.post("/legacy/", headers={"Accept": "application/json"})
    assert refusal.status_code == 401
    assert refusal.json()["detail"].endswith("hint: user name __token__, password the token")
    assert refusal.headers["www-authenticate"].startswith("Basic")
    wrong = small.client.put("/legacy/", headers={"Accept": "application/json"})
    assert (wrong.status_code, wrong.json()["title"]) == (405, "Method Not Allowed")
    assert wrong.headers["allow"] == "POST"


def test_large_pages_are_compressed_in_parts(small: "Bench") -> None:
    """What gzip and zstd make of a page of some megabytes is what was there, as one stream."""
    files = [
        upstream_file(f"example-1.0-{number}-py3-none-any.whl", b"%d" % number) for number in range(6000)
    ]
    small.upstream.project("example", ["1.0"], *files)
    plain = small.page("example", **{"Accept-Encoding": "identity"}).content
    assert len(plain) > 2 << 20
    with small.client.stream(
        "GET", "/simple/example/", headers={"Accept": JSON, "Accept-Encoding": "gzip"}
    ) as answer:
        raw = b"".join(answer.iter_raw())
    assert len(raw) < len(plain) / 5
    unpack = zlib.decompressobj(16 + zlib.MAX_WBITS)
    assert unpack.decompress(raw) == plain
    assert unpack.eof
    assert unpack.unused_data == b""  # one member: not every client reads more
    assert small.page("example", **{"Accept-Encoding": "zstd"}).content == plain


def test_names_are_redirected_to_their_normal_form(small: "Bench") -> None:
    for path in ("/simple/Ex.Ample/", "/simple/ex-ample", "/simple/EX__AMPLE"):
        answer = small.client.get(path)
        assert (answer.status_code, answer.headers["location"]) == (301, "/simple/ex-ample/")
    assert small.client.get("/simple").headers["location"] == "/simple/"


@pytest.mark.parametrize(
    "path",
    [
        "/simple/../etc/",
        "/simple/a/b/",
        "/simple/-/",
        "/simple/%2e%2e/",
        "/simple/a%00b/",
        "/simple/%ff/",
        "/simple//",
    ],
)
def test_what_is_no_project_is_404(small: "Bench", path: str) -> None:
    assert small.client.get(path).status_code == 404
    assert small.upstream.requests == []


def test_missing_projects_are_remembered_for_a_while(small: "Bench") -> None:
    assert small.page("nothing").status_code == 404
    assert small.page("nothing").status_code == 404
    assert len(small.upstream.requests) == 1
    small.upstream.project("nothing", ["1.0"])
    small.later(61)
    assert small.page("nothing").status_code == 200


def test_stale_pages_are_served_while_new_ones_are_fetched(small: "Bench") -> None:
    small.upstream.project("example", ["1.0"])
    assert len(small.names("example")) == 1
    small.later(601)
    small.upstream.project("example", ["1.0", "1.1"])
    time.sleep(0.2)  # the page in memory is looked at again every 0.1 s
    first = small.page("example")
    assert first.headers["x-manyloong-upstream"] == "stale"
    assert len(first.json()["files"]) == 1
    time.sleep(0.2)
    second = small.page("example")
    assert second.headers["x-manyloong-upstream"] == "fresh"
    assert len(second.json()["files"]) == 2


def test_upstream_is_asked_conditionally(small: "Bench") -> None:
    small.upstream.project("example", ["1.0"])
    small.page("example")
    small.later(86401)
    time.sleep(0.2)
    assert small.page("example").headers["x-manyloong-upstream"] == "fresh"
    assert "If-None-Match" not in small.upstream.requests[0][1]
    assert "If-None-Match" in {key.title() for key in small.upstream.requests[1][1]}


GARBAGE = [
    Canned(body=b"<h1>oops", status=500, content_type="text/html"),
    Canned(body=b"\x00\xff garbage"),
    Canned(body=b"{}"),
    Canned(body=b"", content_type="image/png"),
    Canned(body=b"", status=302, headers={"Location": "/simple/example/"}),  # a loop
    Canned(body=b"", status=302, headers={"Location": "http://[::1"}),
    Canned(body=b"short", headers={"Content-Encoding": "gzip"}),
    Canned(body=b"", status=401),
]


@pytest.mark.parametrize("answer", GARBAGE, ids=lambda canned: f"{canned.status}-{canned.body[:9]!r}")
def test_upstream_in_trouble(small: "Bench", answer: Canned) -> None:
    """Without memory: 502 for foreign projects, our own files for ours; with memory: what was remembered."""
    small.upstream.answers["/simple/example/"] = answer
    failed = small.page("example")
    assert failed.status_code == 502
    assert "upstream" in failed.text
    assert "hint" in failed.text
    assert failed.headers["retry-after"]
    small.upstream.project("example", ["1.0"])
    small.later(10)
    assert small.upload(*good_wheel()).status_code == 200
    assert len(small.names("example")) == 2
    small.upstream.answers["/simple/example/"] = answer
    small.later(86401)
    time.sleep(0.2)
    stale = small.page("example")
    assert stale.status_code == 200
    assert stale.headers["x-manyloong-upstream"] == "down"
    assert len(stale.json()["files"]) == 2


def test_our_files_while_upstream_is_down_and_forgotten(bench: "Bench") -> None:
    bench.upstream.project("example", ["1.0"])
    filename, content = good_wheel()
    bench.upload(filename, content)
    with writing(bench.site.engine) as connection:
        connection.exec_driver_sql("DELETE FROM upstream")
    bench.upstream.silent.set()
    time.sleep(0.2)
    answer = bench.page("example")
    assert answer.headers["x-manyloong-upstream"] == "down"
    assert [entry["filename"] for entry in answer.json()["files"]] == [filename]
    address = bench.client.base_url.join("/simple/example/").join(answer.json()["files"][0]["url"])
    assert bench.client.get(address).content == content
    assert bench.page("unknown").status_code == 502
    assert bench.client.get("/readyz").status_code == 200
    bench.upstream.silent.clear()
    bench.later(6)
    time.sleep(0.2)
    assert len(bench.names("example")) == 2


def test_a_deleted_project_takes_ours_with_it(small: "Bench") -> None:
    small.upstream.project("example", ["1.0"])
    small.upload(*good_wheel())
    small.upstream.remove("example")
    small.later(86401)
    time.sleep(0.2)
    assert small.page("example").status_code == 404


def test_upstream_ships_later(small: "Bench") -> None:
    """Upstream's file wins on the page, ours stays at its address for lock files."""
    small.upstream.project("example", ["1.0"])
    filename, content = good_wheel()
    rebuilt, _ = good_wheel(build="1", note="rebuilt")
    small.upload(filename, content)
    small.upload(*good_wheel(build="1", note="rebuilt"))
    ours = {entry["filename"]: entry["url"] for entry in small.page("example").json()["files"]}
    theirs = upstream_file(filename, b"theirs")
    small.upstream.project("example", ["1.0"], theirs)
    small.later(86401)
    time.sleep(0.2)
    assert small.page("example").json()["files"] == [theirs]
    for name in (filename, rebuilt):
        address = small.client.base_url.join("/simple/example/").join(ours[name])
        assert small.client.get(address).status_code == 200


def test_yank_withdraw_quarantine(bench: "Bench") -> None:
    bench.upstream.project("example", ["1.0"])
    filename, content = good_wheel()
    bench.upload(filename, content)
    entry = bench.page("example").json()["files"][-1]
    address = bench.client.base_url.join("/simple/example/").join(entry["url"])

    def change(state: State) -> None:
        with writing(bench.site.engine) as connection:
            shelf.set_state(connection, filename, state, reason="test", now=bench.clock())
        time.sleep(0.2)

    with writing(bench.site.engine) as connection:
        shelf.yank(connection, filename, reason="bad <build>", actor="operator", now=bench.clock())
    time.sleep(0.2)
    assert bench.page("example").json()["files"][-1]["yanked"] == "bad <build>"
    assert 'data-yanked="bad &lt;build&gt;"' in bench.client.get("/simple/example/").text
    change(State.WITHDRAWN)
    assert len(bench.names("example")) == 1
    assert bench.client.get(address).content == content
    change(State.QUARANTINED)
    assert len(bench.names("example")) == 1
    assert bench.client.get(address).status_code == 403
    assert bench.client.get(str(address) + ".metadata").status_code == 403
    change(State.PUBLISHED)
    assert bench.page("example").json()["files"][-1]["yanked"] == "bad <build>"


def test_local_projects_hide_upstreams(small: "Bench") -> None:
    """Dependency confusion: a name declared local is never asked for upstream."""
    small.upstream.project("mine", ["99.0"])
    with writing(small.site.engine) as connection:
        shelf.declare_local(connection, "mine", local=True, now=small.clock())
    filename, content = good_wheel("mine", "1.0")
    assert small.upload(filename, content).status_code == 200
    answer = small.page("mine")
    assert [entry["filename"] for entry in answer.json()["files"]] == [filename]
    assert answer.json()["versions"] == ["1.0"]
    assert answer.headers["x-manyloong-upstream"] == "off"
    assert small.upstream.requests == []


def test_the_list_of_projects(small: "Bench") -> None:
    listed = {"meta": {"api-version": "1.4"}, "projects": [{"name": "a", "_last-serial": 1}, {"name": "b"}]}
    small.upstream.answers["/simple/"] = Canned(body=json.dumps(listed).encode())
    with writing(small.site.engine) as connection:
        shelf.declare_local(connection, "mine", local=True, now=small.clock())
    headers = {"Accept": JSON}
    answer = small.client.get("/simple/", headers=headers)
    assert answer.json() == listed | {"projects": [{"name": "mine"}, *listed["projects"]]}
    packed = small.client.get("/simple/", headers=headers | {"Accept-Encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.json() == answer.json()
    etag = {"If-None-Match": answer.headers["etag"]}
    assert small.client.get("/simple/", headers=headers | etag).status_code == 304
    html = b'<!DOCTYPE html><html><body class="x"><a href="/simple/a/">a</a></body></html>'
    small.upstream.answers["/simple/"] = Canned(body=html, content_type="text/html")
    text = small.client.get("/simple/").text
    assert '<body class="x">\n<a href="mine/">mine</a><br><a href="/simple/a/">a</a>' in text


def test_the_list_of_projects_without_upstream(small: "Bench") -> None:
    small.upstream.project("example", ["1.0"])
    small.upload(*good_wheel())
    answer = small.client.get("/simple/", headers={"Accept": JSON})
    assert answer.json()["projects"] == [{"name": "example"}]
    assert answer.headers["x-manyloong-upstream"] == "down"


def test_operations(bench: "Bench") -> None:
    bench.upstream.project("example", ["1.0"])
    bench.upload(*good_wheel())
    bench.page("example")
    assert bench.client.get("/healthz").text == "ok\n"
    assert bench.client.get("/readyz").text == "ready\n"
    text = bench.client.get("/metrics").text
    assert 'manyloong_uploads_total{outcome="created"} 1.0' in text
    assert 'manyloong_shelf{what="files"} 1.0' in text
    assert 'manyloong_upstream_answers{outcome="found"}' in text


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_other_methods_are_refused(small: "Bench", method: str) -> None:
    for path in ("/simple/example/", "/files/aa/bb/cc/x.whl", "/healthz"):
        assert small.client.request(method, path).status_code in {404, 405}


def test_upstream_credentials_are_never_told(small: "Bench") -> None:
    small.upstream.silent.set()
    answer = small.page("example")
    assert answer.status_code == 502
    assert "127.0.0.1" not in answer.text
    assert isinstance(answer, httpx.Response)
