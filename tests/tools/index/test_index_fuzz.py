"""No request makes the server fail: whatever comes, the answer is a clear one and never a 500."""

import asyncio
import base64
import hashlib
import json
import re
import socket
import string
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.routing import Route

from manyloong.index.testing import Canned, good_wheel, upstream_document, upstream_file

if TYPE_CHECKING:
    from tests.tools.index.conftest import Bench, MakeBench

PLAIN = {408, 400, 401, 403, 404, 405, 406, 413, 415, 416, 429, 502, 503}
QUIET = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
CHECKED = settings(max_examples=150, deadline=None, suppress_health_check=QUIET)
JSON = "application/vnd.pypi.simple.v1+json"
FILE = "example-1.0-cp313-cp313-manylinux_2_36_loongarch64.whl"
ROOTS = ("simple", "files", "integrity", "legacy", "project", "search", "api/files", "static", "metrics", "")
ODD_PARTS = ["example", "Ex_Ample", FILE, FILE + ".metadata", "..", "%2e%2e", "%00", "%ff", "%c3%28", "-", ""]


def quoted(text: str) -> str:
    return quote(text, safe="/:@")


part = st.one_of(
    st.sampled_from([*ODD_PARTS, "a" * 3000]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20).map(quoted),
)
header_value = st.text(string.ascii_letters + string.digits + string.punctuation + " ", max_size=60).map(
    str.strip
)


@pytest.fixture
def fuzzed(make_bench: "MakeBench") -> Any:
    with make_bench(failures_per_minute=10**9, uploads_per_minute=10**9) as bench:
        bench.upstream.project("example", ["1.0"])
        assert bench.upload(*good_wheel()).status_code == 200
        yield bench


def clear(answer: httpx.Response) -> None:
    """A good answer, or a refusal that says why in a line or two."""
    assert answer.status_code < 400 or answer.status_code in PLAIN, (answer.request.url, answer.text)
    if answer.status_code in PLAIN:
        assert "Traceback" not in answer.text
        assert len(answer.text) < 4000


@CHECKED
@given(
    root=st.sampled_from(ROOTS),
    parts=st.lists(part, max_size=5),
    query=st.text(string.printable, max_size=30),
    method=st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"]),
    accept=header_value,
    etag=header_value,
    encoding=header_value,
)
def test_paths_and_headers(
    fuzzed: "Bench", root: str, parts: list[str], query: str, method: str, **headers: str
) -> None:
    url = str(fuzzed.client.base_url).rstrip("/") + "/" + "/".join([root, *parts])
    sent = {
        "Accept": headers["accept"],
        "If-None-Match": headers["etag"],
        "Accept-Encoding": headers["encoding"],
    }
    try:
        request = fuzzed.client.build_request(method, url, params={"q": query, "format": query}, headers=sent)
    except httpx.InvalidURL:
        return
    clear(fuzzed.client.send(request))


# A right value for each placeholder of a route, so that handlers are reached and not only the router.
DIGEST = hashlib.sha256(good_wheel()[1]).hexdigest()
RIGHT = {
    "first": DIGEST[:2],
    "second": DIGEST[2:4],
    "rest": DIGEST[4:],
    "project": "example",
    "version": "1.0",
    "filename": FILE,
    "kind": "record",
}
RANGES = [
    "bytes=0-3",
    "bytes=5-",
    "bytes=-1",
    "bytes=99999999-",
    "bytes=1-0",
    "bytes=a",
    "bytes=0-0,2-3",
    "x",
]
VERBS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]
range_value = st.one_of(st.sampled_from([*RANGES, "bytes=" + ",".join(["0-1"] * 500)]), header_value)
sent_body = st.one_of(st.binary(max_size=200), st.sampled_from([b"{}", b"[3]", b"\xff", b"--b\r\n"]))


