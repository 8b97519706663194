"""No request makes the server fail: whatever comes, the answer is a clear one and never a 500."""

import asyncio
import base64
import socket
import string
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from manyloong.index.testing import good_wheel

if TYPE_CHECKING:
    from tests.tools.index.conftest import Bench, MakeBench

PLAIN = {408, 400, 401, 403, 404, 405, 406, 413, 415, 429, 502, 503}
QUIET = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
CHECKED = settings(max_examples=150, deadline=None, suppress_health_check=QUIET)
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
        for sent, expected in ((b"", b""), (b"GET / HTTP/1.1\r\nHo", b""), (head.encode(), b" 408 ")):
            with socket.create_connection((url.host, url.port or 80), timeout=10) as link:
                link.sendall(sent)
                begun = time.monotonic()
                answer = link.recv(65536)
                assert expected in answer
                assert time.monotonic() - begun < 5
        assert bench.client.get("/healthz").status_code == 200


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
