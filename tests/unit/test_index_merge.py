"""Merging: upstream's files unchanged, ours only where they may be, nobody captures a name."""

from typing import Any

import orjson
import pytest

from manyloong.index.entry import file_entry
from manyloong.index.merge import MergedPage, covers, local_page, merged_page, release_times, shows_all
from manyloong.index.model import LocalFile, PageLine, State
from manyloong.index.names import wheel_name
from manyloong.index.stored_page import StoredPage, UpstreamReleases, stored_page, upstream_releases
from manyloong.index.testing import upstream_document, upstream_file
from manyloong.index.upstream_page import MISSING, UpstreamPage

NATIVE = "manylinux_2_36_loongarch64"


def ours(filename: str, *, yanked: bool = False, reason: str = "") -> PageLine:
    name = wheel_name(filename)
    entry = file_entry(
        name=name,
        sha256="ab" * 32,
        size_bytes=5,
        metadata_sha256="cd" * 32,
        requires_python=">=3.9",
        uploaded_at="2026-01-02T03:04:05.000006Z",
        released_at="2025-01-01T00:00:00.000000Z",
        has_provenance=False,
        yanked=(reason or True) if yanked else False,
    )
    file = LocalFile(
        name=name,
        sha256="ab" * 32,
        size_bytes=5,
        state=State.PUBLISHED,
        yanked=yanked,
        yanked_reason=reason,
        uploaded_at="2026-01-02T03:04:05.000006Z",
        released_at="",
        entry=entry,
    )
    return file.line


def page(*files: dict[str, Any], versions: list[str] | None = None, **more: Any) -> UpstreamPage:
    document = upstream_document("pkg", list(files), ["1.0"] if versions is None else versions)
    return UpstreamPage(document=document | more)


def merge(upstream: UpstreamPage, *files: PageLine) -> MergedPage:
    """Through the form that the cache keeps."""
    kept = stored_page(upstream, project="pkg")
    releases = UpstreamReleases.from_json(kept.releases.to_json())
    assert releases == kept.releases
    return merged_page(upstream=StoredPage(content=kept.content, releases=releases), ours=files)


def merged(upstream: UpstreamPage, *files: PageLine) -> dict[str, Any]:
    result: dict[str, Any] = orjson.loads(merge(upstream, *files).content)
    return result


def names(document: dict[str, Any]) -> list[str]:
    return [entry["filename"] for entry in document["files"]]


def test_upstreams_page_is_unchanged_but_for_our_files() -> None:
    first = upstream_file("pkg-1.0.tar.gz", b"1", unknown={"kept": 1}, yanked="why")
    second = upstream_file("pkg-1.0-py3-none-any.whl", b"2", provenance="https://x.example/p")
    source = page(first, second, more="kept")
    before = orjson.dumps(source.document)
    document = merged(source, ours(f"pkg-1.0-cp313-cp313-{NATIVE}.whl"))
    assert document["files"][:2] == [first, second]
    assert names(document)[2:] == [f"pkg-1.0-cp313-cp313-{NATIVE}.whl"]
    rest = {key: value for key, value in document.items() if key != "files"}
    assert rest == {key: value for key, value in source.document.items() if key != "files"}
    assert orjson.dumps(source.document) == before


def test_our_entry_has_every_key_a_client_may_want() -> None:
    document = merged(page(upstream_file("pkg-1.0.tar.gz", b"1")), ours(f"pkg-1.0-cp313-cp313-{NATIVE}.whl"))
    entry = document["files"][-1]
    assert entry["url"].startswith("../../files/ab/ab/")
    assert entry["hashes"] == {"sha256": "ab" * 32}
    assert entry["core-metadata"] == entry["data-dist-info-metadata"] == {"sha256": "cd" * 32}
    assert entry["requires-python"] == ">=3.9"
    assert entry["size"] == 5
    assert entry["upload-time"] == "2026-01-02T03:04:05.000006Z"
    assert entry["_manyloong"] == {
        "rebuilt": "2026-01-02T03:04:05.000006Z",
        "released": "2025-01-01T00:00:00.000000Z",
    }