def routes(bench: "Bench") -> list[tuple[str, str]]:
    """Every route of the application itself, with a method of its own: none can be forgotten here."""
    assert isinstance(bench.app.rest, Starlette)
    listed = [route for route in bench.app.rest.routes if isinstance(route, Route)]
    own = [("/simple/", "GET"), ("/simple/{project:str}/", "GET")]
    return own + [(route.path, min(route.methods or {"GET"})) for route in listed]


@settings(CHECKED, max_examples=300)
@given(data=st.data())
def test_every_endpoint_and_method(fuzzed: "Bench", data: st.DataObject) -> None:
    path, own = data.draw(st.sampled_from(routes(fuzzed)))
    right = data.draw(st.integers(0, 3)) > 0
    for name in re.findall(r"{(\w+)", path):
        value = RIGHT[name] if right or data.draw(st.booleans()) else data.draw(part)
        path = re.sub(rf"{{{name}(:str)?}}", lambda _, value=value: value, path)  # type: ignore[misc]
    headers = {
        "Range": data.draw(range_value),
        "If-Range": data.draw(header_value),
        "If-None-Match": data.draw(header_value),
        "If-Modified-Since": data.draw(header_value),
        "Accept": data.draw(
            st.one_of(header_value, st.sampled_from(["application/json", "text/html", JSON]))
        ),
        "Accept-Encoding": data.draw(header_value),
        "Content-Type": data.draw(st.one_of(header_value, st.just("multipart/form-data; boundary=b"))),
    }
    kept = {name: value for name, value in headers.items() if value and data.draw(st.booleans())}
    if data.draw(st.booleans()):
        secret = base64.b64encode(f"__token__:{fuzzed.token()}".encode()).decode()
        kept["Authorization"] = f"Basic {secret}"
    url = str(fuzzed.client.base_url).rstrip("/") + path
    method = data.draw(st.sampled_from([own, own, *VERBS]))
    try:
        request = fuzzed.client.build_request(method, url, headers=kept, content=data.draw(sent_body))
    except httpx.InvalidURL:
        return
    clear(fuzzed.client.send(request))


def test_every_endpoint_answers_its_own_method(fuzzed: "Bench") -> None:
    """The values above are right: otherwise the test before this one would only see refusals."""
    auth = ("__token__", fuzzed.token())
    for path, own in routes(fuzzed):
        url = re.sub(r"{(\w+)(:str)?}", lambda match: RIGHT[match[1]], path)
        answer = fuzzed.client.request(own, url, auth=auth, content=b"{}")
        expected = {"/legacy/": 415, "/legacy": 415, "/simple": 301}.get(path, 200)
        if path.startswith("/integrity/"):
            expected = 404  # the wheel came without attestations
        assert answer.status_code == expected, (url, answer.text)


odd_value = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.text(max_size=12), st.just("1.0")),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2), st.dictionaries(st.text(max_size=5), inner, max_size=2)
    ),
    max_leaves=4,
)
FILE_KEYS = ["filename", "url", "hashes", "yanked", "core-metadata", "requires-python", "provenance", "size"]
PAGE_KEYS = ["meta", "name", "files", "versions", "project-status"]


@CHECKED
@given(
    entry=st.dictionaries(st.sampled_from([*FILE_KEYS, "upload-time", "gpg-sig"]), odd_value, max_size=4),
    page=st.dictionaries(st.sampled_from(PAGE_KEYS), odd_value, max_size=2),
    number=st.integers(0, 10**12),
)
def test_whatever_upstream_answers(
    fuzzed: "Bench", entry: dict[str, Any], page: dict[str, Any], number: int
) -> None:
    """Each value that an upstream page may have, replaced by something else: a page of ours, or 502."""
    name = f"odd-{number}"
    files = [upstream_file(f"{name}-1.0.tar.gz", b"x") | entry, upstream_file(FILE, b"y") | entry]
    document = upstream_document(name, files, ["1.0"]) | page
    fuzzed.upstream.answers[f"/simple/{name}/"] = Canned(body=json.dumps(document).encode())
    fuzzed.later(6)  # upstream is given another chance after what looked like a failure
    for accept in (JSON, "text/html"):
        answer = fuzzed.client.get(f"/simple/{name}/", headers={"Accept": accept})
        assert answer.status_code in {200, 502}, answer.text
        if answer.status_code == 200 and accept == JSON:
            assert answer.json()["name"] == name
            assert all("hashes" in file for file in answer.json()["files"])


