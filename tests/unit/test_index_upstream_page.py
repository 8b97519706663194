"""Upstream's answers are checked before anything is made of them."""

import json
from typing import Any

import pytest

from manyloong.errors import IntegrityError
from manyloong.index.testing import upstream_document, upstream_file
from manyloong.index.upstream_page import JSON_TYPE, Reply, parse_page


def reply(body: object, kind: str = JSON_TYPE) -> Reply:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Reply(url="https://up.example/simple/pkg/", content_type=kind, body=raw)


def test_files_come_through_as_they_are() -> None:
    files = [upstream_file("pkg-1.0.tar.gz", b"1", extra=[1]), upstream_file("pkg-1.0.zip", b"2", yanked="x")]
    document = upstream_document("pkg", [dict(entry) for entry in files], ["1.0"])
    page = parse_page(reply(document), project="pkg")
    assert page.files == files
    assert page.document == document


def test_relative_addresses_are_made_absolute() -> None:
    document = upstream_document("pkg", [upstream_file("a.zip", b"", url="../../f/a.zip")], [])
    assert parse_page(reply(document), project="pkg").files[0]["url"] == "https://up.example/f/a.zip"


@pytest.mark.parametrize(
    "change",
    [
        {"url": "javascript:alert(1)"},
        {"url": "file:///etc/passwd"},
        {"url": 3},
        {"url": "//[::1"},
        {"filename": "../x.whl"},
        {"filename": ""},
        {"filename": "a\nb"},
        {"filename": None},
        {"hashes": []},
        {"hashes": {"sha256": 3}},
    ],
    ids=str,
)
def test_unusable_files_are_left_out(change: dict[str, Any]) -> None:
    good = upstream_file("good.zip", b"")
    bad = upstream_file("bad.zip", b"") | change
    page = parse_page(reply(upstream_document("pkg", [bad, good], [])), project="pkg")
    assert [entry["filename"] for entry in page.files] == ["good.zip"]


@pytest.mark.parametrize("missing", ["filename", "url", "hashes"])
def test_files_without_a_needed_key_are_left_out(missing: str) -> None:
    bad = upstream_file("bad.zip", b"")
    del bad[missing]
    assert parse_page(reply(upstream_document("pkg", [bad], [])), project="pkg").files == []


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"\xff\xfe garbage", JSON_TYPE),
        (b"{", JSON_TYPE),
        (b"[]", JSON_TYPE),
        (b'{"files": 3}', JSON_TYPE),
        (b'{"files": [], "meta": 3}', JSON_TYPE),
        (b'{"files": [], "meta": {"api-version": "2.0"}}', JSON_TYPE),
        (b'{"files": [], "meta": {"api-version": 1}}', JSON_TYPE),
        (b"%PDF", "application/pdf"),
        (b"", ""),
        (b'<meta name="pypi:repository-version" content="2.0">', "text/html"),
    ],
)
def test_what_is_no_page_is_an_error(body: bytes, kind: str) -> None:
    with pytest.raises(IntegrityError):
        parse_page(reply(body, kind), project="pkg")


def test_html_upstreams() -> None:
    html = b"""<html><head><meta name="pypi:repository-version" content="1.1"></head><body>
    <a href="../../f/pkg-1.0.tar.gz#sha256=00" data-requires-python="&gt;=3.8"
       data-yanked="why">pkg-1.0.tar.gz</a>
    <a href="/f/pkg-1.1-py3-none-any.whl#sha256=11"
       data-core-metadata="sha256=22">pkg-1.1-py3-none-any.whl</a>
    </body></html>"""
    page = parse_page(reply(html, "text/html; charset=UTF-8"), project="pkg")
    assert page.files == [
        {
            "filename": "pkg-1.0.tar.gz",
            "url": "https://up.example/f/pkg-1.0.tar.gz",
            "hashes": {"sha256": "00"},
            "requires-python": ">=3.8",
            "yanked": "why",
        },
        {
            "filename": "pkg-1.1-py3-none-any.whl",
            "url": "https://up.example/f/pkg-1.1-py3-none-any.whl",
            "hashes": {"sha256": "11"},
            "core-metadata": {"sha256": "22"},
        },
    ]
