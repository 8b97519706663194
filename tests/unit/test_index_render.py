"""Pages as JSON and HTML; every field of HTML is escaped."""

import re
from html.parser import HTMLParser
from typing import Any

import orjson
import pytest

from manyloong.index.negotiate import content_encoding, error_type, matches, page_type
from manyloong.index.render import project_html, root_html, root_json
from manyloong.index.testing import upstream_document, upstream_file
from manyloong.index.upstream_page import HTML_TYPE, JSON_TYPE

EVIL = "\"'><script>alert(1)</script>&"


class Tags(HTMLParser):
    """Start tags with their attributes, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def html_of(document: dict[str, Any]) -> str:
    return project_html(orjson.dumps(document)).decode()


def test_html_says_what_json_says() -> None:
    entry = upstream_file("pkg-1.0.tar.gz", b"1", yanked="broken", provenance="https://x.example/p")
    tags = Tags(html_of(upstream_document("pkg", [entry], ["1.0"])))
    anchor = dict(tags.tags)["a"]
    assert anchor == {
        "href": f"https://files.example/pkg-1.0.tar.gz#sha256={entry['hashes']['sha256']}",
        "data-requires-python": ">=3.8",
        "data-core-metadata": f"sha256={entry['core-metadata']['sha256']}",
        "data-dist-info-metadata": f"sha256={entry['core-metadata']['sha256']}",
        "data-yanked": "broken",
        "data-provenance": "https://x.example/p",
    }
    assert ("meta", {"name": "pypi:repository-version", "content": "1.4"}) in tags.tags
    assert ("meta", {"name": "pypi:project-status", "content": "active"}) in tags.tags


def test_a_yank_without_reason_is_an_empty_attribute() -> None:
    document = upstream_document("pkg", [upstream_file("pkg-1.0.tar.gz", b"1", yanked=True)], ["1.0"])
    assert dict(Tags(html_of(document)).tags)["a"]["data-yanked"] == ""


@pytest.mark.parametrize(
    "change",
    [
        {"filename": EVIL},
        {"url": f"https://x.example/{EVIL}"},
        {"hashes": {"sha256": EVIL}},
        {"hashes": {EVIL: "00"}},
        {"requires-python": EVIL},
        {"core-metadata": {"sha256": EVIL}},
        {"yanked": EVIL},
        {"provenance": EVIL},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_field_of_a_file_is_escaped(change: dict[str, Any]) -> None:
    document = upstream_document("pkg", [upstream_file("pkg-1.0.tar.gz", b"1") | change], ["1.0"])
    html = html_of(document)
    assert "<script" not in html
    assert [tag for tag, _ in Tags(html).tags].count("a") == 1


@pytest.mark.parametrize(
    "change",
    [
        {"name": EVIL},
        {"meta": {"api-version": EVIL}},
        {"project-status": {"status": EVIL}},
        {"project-status": {"status": "active", "reason": EVIL}},
    ],
    ids=str,
)
def test_every_field_of_a_page_is_escaped(change: dict[str, Any]) -> None:
    html = html_of(upstream_document("pkg", [], []) | change)
    assert "<script" not in html
    assert EVIL.replace("&", "&amp;") not in html


def test_the_list_of_projects() -> None:
    assert orjson.loads(root_json(["a", "b"], api_version="1.4")) == {
        "meta": {"api-version": "1.4"},
        "projects": [{"name": "a"}, {"name": "b"}],
    }
    html = root_html(["a", EVIL], api_version="1.4").decode()
    assert '<a href="a/">a</a>' in html
    assert "<script" not in html


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", "text/html"),
        ("*/*", "text/html"),
        (JSON_TYPE, JSON_TYPE),
        ("application/vnd.pypi.simple.latest+json", JSON_TYPE),
        (f"{JSON_TYPE}, {HTML_TYPE}; q=0.1, text/html; q=0.01", JSON_TYPE),  # pip
        (f"{JSON_TYPE}, {HTML_TYPE};q=0.2, text/html;q=0.01", JSON_TYPE),  # uv
        ("text/html,application/xhtml+xml,*/*;q=0.8", "text/html"),  # browsers
        (f"text/html;q=0.5, {HTML_TYPE}", HTML_TYPE),
        ("application/*", JSON_TYPE),
        ("image/png", None),
        (f"{JSON_TYPE};q=0", None),
        (f"{JSON_TYPE};q=nonsense", None),
        (";;;,,,q=", None),
        ("a" * 10_000, None),
    ],
)
def test_content_negotiation(accept: str, expected: str | None) -> None:
    assert page_type(accept) == expected


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", "text/plain"),
        ("*/*", "text/plain"),
        ("image/png", "text/plain"),
        ("application/json", "application/problem+json"),
        ("application/vnd.pypi.simple.latest+json, text/html;q=0.1", "application/problem+json"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "text/html"),
        ("text/html;q=0.2, application/problem+json;q=0.3", "application/problem+json"),
        ("text/html;q=0, application/json;q=nonsense", "text/plain"),
    ],
)
def test_error_types(accept: str, expected: str) -> None:
    assert error_type(accept) == expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("gzip, deflate, zstd", "zstd"),
        ("gzip, deflate", "gzip"),
        ("zstd;q=0, gzip", "gzip"),
        ("br", "identity"),
        ("", "identity"),
        ("*", "gzip"),
    ],
)
def test_content_encoding(header: str, expected: str) -> None:
    assert content_encoding(header) == expected


def test_entity_tags() -> None:
    assert matches('"a", W/"b"', '"b"')
    assert matches('W/"b"', '"b"')
    assert matches("*", '"b"')
    assert not matches('"a"', '"b"')
    assert not matches("", '"b"')


def test_the_page_is_plain_html() -> None:
    html = html_of(upstream_document("pkg", [upstream_file("pkg-1.0.tar.gz", b"1")], ["1.0"]))
    assert html.startswith("<!DOCTYPE html>")
    assert re.search(r"<title>Links for pkg</title>", html)
