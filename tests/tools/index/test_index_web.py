"""Pages for people: every field escaped, and shown by a real browser without JavaScript."""

import json
import os
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from manyloong.index import shelf
from manyloong.index.database import writing
from manyloong.index.model import Attachment, State
from manyloong.index.testing import good_wheel, upstream_file

if TYPE_CHECKING:
    from tests.tools.index.conftest import Bench, MakeBench

EVIL = "\"'><script>alert(1)</script><img src=x onerror=y>&"


class Outline(HTMLParser):
    """Elements, links and form labels of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.labelled: set[str] = set()
        self.inputs: set[str] = set()
        self.headers: list[dict[str, str | None]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append(tag)
        if tag == "a":
            self.links.append(found["href"] or "")
        if tag == "label":
            self.labelled.add(found["for"] or "")
        if tag == "input":
            self.inputs.add(found["id"] or "")
        if tag == "th":
            self.headers.append(found)


def record(text: str = "") -> dict[str, object]:
    """A build record as the pipeline writes it, as far as pages read it."""
    tests = [
        {
            "python": f"3.13.9{text}",
            "cpu": cpu + text,
            "libc": f"glibc 2.43{text}",
            "outcome": outcome + text,
            "imported": 3,
        }
        for cpu, outcome in (("la464,lasx=off", "passed"), ("la464", "passed"))
    ]
    source = {"kind": f"sdist{text}", "sha256": f"{'ab' * 32}{text}"}
    return {"schema": 1, "lane": f"cross{text}", "source": source, "tests": tests}


def sbom(text: str = "") -> str:
    parts = [
        {"name": f"zlib{text}", "version": f"1.3.1{text}", "licenses": [{"license": {"id": f"Zlib{text}"}}]}
    ]
    return json.dumps({"bomFormat": "CycloneDX", "components": parts})


def fill(bench: "Bench", filename: str, text: str = "") -> None:
    """Store a document of every kind."""
    finding = {"rule": f"ML100{text}", "severity": f"note{text}", "message": f"built by GCC 12{text}"}
    documents = {
        "record": json.dumps(record(text)),
        "verdict": json.dumps({"accepted": True, "findings": [finding]}),
        "sbom": sbom(text),
        "log": f"$ python -m build{text}\n" + "".join(f"[{n}/40] cc -c file{n}.c\n" for n in range(40)),
    }
    with writing(bench.site.engine) as connection:
        for kind, content in documents.items():
            shelf.attach(connection, filename, Attachment(kind=kind, name=f"{kind}.json", text=content))


PAGES = ("/", "/search?q=exa", "/statistics", "/project/example/", "/project/example/FILE")


@pytest.mark.parametrize("path", PAGES)
def test_every_field_is_escaped(make_bench: "MakeBench", path: str) -> None:
    with make_bench(title=EVIL) as bench:
        bench.upstream.project(
            "example", ["1.0"], upstream_file("example-1.0.tar.gz", b"", **{"upload-time": EVIL})
        )
        filename, content = good_wheel()
        assert bench.upload(filename, content).status_code == 200
        fill(bench, filename, EVIL)
        with writing(bench.site.engine) as connection:
            shelf.yank(connection, filename, reason=EVIL, actor=EVIL, now=bench.clock())
        answer = bench.client.get(path.replace("FILE", filename).replace("q=exa", "q=%22%3E%3Cscript%3E"))
        assert answer.status_code == 200
        assert "<script" not in answer.text
        outline = Outline(answer.text)
        assert not {"script", "img"} & set(outline.tags)
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")


@pytest.mark.parametrize("path", PAGES)
def test_pages_are_accessible(small: "Bench", path: str) -> None:
    small.upstream.project("example", ["1.0"])
    filename, content = good_wheel()
    small.upload(filename, content)
    fill(small, filename)
    html = small.client.get(path.replace("FILE", filename)).text
    outline = Outline(html)
    assert '<html lang="en">' in html
    assert outline.tags.count("h1") == outline.tags.count("main") == outline.tags.count("title") == 1
    assert outline.inputs <= outline.labelled
    assert all(header.get("scope") in {"row", "col"} for header in outline.headers)
    assert outline.links[0] == "#main"
    for link in outline.links[1:]:
        assert small.client.get(link, follow_redirects=True).status_code == 200, link


def test_what_a_project_page_says(small: "Bench") -> None:
    small.upstream.project("example", ["1.0"])
    filename, content = good_wheel(files=(("example-1.0.dist-info/sboms/a.cdx.json", sbom().encode()),))
    assert small.upload(filename, content).status_code == 200
    fill(small, filename)
    text = small.client.get("/project/example/").text
    for expected in (
        "glibc 2.36",
        "accepted",
        "passed",
        "2026-01-01",
        "2024-05-06",
        "--index-url http://127",
    ):
        assert expected in text
    text = small.client.get(f"/project/example/{filename}").text
    for expected in ("la464,lasx=off", "zlib", "Zlib", "cross", "$ python -m build", "ML100"):
        assert expected in text


def test_broken_documents_do_no_harm(small: "Bench") -> None:
    small.upstream.project("example", ["1.0"])
    filename, content = good_wheel()
    small.upload(filename, content)
    for text in (
        "{",
        "[]",
        "3",
        '{"tests": 3}',
        '{"tests": [3, {}], "source": [], "components": [{"name": {}}]}',
    ):
        with writing(small.site.engine) as connection:
            for kind in ("record", "verdict", "sbom"):
                shelf.attach(connection, filename, Attachment(kind=kind, name="x", text=text))
        for path in PAGES:
            assert small.client.get(path.replace("FILE", filename)).status_code == 200, (path, text)


def test_pages_that_are_not_there(small: "Bench") -> None:
    small.upstream.project("example", ["1.0"])
    filename, content = good_wheel()
    small.upload(filename, content)
    for path in (
        "/project/none/",
        "/project/-/",
        f"/project/other/{filename}",
        "/project/example/x.whl",
        "/nothing",
    ):
        answer = small.client.get(path)
        assert answer.status_code == 404
        assert answer.headers["content-type"].startswith("text/plain")
    assert small.client.get("/search", params={"q": "100%_\\'\x00 " + "x" * 5000}).status_code == 200
    with writing(small.site.engine) as connection:
        shelf.set_state(connection, filename, State.QUARANTINED, reason="", now=small.clock())
    assert small.client.get(f"/project/example/{filename}").status_code == 404
    assert filename not in small.client.get("/project/example/").text


def test_search_finds_all_words(small: "Bench") -> None:
    for name in ("python-zebra", "zebra", "horse"):
        small.upstream.project(name, ["1.0"])
        small.upload(*good_wheel(name))
    text = small.client.get("/search", params={"q": "Zebra PYTHON"}).text
    assert "project with loongarch64 wheels matches" in text
    assert "projects with loongarch64 wheels match" in small.client.get("/search", params={"q": "zebra"}).text
    assert "/project/python-zebra/" in text
    assert 'project/zebra/"' not in text
    assert "/project/horse/" not in text


def screenshot(chromium: str, url: str, target: Path, profile: Path, *more: str) -> Image.Image:
    """What Chromium draws, with scripts switched off by the page's own policy."""
    options = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--hide-scrollbars",
        f"--user-data-dir={profile}",
        f"--screenshot={target}",
        *more,
    ]
    subprocess.run([chromium, *options, url], check=True, capture_output=True, timeout=90)
    return Image.open(target).convert("RGB")