FORM = {":action": "file_upload", "name": "example", "version": "1.0", "sha256_digest": "0" * 64}
ODD_TEXT = ["example", "1.0", "file_upload", "[{}]", "\x00", "\ud7ff"]
field_text = st.one_of(st.text(max_size=40), st.sampled_from(ODD_TEXT))
NAMES = [*FORM, "attestations", "md5_digest", "filetype"]
field_name = st.one_of(st.sampled_from(NAMES), st.text(max_size=10))


@CHECKED
@given(
    change=st.dictionaries(field_name, field_text, max_size=4),
    filename=st.one_of(st.just(FILE), st.text(max_size=60), st.just(FILE.replace("1.0", "1.0-2"))),
    content=st.one_of(st.binary(max_size=300), st.just(good_wheel(note="x")[1])),
    cut=st.integers(0, 2000),
)
def test_uploads(fuzzed: "Bench", change: dict[str, str], filename: str, content: bytes, cut: int) -> None:
    form = httpx.Request("POST", "http://x/", data=FORM | change, files={"content": (filename, content)})
    raw = form.read()
    headers = {"Content-Type": form.headers["Content-Type"]}
    auth = ("__token__", fuzzed.token())
    for body in (raw, raw[:cut] + raw[cut + 7 :]):
        clear(fuzzed.client.post("/legacy/", content=body, headers=headers, auth=auth))


@CHECKED
@given(credentials=st.binary(max_size=80), scheme=st.sampled_from(["Basic", "basic", "Bearer", "", "Token"]))
def test_credentials(fuzzed: "Bench", credentials: bytes, scheme: str) -> None:
    value = f"{scheme} {base64.b64encode(credentials).decode()}".strip()
    answer = fuzzed.client.post("/legacy/", headers={"Authorization": value})
    assert answer.status_code in {401, 403}


@CHECKED
@given(entry=st.data())
def test_wheels_with_broken_insides(fuzzed: "Bench", entry: st.DataObject) -> None:
    filename, content = good_wheel(note="broken")
    position = entry.draw(st.integers(0, len(content) - 1))
    value = entry.draw(st.integers(0, 255))
    length = entry.draw(st.integers(1, 6))
    changed = content[:position] + bytes([value]) * length + content[position + length :]
    name = filename.replace("1.0-", f"1.0-{entry.draw(st.integers(1, 10**9))}-")
    answer = fuzzed.upload(name, changed)
    assert answer.status_code in {200, 400}, answer.text


def test_a_member_whose_name_is_not_its_encoding(fuzzed: "Bench") -> None:
    """Found by the test above: the local header promises UTF-8 and holds something else."""
    filename, made = good_wheel(note="encoding")
    content = bytearray(made)
    header = content.rfind(b"PK\x03\x04", 0, content.find(b".dist-info/METADATA"))
    content[header + 7] |= 0x08  # general purpose bit 11: the name is UTF-8
    content[header + 30] = 0x90
    answer = fuzzed.upload(filename.replace("1.0-", "1.0-77-"), bytes(content))
    assert answer.status_code == 400, answer.text


def raw_request(bench: "Bench", payload: bytes) -> bytes:
    url = bench.client.base_url
    with socket.create_connection((url.host, url.port or 80), timeout=5) as link:
        link.sendall(payload)
        link.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := link.recv(65536):
            answer += piece
        return answer


