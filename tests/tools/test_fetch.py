"""Fetching from mirrors that are down, out of date, damaged, or cut the line."""

import hashlib
import socket
from pathlib import Path

import pytest
from tests.tools.mirror import Mirror

from manyloong.errors import FetchError, GoneError, IntegrityError
from manyloong.events import Downloading, Event, ignore
from manyloong.store import HttpFetcher, RemoteFile, Store

pytestmark = pytest.mark.tools
DATA = bytes(range(256)) * 4000


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def fetcher_of(store: Store) -> HttpFetcher:
    return HttpFetcher(store, sleep=lambda _seconds: None, timeout_s=5.0)


def remote(*urls: str, data: bytes = DATA, size: int | None = len(DATA)) -> RemoteFile:
    sha256 = hashlib.sha256(data).hexdigest()
    return RemoteFile(name="file.deb", urls=urls, sha256=sha256, size_bytes=size)


def dead_url() -> str:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{unused.getsockname()[1]}/file"


def fetched(store: Store, file: RemoteFile) -> bytes:
    paths = fetcher_of(store).fetch([file], label="files", listener=ignore)
    assert not list(store.path.glob("partial/*"))
    return paths[file.sha256].read_bytes()


def test_file_arrives_once_and_progress_is_told(store: Store, mirror: Mirror) -> None:
    mirror.files["/file"] = DATA
    events: list[Event] = []
    for _ in range(2):
        paths = fetcher_of(store).fetch([remote(f"{mirror.url}/file")], label="x", listener=events.append)
        assert next(iter(paths.values())).read_bytes() == DATA
    assert mirror.asked == [("/file", None)]
    last = events[-1]
    assert isinstance(last, Downloading)
    assert (last.done_bytes, last.total_bytes) == (len(DATA), len(DATA))


def test_cut_download_goes_on_where_it_stopped(store: Store, mirror: Mirror) -> None:
    mirror.files["/file"] = DATA
    mirror.faults["/file"] = ["cut"]
    assert fetched(store, remote(f"{mirror.url}/file")) == DATA
    assert mirror.asked[1] == ("/file", f"bytes={len(DATA) // 2}-")


@pytest.mark.parametrize("size", [None, len(DATA)])
@pytest.mark.parametrize("left", [DATA[:1000], DATA, b"?" * 1000, DATA + b"x", b"?" * len(DATA)])
def test_what_a_killed_download_left_is_used_or_replaced(
    store: Store, mirror: Mirror, left: bytes, size: int | None
) -> None:
    mirror.files["/file"] = DATA
    file = remote(f"{mirror.url}/file", size=size)
    store.partial_path(file.sha256).write_bytes(left)
    assert fetched(store, file) == DATA


def test_mirror_that_cannot_resume_starts_again(store: Store, mirror: Mirror) -> None:
    mirror.files["/file"] = DATA
    mirror.faults["/file"] = ["cut", "no-range"]
    assert fetched(store, remote(f"{mirror.url}/file")) == DATA


@pytest.mark.parametrize("fault", ["404", "403", "500", "damage", "cut"])
def test_second_mirror_helps_out(store: Store, mirror: Mirror, second_mirror: Mirror, fault: str) -> None:
    mirror.files["/file"] = second_mirror.files["/file"] = DATA
    mirror.faults["/file"] = [fault] * 9
    assert fetched(store, remote(f"{mirror.url}/file", f"{second_mirror.url}/file")) == DATA


def test_dead_mirror_is_asked_last_from_then_on(store: Store, mirror: Mirror) -> None:
    mirror.files["/file"] = DATA
    fetcher = fetcher_of(store)
    fetcher.fetch([remote(dead_url(), f"{mirror.url}/file")], label="x", listener=ignore)
    assert len(mirror.asked) == 1


def test_gone_everywhere(store: Store, mirror: Mirror) -> None:
    mirror.files["/other"] = b"other"
    gone, other = remote(f"{mirror.url}/file"), remote(f"{mirror.url}/other", data=b"other", size=5)
    with pytest.raises(GoneError) as caught:
        fetcher_of(store).fetch([gone, other], label="x", listener=ignore)
    assert caught.value.names == ("file.deb",)
    assert store.object_path(other.sha256)


def test_every_mirror_down(store: Store) -> None:
    with pytest.raises(FetchError, match=r"cannot download file\.deb") as caught:
        fetched(store, remote(dead_url()))
    assert not isinstance(caught.value, GoneError)
    assert caught.value.hint


def test_wrong_bytes_everywhere(store: Store, mirror: Mirror) -> None:
    mirror.files["/file"] = b"?" + DATA[1:]
    with pytest.raises(IntegrityError, match="SHA-256 is"):
        fetched(store, remote(f"{mirror.url}/file"))
    with pytest.raises(IntegrityError, match=r"SHA-256 is .*; http://127\.0\.0\.1"):
        fetched(store, remote(f"{mirror.url}/file", dead_url(), f"{mirror.url}/gone"))


def test_endless_file_is_cut(store: Store, mirror: Mirror) -> None:
    mirror.files["/file"] = DATA * 3
    with pytest.raises(IntegrityError, match="more than the expected"):
        fetched(store, remote(f"{mirror.url}/file"))


def test_file_address(store: Store, tmp_path: Path) -> None:
    (tmp_path / "a b").write_bytes(DATA)
    assert fetched(store, remote(f"file://{tmp_path}/none", f"file://{tmp_path}/a%20b")) == DATA


def test_offline_names_what_is_missing(store: Store, mirror: Mirror) -> None:
    mirror.files["/file"] = DATA
    offline = HttpFetcher(store, offline=True)
    with pytest.raises(FetchError, match=r"offline, and not in the cache: file\.deb"):
        offline.fetch([remote(f"{mirror.url}/file")], label="x", listener=ignore)
    assert mirror.asked == []


def test_text_is_kept_for_offline(store: Store, mirror: Mirror) -> None:
    mirror.files["/index"] = b"words"
    urls = [f"{mirror.url}/none", f"{mirror.url}/index"]
    with pytest.raises(FetchError, match="never fetched"):
        HttpFetcher(store, offline=True).fetch_text(urls)
    assert fetcher_of(store).fetch_text(urls) == "words"
    assert HttpFetcher(store, offline=True).fetch_text(urls) == "words"


def test_text_that_is_not_there(store: Store, mirror: Mirror) -> None:
    with pytest.raises(GoneError):
        fetcher_of(store).fetch_text([f"{mirror.url}/none"])
    mirror.files["/long"] = b"x" * 100
    with pytest.raises(FetchError, match="more than 10 bytes"):
        fetcher_of(store).fetch_text([f"{mirror.url}/long"], limit_bytes=10)
