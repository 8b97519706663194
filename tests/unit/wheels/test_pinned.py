"""Build requirements by hash: from the cache, a folder or the index, or a refusal that names them."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
from packaging.version import Version

from manyloong.errors import IntegrityError, NotFoundError
from manyloong.events import Event
from manyloong.store import Store
from manyloong.wheels.doors import Doors
from manyloong.wheels.pinned import PinnedFile, ensure_file, ensure_pinned
from manyloong.wheels.registry import IndexFile, Release

NAME = "demo-1.0-py3-none-any.whl"
DATA = b"a wheel"
FILE = PinnedFile(filename=NAME, sha256=hashlib.sha256(DATA).hexdigest())


@dataclass(kw_only=True)
class Outside:
    """The doors that are used here."""

    store: Store
    files: tuple[IndexFile, ...] = ()
    heard: list[Event] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)

    @property
    def registry(self) -> "Outside":
        return self

    @property
    def fetcher(self) -> "Outside":
        return self

    def listener(self, event: Event) -> None:
        self.heard.append(event)

    def releases(self, project: str) -> Mapping[Version, Release]:
        return {Version("1.0"): Release(project=project, version="1.0", files=self.files)}

    def fetch(self, files: Any, **_: Any) -> dict[str, Path]:
        self.fetched += [file.urls[0] for file in files]
        return {file.sha256: Path("/fetched") for file in files}


def served(sha256: str) -> IndexFile:
    return IndexFile(
        filename=NAME,
        url="https://h/x#f",
        kind="wheel",
        sha256=sha256,
        size_bytes=1,
        requires_python=None,
        yanked=None,
    )


def ensured(outside: Outside, *links: Path) -> Path:
    return ensure_file(FILE, links=links, doors=cast("Doors", outside))


def test_the_cache_is_asked_first(tmp_path: Path) -> None:
    outside = Outside(store=Store(tmp_path))
    outside.store.add_bytes(DATA)
    pinned = ensure_pinned(["demo"], [FILE], [FILE], links=(), doors=cast("Doors", outside))
    assert pinned.wheels[0].path == outside.store.object_path(FILE.sha256) == pinned.copies[0].path
    assert (pinned.wheels[0].name, pinned.wheels[0].version) == ("demo", "1.0")


def test_a_damaged_file_is_named_and_got_again(tmp_path: Path) -> None:
    outside = Outside(store=Store(tmp_path), files=(served(FILE.sha256),))
    outside.store.add_bytes(DATA)
    kept = outside.store.object_path(FILE.sha256)
    assert kept is not None
    kept.chmod(0o644)
    kept.write_bytes(DATA[:-1] + b"!")
    assert ensured(outside) == Path("/fetched")
    assert outside.fetched == ["https://h/x"]
    assert NAME in str(outside.heard[0])
    assert "damaged" in str(outside.heard[0])


def test_another_file_of_that_name_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "links"
    folder.mkdir()
    (folder / NAME).write_bytes(b"another")
    with pytest.raises(IntegrityError, match=NAME):
        ensured(Outside(store=Store(tmp_path / "cache")), folder)
    with pytest.raises(IntegrityError, match=f"the index has another {NAME}"):
        ensured(Outside(store=Store(tmp_path / "cache"), files=(served("0" * 64),)))


def test_what_is_nowhere_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=f"{NAME}.*neither in the cache nor on the index") as caught:
        ensured(Outside(store=Store(tmp_path)))
    assert "--find-links" in str(caught.value.hint)


def test_a_folder_has_what_no_index_has(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(DATA)
    outside = Outside(store=Store(tmp_path / "cache"))
    assert ensured(outside, tmp_path) == outside.store.object_path(FILE.sha256)
