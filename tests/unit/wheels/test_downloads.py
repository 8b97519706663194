"""From an address to a file: given, fetched by its digest, replaced by another source, or refused."""

import hashlib
import re
import tarfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from manyloong.errors import FetchError, InputError, IntegrityError
from manyloong.events import Listener, ignore
from manyloong.sandbox import HostFacts
from manyloong.store import RemoteFile, Store
from manyloong.testing import FakeRunner
from manyloong.wheels.backend import Workplace
from manyloong.wheels.declared import Declaration, Digest
from manyloong.wheels.doors import Doors
from manyloong.wheels.downloads import SourceNeededError, ensure_download, parse_rows, rows
from manyloong.wheels.gate import asked, replace_digests
from manyloong.wheels.given import parse_given
from manyloong.wheels.registry import SimpleRegistry
from manyloong.wheels.resolve import Uv


class _Fetcher:
    """Has some files by hash."""

    def __init__(self, *paths: Path) -> None:
        self.have = {hashlib.sha256(path.read_bytes()).hexdigest(): path for path in paths}

    def fetch(self, files: Sequence[RemoteFile], *, label: str, listener: Listener) -> dict[str, Path]:
        assert label == "sources"
        assert listener is ignore
        if any(file.sha256 not in self.have for file in files):
            raise FetchError("nothing answers")
        return self.have

    def fetch_text(self, urls: Sequence[str], *, accept: str = "*/*", limit_bytes: int = 0) -> str:
        raise AssertionError(urls, accept, limit_bytes)


def doors(tmp_path: Path, *paths: Path, offline: bool = False) -> Doors:
    return Doors(
        store=Store(tmp_path / "store"),
        fetcher=_Fetcher(*paths),
        runner=FakeRunner(),
        stop=lambda: None,
        facts=HostFacts(machine="x86_64", kernel=(6, 18), kernel_release="6.18", uid=0),
        uv=Uv(binary=Path("/uv"), python=Path("/python"), environment={}, index_url="", offline=offline),
        mirrors=("https://mirror.example",),
        registry=SimpleRegistry(url="https://index.example", get_text=lambda url, _: url),
        locate=lambda project, name: (project, name),
        listener=ignore,
        cores=2,
        locked=False,
    )


def declaration(url: str, digest: Digest | None, *, commit: str = "") -> Declaration:
    return Declaration(
        url=re.compile(re.escape(url)), literal=len(url), digest=digest, commit=commit, where="CMakeLists.txt"
    )


def sha256(data: bytes) -> Digest:
    return Digest(algorithm="sha256", value=hashlib.sha256(data).hexdigest())


@pytest.mark.parametrize("algorithm", ["sha256", "sha512", "sha1", "md5"])
def test_an_address_is_fetched_by_the_declared_digest(algorithm: str, tmp_path: Path) -> None:
    file = tmp_path / "zoo.tar.gz"
    file.write_bytes(b"zoo")
    digest = Digest(algorithm=algorithm, value=hashlib.new(algorithm, b"zoo").hexdigest())
    had = ensure_download(
        file.as_uri(), declaration(file.as_uri(), digest), (), label="zoo 1.2", doors=doors(tmp_path)
    )
    assert had.path.read_bytes() == b"zoo"
    assert (had.download.origin, had.download.declared) == ("address", str(digest))
    file.unlink()  # from now on it is in the store
    again = ensure_download(
        file.as_uri(),
        declaration(file.as_uri(), digest),
        (),
        label="zoo",
        doors=doors(tmp_path, offline=True),
    )
    assert again.download.sha256 == sha256(b"zoo").value


def test_other_bytes_than_declared_are_not_served(tmp_path: Path) -> None:
    file = tmp_path / "zoo.tar.gz"
    file.write_bytes(b"other")
    url = file.as_uri()
    with pytest.raises(SourceNeededError) as caught:
        ensure_download(url, declaration(url, sha256(b"zoo")), (), label="zoo 1.2", doors=doors(tmp_path))
    assert f"source needed: {url}, {sha256(b'zoo')}" in caught.value.message
    assert (caught.value.hint or "").endswith(f"add: --source {url}=FILE")


def test_without_a_digest_nothing_is_fetched(tmp_path: Path) -> None:
    file = tmp_path / "zoo.tar.gz"
    file.write_bytes(b"zoo")
    with pytest.raises(SourceNeededError, match="its sources declare no hash"):
        ensure_download(
            file.as_uri(), declaration(file.as_uri(), None), (), label="zoo", doors=doors(tmp_path)
        )


def test_a_given_file_is_served_and_checked(tmp_path: Path) -> None:
    url, file = "https://example.org/a.tgz?x=1", tmp_path / "a.tgz"
    file.write_bytes(b"zoo")
    given = parse_given([f"{url}={file}"])
    had = ensure_download(url, None, given, label="zoo", doors=doors(tmp_path))
    assert (had.download.origin, had.download.declared) == ("given", "")
    with pytest.raises(IntegrityError, match="is not what the package declares"):
        ensure_download(url, declaration(url, sha256(b"other")), given, label="zoo", doors=doors(tmp_path))


