"""The index as hooks see it: pages with hashes only, every field escaped, each file noted."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from packaging.version import Version

from manyloong.errors import NotFoundError
from manyloong.events import Listener
from manyloong.store import RemoteFile
from manyloong.wheels.gateway import Shelf
from manyloong.wheels.registry import IndexFile, Release

HASH = "a" * 64


def file(name: str, **changes: str | None) -> IndexFile:
    values: dict[str, str | None] = {"sha256": HASH, "requires_python": None, "yanked": None} | changes
    return IndexFile(
        filename=name,
        url=f"https://files.example.org/{name}#sha256={HASH}",
        kind="wheel",
        sha256=values["sha256"] or "",
        size_bytes=1,
        requires_python=values["requires_python"],
        yanked=values["yanked"],
    )


class Index:
    """Knows one project."""

    def __init__(self, *files: IndexFile) -> None:
        self._files = files

    def releases(self, project: str) -> Mapping[Version, Release]:
        if project != "p":
            raise NotFoundError(f"no project {project}")
        return {Version("1"): Release(project="p", version="1", files=self._files)}


class Fetcher:
    """Has every file, and remembers where it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def fetch(self, files: Sequence[RemoteFile], *, label: str, listener: Listener) -> dict[str, Path]:
        del label, listener
        self.asked += [url for one in files for url in one.urls]
        return {one.sha256: Path(one.name) for one in files}


def shelf(*files: IndexFile) -> Shelf:
    return Shelf(registry=Index(*files), fetcher=Fetcher())  # type: ignore[arg-type]


def test_fields_of_a_page_are_escaped() -> None:
    odd = '"><script>&'
    page = shelf(file(f"p-1{odd}.whl", requires_python=f">=3{odd}", yanked=odd)).page("p")
    assert "<script>" not in page
    assert 'data-requires-python="&gt;=3&quot;&gt;&lt;script&gt;&amp;"' in page
    assert 'data-yanked="&quot;&gt;&lt;script&gt;&amp;"' in page
    assert "p-1&quot;&gt;&lt;script&gt;&amp;.whl</a>" in page
    assert f"/files/{HASH}/p-1%22%3E%3Cscript%3E%26.whl#sha256={HASH}" in page


def test_files_without_a_hash_are_left_out() -> None:
    page = shelf(file("p-1.whl"), file("p-1.tar.gz", sha256="")).page("p")
    assert "p-1.whl" in page
    assert "p-1.tar.gz" not in page


def test_what_is_taken_is_noted_by_address_and_hash() -> None:
    there = shelf(file("p-1.whl"))
    with pytest.raises(NotFoundError):
        there.file(HASH)  # before any page has named it
    there.page("p")
    assert there.downloads() == ()
    assert there.file(HASH) == Path("p-1.whl")
    (taken,) = there.downloads()
    assert (taken.url, taken.sha256, taken.origin) == ("https://files.example.org/p-1.whl", HASH, "index")
    assert taken.declared == f"sha256:{HASH}"
