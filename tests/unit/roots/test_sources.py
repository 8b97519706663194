"""Pinned sources: tables, addresses and what is said when one is gone."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.tools.debs import make_deb

from manyloong.errors import FetchError, GoneError, InputError, IntegrityError
from manyloong.events import Listener, ignore
from manyloong.roots.sources import archives_by_hash, ensure_sources, parse_source, unpack_source
from manyloong.store import RemoteFile

TABLE = {
    "name": "zlib",
    "version": "1.3.1",
    "licence": "Zlib",
    "path": "pool/main/z/zlib/zlib_1.3.1.orig.tar.gz",
    "date": "20261101T000000Z",
    "urls": ["https://example.org/zlib-1.3.1.tar.gz"],
    "sha256": "9a" * 32,
    "size_bytes": 1512791,
}


def test_mirrors_are_asked_before_upstream() -> None:
    source = parse_source(TABLE, where="zlib.toml")
    mirrors = ("https://a.example/debian", "https://b.example/archive/{date}")
    assert source.addresses(mirrors) == (
        f"https://a.example/debian/{TABLE['path']}",
        f"https://b.example/archive/20261101T000000Z/{TABLE['path']}",
        "https://example.org/zlib-1.3.1.tar.gz",
    )


def test_a_source_without_a_date_asks_no_snapshot() -> None:
    source = parse_source({key: TABLE[key] for key in TABLE if key != "date"}, where="zlib.toml")
    assert all("{date}" not in url for url in source.addresses(("https://b.example/{date}",)))
    assert len(source.addresses(("https://b.example/{date}",))) == 1


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("sha256", "abc"),
        ("size_bytes", 0),
        ("size_bytes", True),
        ("name", ""),
        ("urls", "https://example.org"),
        ("urls", [1]),
        ("date", "yesterday"),
        ("licence", 7),
        ("hash", "x"),
    ],
)
def test_a_broken_table_names_its_key(key: str, value: object) -> None:
    with pytest.raises(InputError, match=key):
        parse_source({**TABLE, key: value}, where="zlib.toml")


def test_a_source_from_nowhere_is_refused() -> None:
    table = {key: value for key, value in TABLE.items() if key not in {"path", "urls"}}
    with pytest.raises(InputError, match="neither path nor urls"):
        parse_source(table, where="zlib.toml")


class _Fetcher:
    """Has everything, or nothing."""

    def __init__(self, *, gone: bool) -> None:
        self.gone = gone

    def fetch(self, files: Sequence[RemoteFile], *, label: str, listener: Listener) -> dict[str, Path]:
        assert (label, listener) == ("sources", ignore)
        if self.gone:
            raise GoneError("gone", names=tuple(file.name for file in files), hint="")
        return {file.sha256: Path("/store") / file.sha256 for file in files}

    def fetch_text(self, urls: Sequence[str], *, accept: str = "*/*", limit_bytes: int = 0) -> str:
        raise AssertionError(urls, accept, limit_bytes)


def test_sources_come_by_name() -> None:
    source = parse_source(TABLE, where="zlib.toml")
    paths = ensure_sources([source], fetcher=_Fetcher(gone=False), mirrors=("https://a",), listener=ignore)
    assert paths == {"zlib": Path("/store") / ("9a" * 32)}


def test_sources_of_one_name_are_told_apart_by_their_hash() -> None:
    one, other = (parse_source(TABLE | {"sha256": digit * 64}, where="zlib.toml") for digit in "12")
    paths = archives_by_hash(
        [one, other, one], fetcher=_Fetcher(gone=False), mirrors=("https://a",), listener=ignore
    )
    assert paths == {digit * 64: Path("/store") / (digit * 64) for digit in "12"}


def test_what_is_gone_is_named_with_its_hash() -> None:
    source = parse_source(TABLE, where="zlib.toml")
    with pytest.raises(FetchError, match=r"zlib 1\.3\.1 \(SHA-256 9a"):
        ensure_sources([source], fetcher=_Fetcher(gone=True), mirrors=("https://a",), listener=ignore)


def test_a_debian_package_is_an_archive_of_what_is_below_usr(tmp_path: Path) -> None:
    source = parse_source({**TABLE, "path": "pool/main/x/x/x-dev_1_all.deb"}, where="x.toml")
    archive, folder = tmp_path / "object", tmp_path / "src"
    archive.write_bytes(make_deb({"usr/include/x.h": "int x;\n", "usr/share/doc/x/copyright": "free\n"}))
    folder.mkdir()
    unpack_source(source, archive, folder, members=("include/*",))
    assert [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()] == ["include/x.h"]


PACKAGE = make_deb({"usr/a": "a" * 999})


@pytest.mark.parametrize("broken", [b"no package", PACKAGE[:-40], PACKAGE[:-40] + bytes(40)])
def test_a_damaged_package_names_the_source(broken: bytes, tmp_path: Path) -> None:
    source = parse_source({**TABLE, "path": "pool/main/x/x/x-dev_1_all.deb"}, where="x.toml")
    (tmp_path / "object").write_bytes(broken)
    with pytest.raises(IntegrityError, match=r"the source of zlib 1\.3\.1"):
        unpack_source(source, tmp_path / "object", tmp_path)