@pytest.mark.parametrize("version", ["2.0", "1.0.1", "1.0.post1"])
def test_a_version_upstream_does_not_have_is_not_shown(version: str) -> None:
    source = page(upstream_file("pkg-1.0.tar.gz", b"1"))
    assert names(merged(source, ours(f"pkg-{version}-cp313-cp313-{NATIVE}.whl"))) == ["pkg-1.0.tar.gz"]


def test_versions_are_compared_not_spelled() -> None:
    wheel = ours(f"pkg-1.0.0-cp313-cp313-{NATIVE}.whl")
    assert len(names(merged(page(upstream_file("pkg-1.tar.gz", b"1"), versions=["1"]), wheel))) == 2


def test_without_a_list_of_versions_the_files_say_them() -> None:
    document = upstream_document("pkg", [upstream_file("pkg-1.0.tar.gz", b"1")], [])
    del document["versions"]
    source = UpstreamPage(document=document)
    assert len(names(merged(source, ours(f"pkg-1.0-cp313-cp313-{NATIVE}.whl")))) == 2
    assert upstream_releases(source).has("1.0")
    assert not upstream_releases(source).has("1.1")


def test_the_same_name_upstream_wins() -> None:
    name = f"pkg-1.0-cp313-cp313-{NATIVE}.whl"
    theirs = upstream_file(name, b"theirs")
    result = merge(page(theirs), ours(name))
    assert orjson.loads(result.content)["files"] == [theirs]
    assert result.replaced == (name,)


def test_a_build_tag_does_not_outrank_upstreams_file() -> None:
    theirs = upstream_file(f"pkg-1.0-cp313-cp313-{NATIVE}.whl", b"theirs")
    document = merged(page(theirs), ours(f"pkg-1.0-1-cp313-cp313-{NATIVE}.whl"))
    assert names(document) == [theirs["filename"]]


@pytest.mark.parametrize(
    ("theirs", "mine", "expected"),
    [
        ("cp313-cp313-manylinux_2_36_loongarch64", "cp313-cp313-manylinux_2_36_loongarch64", True),
        ("cp313-cp313-manylinux_2_36_loongarch64", "cp313-cp313-manylinux_2_39_loongarch64", True),
        ("cp313-cp313-manylinux_2_38_loongarch64", "cp313-cp313-manylinux_2_36_loongarch64", False),
        ("cp313-cp313-musllinux_1_2_loongarch64", "cp313-cp313-manylinux_2_36_loongarch64", False),
        ("cp312-cp312-manylinux_2_36_loongarch64", "cp313-cp313-manylinux_2_36_loongarch64", False),
        ("cp39-abi3-manylinux_2_36_loongarch64", "cp313-cp313-manylinux_2_36_loongarch64", True),
        ("cp314-abi3-manylinux_2_36_loongarch64", "cp313-cp313-manylinux_2_36_loongarch64", False),
        ("cp39-abi3-manylinux_2_36_loongarch64", "cp314-cp314t-manylinux_2_36_loongarch64", False),
        ("py3-none-manylinux_2_36_loongarch64", "cp314-cp314t-manylinux_2_36_loongarch64", True),
        ("cp313-cp313-manylinux_2_36_x86_64", "cp313-cp313-manylinux_2_36_loongarch64", False),
    ],
)
def test_which_wheels_make_ours_superfluous(theirs: str, mine: str, expected: bool) -> None:  # noqa: FBT001
    assert covers(wheel_name(f"pkg-1.0-{theirs}.whl"), wheel_name(f"pkg-1.0-{mine}.whl")) is expected


def test_another_version_of_upstreams_does_not_replace_ours() -> None:
    theirs = upstream_file(f"pkg-1.1-cp313-cp313-{NATIVE}.whl", b"t")
    source = page(theirs, versions=["1.0", "1.1"])
    assert len(names(merged(source, ours(f"pkg-1.0-cp313-cp313-{NATIVE}.whl")))) == 2


def test_a_quarantined_project_shows_none_of_ours() -> None:
    document = upstream_document("pkg", [], ["1.0"])
    source = UpstreamPage(document=document | {"project-status": {"status": "quarantined"}})
    shown = merged(source, ours(f"pkg-1.0-cp313-cp313-{NATIVE}.whl"))
    assert names(shown) == []
    assert shown["project-status"] == {"status": "quarantined"}