@pytest.mark.parametrize(
    "payload",
    [
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /simple/\xff\xfe/ HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET http://[::1/ HTTP/1.1\r\nHost: \r\n\r\n",
        b"POST /legacy/ HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /legacy/ HTTP/1.1\r\nContent-Length: 10\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /legacy/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: " + b"y" * 200_000 + b"\r\n\r\n",
        b'GET /project/example/ HTTP/1.1\r\nHost: "><script>\r\n\r\n',
    ],
)
def test_broken_http(fuzzed: "Bench", payload: bytes) -> None:
    answer = raw_request(fuzzed, payload)
    assert b" 500 " not in answer.split(b"\r\n", 1)[0]
    assert b"<script>" not in answer
    assert fuzzed.client.get("/healthz").status_code == 200


def test_slow_clients_are_let_go(make_bench: "MakeBench", monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("manyloong.index.server._HEAD_TIMEOUT_S", 0.5)
    with make_bench(body_timeout_s=1) as bench:
        url = bench.client.base_url
        token = base64.b64encode(f"__token__:{bench.token()}".encode()).decode()
        head = (
            "POST /legacy/ HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n"
            f"Authorization: Basic {token}\r\nContent-Type: multipart/form-data; boundary=b\r\n\r\n"
        )
        put = head.replace("POST /legacy/", f"PUT /api/files/{FILE}/log")
        cases = [(b"", b""), (b"GET / HTTP/1.1\r\nHo", b"")]
        cases += [(text.encode(), b" 408 ") for text in (head, put)]
        for sent, expected in cases:
            with socket.create_connection((url.host, url.port or 80), timeout=10) as link:
                link.sendall(sent)
                begun = time.monotonic()
                answer = link.recv(65536)
                assert expected in answer
                assert time.monotonic() - begun < 5
        assert bench.client.get("/healthz").status_code == 200


def test_clients_that_do_not_read_are_let_go(small: "Bench", monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("manyloong.index.http_simple._SILENCE_S", 0.5)
    names = [f"example-1.0-{number}-py3-none-any.whl" for number in range(9000)]
    files = [upstream_file(name, name.encode()) for name in names]
    small.upstream.project("example", ["1.0"], *files)
    whole = len(small.page("example", **{"Accept-Encoding": "identity"}).content)
    url = small.client.base_url
    link = socket.socket()
    link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    link.settimeout(10)
    with link:
        link.connect((url.host, url.port or 80))
        link.sendall(f"GET /simple/example/ HTTP/1.1\r\nHost: x\r\nAccept: {JSON}\r\n\r\n".encode())
        time.sleep(2)
        got = 0
        try:
            while piece := link.recv(1 << 20):
                got += len(piece)
        except ConnectionResetError:
            pass
    assert 0 < got < whole
    assert len(small.page("example", **{"Accept-Encoding": "identity"}).content) == whole


def test_a_client_that_goes_away_leaves_nothing(make_bench: "MakeBench") -> None:
    with make_bench() as bench:
        bench.upstream.project("example", ["1.0"])
        token = bench.token()
        filename, content = good_wheel(files=(("example/data.bin", bytes(200_000)),))
        request = httpx.Request("POST", "http://x/legacy/", data=FORM, files={"content": (filename, content)})
        raw = request.read()

        async def half() -> None:
            url = bench.client.base_url
            _, writer = await asyncio.open_connection(url.host, url.port)
            auth = base64.b64encode(f"__token__:{token}".encode()).decode()
            head = f"POST /legacy/ HTTP/1.1\r\nHost: x\r\nContent-Length: {len(raw)}\r\n"
            head += f"Authorization: Basic {auth}\r\n"
            head += f"Content-Type: {request.headers['Content-Type']}\r\n\r\n"
            writer.write(head.encode())
            writer.write(raw[: len(raw) // 2])
            await writer.drain()
            writer.close()
            await writer.wait_closed()

        asyncio.run(half())
        time.sleep(0.3)
        assert list(bench.site.blobs.listing()) == []
        assert list((bench.site.root / "incoming").glob("*")) == []
        assert bench.client.get("/healthz").status_code == 200