@pytest.mark.parametrize("size", ["1200,900", "390,844"], ids=["desktop", "phone"])
def test_a_browser_draws_the_pages(small: "Bench", tmp_path: Path, chromium: str, size: str) -> None:
    small.upstream.project("example", ["1.0"])
    filename, content = good_wheel()
    small.upload(filename, content)
    fill(small, filename)
    kept = Path(os.environ.get("MANYLOONG_SCREENSHOTS") or tmp_path)
    width, height = map(int, size.split(","))
    wide = width > 1000
    for number, path in enumerate(PAGES if wide else PAGES[-2:]):
        url = str(small.client.base_url) + path.replace("FILE", filename)
        dark = ("dark", ("--blink-settings=preferredColorScheme=0",))
        for theme, flags in (("light", ()), dark) if wide and path == "/" else (("light", ()),):
            target = kept / f"page{number}-{theme}-{width}.png"
            image = screenshot(chromium, url, target, tmp_path / "profile", f"--window-size={size}", *flags)
            assert image.size == (width, height)
            ground = image.getpixel((width // 2, height - 2))
            assert isinstance(ground, tuple)
            assert (sum(ground[:3]) > 380) is (theme == "light"), (path, theme, ground)
            assert len(image.getcolors(1 << 24) or []) > 20  # text was drawn
