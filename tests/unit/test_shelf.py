"""Kept inputs: what a root was made from, in a plain directory."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import pytest

from manyloong.errors import FetchError, InputError, IntegrityError
from manyloong.events import Listener, ignore
from manyloong.store import RecordingFetcher, RemoteFile, ShelfFetcher, Store, check_shelf, fill_shelf

DATA = b"zlib 1.3.1"
FILE = RemoteFile(
    name="zlib",
    urls=("https://mirror.example/debian/pool/main/z/zlib.tar.gz",),
    sha256=hashlib.sha256(DATA).hexdigest(),
    size_bytes=len(DATA),
)


class NoNetwork:
    """Has what its store has."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def fetch(self, files: Sequence[RemoteFile], *, label: str, listener: Listener) -> dict[str, Path]:
        listener is ignore or pytest.fail(label)
        found = {file.sha256: path for file in files if (path := self.store.object_path(file.sha256))}
        if len(found) != len(files):
            raise FetchError("offline")
        return found

    def fetch_text(self, urls: Sequence[str], *, accept: str = "*/*", limit_bytes: int = 0) -> str:
        return f"{urls} {accept} {limit_bytes}"


def shelf(folder: Path) -> Path:
    store = Store(folder / "one")
    store.add_bytes(DATA)
    directory = folder / "kept"
    assert fill_shelf(directory, [FILE], store=store) == len(DATA)
    return directory


def test_what_was_kept_needs_no_network(tmp_path: Path) -> None:
    store = Store(tmp_path / "two")
    fetcher = ShelfFetcher(NoNetwork(store), store=store, directory=shelf(tmp_path))
    paths = fetcher.fetch([FILE], label="x", listener=ignore)
    assert paths[FILE.sha256].read_bytes() == DATA
    assert check_shelf(tmp_path / "kept") == ()


def test_a_flipped_byte_is_named_and_refused(tmp_path: Path) -> None:
    directory = shelf(tmp_path)
    kept = next(path for path in directory.rglob(FILE.sha256))
    kept.write_bytes(b"zlib 1.3.2")
    store = Store(tmp_path / "two")
    fetcher = ShelfFetcher(NoNetwork(store), store=store, directory=directory)
    with pytest.raises(IntegrityError, match=FILE.sha256):
        fetcher.fetch([FILE], label="x", listener=ignore)
    assert "zlib: SHA-256 is" in check_shelf(directory)[0]
    kept.unlink()
    assert "zlib: missing" in check_shelf(directory)[0]


def test_keeping_again_mends_a_damaged_file(tmp_path: Path) -> None:
    directory = shelf(tmp_path)
    next(path for path in directory.rglob(FILE.sha256)).write_bytes(b"")
    assert fill_shelf(directory, [FILE], store=Store(tmp_path / "one")) == len(DATA)
    assert fill_shelf(directory, [FILE], store=Store(tmp_path / "one")) == 0
    assert check_shelf(directory) == ()


def test_a_damaged_cache_is_not_kept(tmp_path: Path) -> None:
    store = Store(tmp_path / "one")
    store.add_bytes(DATA)
    path = store.object_path(FILE.sha256)
    assert path is not None
    path.chmod(0o644)
    path.write_bytes(b"zlib 1.3.2")
    with pytest.raises(IntegrityError, match="damaged"):
        fill_shelf(tmp_path / "kept", [FILE], store=store)


def test_a_folder_without_an_index_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no INPUTS\.json"):
        ShelfFetcher(NoNetwork(Store(tmp_path)), store=Store(tmp_path), directory=tmp_path)


@pytest.mark.parametrize(
    "text", ["{", "[1]", '[{"name": "x"}]', '[{"name":"x","path":"","sha256":"../x","size_bytes":1}]']
)
def test_a_broken_index_is_no_traceback(tmp_path: Path, text: str) -> None:
    (tmp_path / "INPUTS.json").write_text(text, "utf-8")
    with pytest.raises(IntegrityError, match=r"INPUTS\.json"):
        check_shelf(tmp_path)


def test_every_file_that_was_asked_for_is_remembered(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.add_bytes(DATA)
    fetcher = RecordingFetcher(NoNetwork(store))
    fetcher.fetch([FILE], label="x", listener=ignore)
    assert fetcher.files == {FILE.sha256: FILE}
    assert "x" in fetcher.fetch_text(["x"])