def test_a_repository_is_asked_for_with_its_commit(tmp_path: Path) -> None:
    url = "https://example.org/a/zoo.git/info/refs?service=git-upload-pack"
    with pytest.raises(SourceNeededError) as caught:
        ensure_download(url, declaration(url, None, commit="0" * 40), (), label="zoo", doors=doors(tmp_path))
    assert caught.value.message == f"zoo clones https://example.org/a/zoo.git at {'0' * 40}"
    assert "--source https://example.org/a/zoo.git=FOLDER" in (caught.value.hint or "")


@pytest.mark.parametrize("text", ["x", "=x", "https://example.org/a=/nowhere/at/all", "a=b"])
def test_bad_given_sources_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="--source"):
        parse_given([text])


def test_a_folder_must_be_a_repository(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="neither a file nor a git repository"):
        parse_given([f"https://example.org/a={tmp_path}"])
    (tmp_path / ".git/refs/heads").mkdir(parents=True)
    (tmp_path / ".git/HEAD").write_text("ref: refs/heads/main\n")
    (tmp_path / ".git/refs/heads/main").write_text("0" * 40)
    first = parse_given([f"https://example.org/a={tmp_path}"])[0].sha256
    (tmp_path / ".git/refs/heads/main").write_text("1" * 40)
    assert parse_given([f"https://example.org/a={tmp_path}"])[0].sha256 != first


TABLE = """
[[download]]
url = "https://example.org/zoo-1.2*.tar.gz"
[[download.source]]
name = "zoo"
version = "1.1"
licence = "MIT"
path = "pool/zoo.tar.gz"
sha256 = "{sha256}"
size_bytes = 1
differs = "the release before"
copies = [["COPYING", "LICENSE"]]
"""


def archive(tmp_path: Path) -> Path:
    (tmp_path / "zoo-1.1").mkdir()
    (tmp_path / "zoo-1.1/COPYING").write_text("words")
    file = tmp_path / "zoo.orig.tar.gz"
    with tarfile.open(file, "w:gz") as stream:
        stream.add(tmp_path / "zoo-1.1", "zoo-1.1")
    return file


def test_another_source_stands_in_and_says_so(tmp_path: Path) -> None:
    file = archive(tmp_path)
    table = parse_rows(TABLE.format(sha256=hashlib.sha256(file.read_bytes()).hexdigest()), where="test")
    url = "https://example.org/zoo-1.2-stable.tar.gz"
    had = ensure_download(url, None, (), label="zoo", doors=doors(tmp_path, file), table=table)
    assert (had.download.origin, had.download.differs) == ("zoo 1.1", "the release before")
    with tarfile.open(had.path) as stream:
        assert {"zoo-1.1/COPYING", "zoo-1.1/LICENSE"} <= set(stream.getnames())
    again = ensure_download(url, None, (), label="zoo", doors=doors(tmp_path / "2", file), table=table)
    assert again.download.sha256 == had.download.sha256  # the same bytes each time


def test_a_stand_in_takes_the_place_of_the_declared_digest(tmp_path: Path) -> None:
    file = archive(tmp_path)
    table = parse_rows(TABLE.format(sha256=hashlib.sha256(file.read_bytes()).hexdigest()), where="test")
    url = "https://example.org/zoo-1.2.tar.gz"
    declared = sha256(b"what upstream has")
    had = ensure_download(
        url,
        declaration(url, declared),
        (),
        label="zoo",
        doors=doors(tmp_path, file, offline=True),
        table=table,
    )
    sources = tmp_path / "src"
    sources.mkdir()
    (sources / "CMakeLists.txt").write_text(f"URL {url} URL_HASH SHA256={declared.value}")
    replace_digests(sources, [had])
    assert (sources / "CMakeLists.txt").read_text() == f"URL {url} URL_HASH SHA256={had.download.sha256}"


def test_the_shipped_table_is_whole() -> None:
    for row in rows():
        assert row.url.startswith("https://")
        assert row.digest or row.substitutes
        assert all(one.differs for one in row.substitutes)


@pytest.mark.parametrize("text", ["[[download]]", "x = ", "[[download]]\nurl='a'\n[[download.source]]\nx=1"])
def test_a_broken_table_is_named(text: str) -> None:
    with pytest.raises(InputError, match=r"test\.toml"):
        parse_rows(text, where="test.toml")


def test_what_was_asked_survives_a_package_that_writes_there_too(tmp_path: Path) -> None:
    place = Workplace(path=tmp_path)
    assert asked(place) == ()
    (tmp_path / ".downloads.jsonl").write_text(
        '{"url": "https://a/1", "served": false}\nnonsense\n[]\n{"url": "https://a/1", "served": true}\n'
    )
    assert asked(place) == (("https://a/1", True),)