def test_ours_is_yanked_when_all_of_upstreams_release_is() -> None:
    bad = [
        upstream_file("pkg-1.0.tar.gz", b"1", yanked="broken"),
        upstream_file("pkg-1.0.zip", b"2", yanked=True),
    ]
    good = upstream_file("pkg-1.1.tar.gz", b"3")
    source = page(*bad, good, versions=["1.0", "1.1"])
    wheels = (ours(f"pkg-1.0-cp313-cp313-{NATIVE}.whl"), ours(f"pkg-1.1-cp313-cp313-{NATIVE}.whl"))
    assert [entry["yanked"] for entry in merged(source, *wheels)["files"][3:]] == ["broken", False]
    partly = page(bad[0], upstream_file("pkg-1.0.zip", b"2"))
    assert merged(partly, wheels[0])["files"][-1]["yanked"] is False


def test_our_own_yank_is_shown() -> None:
    wheel = ours(f"pkg-1.0-cp313-cp313-{NATIVE}.whl", yanked=True, reason="bad build")
    source = page(upstream_file("pkg-1.0.tar.gz", b"1"))
    assert merged(source, wheel)["files"][-1]["yanked"] == "bad build"


def test_a_local_project_is_ours_alone() -> None:
    filename, version, _, entry = ours(f"pkg-1.0-cp313-cp313-{NATIVE}.whl")
    document = orjson.loads(local_page("pkg", versions=[version], entries=[entry]))
    assert names(document) == [filename]
    assert document["versions"] == ["1.0"]


def test_pages_on_which_all_of_ours_is_shown() -> None:
    plain = upstream_releases(page(upstream_file("pkg-1.0.tar.gz", b"1")))
    assert shows_all(plain, ["1.0", "1"])
    assert not shows_all(plain, ["1.0", "1.1"])
    yanked = upstream_releases(page(upstream_file("pkg-1.0.tar.gz", b"1", yanked=True)))
    assert not shows_all(yanked, ["1.0"])
    native = upstream_releases(page(upstream_file(f"pkg-1.0-cp313-cp313-{NATIVE}.whl", b"1")))
    assert not shows_all(native, ["1.0"])


def test_a_project_upstream_does_not_have_shows_nothing() -> None:
    assert names(merged(MISSING, ours(f"pkg-1.0-cp313-cp313-{NATIVE}.whl"))) == []


def test_pages_without_files_stay_json() -> None:
    assert names(orjson.loads(local_page("pkg", versions=[], entries=[]))) == []
    empty = UpstreamPage(document=upstream_document("pkg", [], ["1.0"]))
    assert names(merged(empty)) == []
    assert (
        names(merged(empty, *[ours(f"pkg-1.0-{build}-cp313-cp313-{NATIVE}.whl") for build in (1, 2)])) != []
    )


def test_release_times_are_of_that_version() -> None:
    files = [
        upstream_file("pkg-1.0.tar.gz", b"1", **{"upload-time": "2024-02-01T00:00:00Z"}),
        upstream_file("pkg-1.0-py3-none-any.whl", b"1", **{"upload-time": "2024-01-01T00:00:00Z"}),
        upstream_file("pkg-1.1.tar.gz", b"1", **{"upload-time": "2023-01-01T00:00:00Z"}),
        upstream_file("pkg-1.0.zip", b"1", **{"upload-time": None}),
    ]
    assert release_times(page(*files), "1.0.0") == ["2024-01-01T00:00:00Z", "2024-02-01T00:00:00Z"]


@pytest.mark.parametrize("name", ["garbage", "pkg-x-y.whl", f"pkg-1.0-cp313-cp313-{NATIVE}.exe", "-", NATIVE])
def test_odd_file_names_upstream_do_no_harm(name: str) -> None:
    source = page(upstream_file(name, b"1"), upstream_file("pkg-1.0.tar.gz", b"2"))
    assert len(names(merged(source, ours(f"pkg-1.0-cp313-cp313-{NATIVE}.whl")))) == 3
