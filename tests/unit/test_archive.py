"""Archives of strangers: what comes out, and what is refused."""

import bz2
import gzip
import io
import lzma
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from manyloong.errors import IntegrityError
from manyloong.store.archive import Limits, extract_tar, extract_zip
from manyloong.store.normalise import normalise_tree, tree_digest, write_tar


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "", mode: int = 0o644) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode, info.mtime = kind, target, mode, 1_000_000
    return info


def tar_of(*members: tarfile.TarInfo | tuple[tarfile.TarInfo, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for entry in members:
            info, data = entry if isinstance(entry, tuple) else (entry, b"")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return stream.getvalue()


def zip_of(**files: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return stream.getvalue()


def unpack(data: bytes, dest: Path, limits: Limits | None = None, strip: int = 0) -> None:
    extract = extract_zip if data.startswith(b"PK") else extract_tar
    extract(io.BytesIO(data), dest, limits=limits, strip_components=strip, name="evil.tar")


PACKERS: tuple[Callable[[bytes], bytes], ...] = (
    bytes,
    gzip.compress,
    bz2.compress,
    lzma.compress,
    zstandard.ZstdCompressor().compress,
)


@pytest.mark.parametrize("pack", PACKERS)
def test_good_archive_comes_out(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    data = tar_of(
        member("p-1/", tarfile.DIRTYPE),
        (member("p-1/run", mode=0o4775), b"#!"),
        (member("./p-1/sub/file", mode=0o600), b"text"),
        member("p-1/link", tarfile.SYMTYPE, "sub/file"),
        member("p-1/sub/up", tarfile.SYMTYPE, "../run"),
        member("p-1/same", tarfile.LNKTYPE, "p-1/run"),
    )
    unpack(pack(data), tmp_path, strip=1)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "link", "run", "same", "sub", "up"]
    assert (tmp_path / "link").read_bytes() == b"text"
    assert (tmp_path / "sub" / "up").read_bytes() == b"#!"
    assert (tmp_path / "run").stat().st_mode & 0o7777 == 0o755
    assert (tmp_path / "sub" / "file").stat().st_mode & 0o7777 == 0o644
    assert (tmp_path / "run").stat().st_mtime == 1_000_000
    assert (tmp_path / "same").stat().st_nlink == 1


HOSTILE: dict[str, list[tarfile.TarInfo | tuple[tarfile.TarInfo, bytes]]] = {
    "up": [member("../x")],
    "up inside": [member("a/../../x")],
    "absolute": [member("/etc/x")],
    "absolute link": [member("x", tarfile.SYMTYPE, "/etc/passwd")],
    "link out": [member("a/x", tarfile.SYMTYPE, "../../x")],
    "link out by another": [
        member("a", tarfile.SYMTYPE, "."),
        member("b/c/d", tarfile.SYMTYPE, "../../a/../.."),
    ],
    "file through a link": [member("a", tarfile.SYMTYPE, ".."), (member("a/x"), b"x")],
    "link to itself": [member("a", tarfile.SYMTYPE, "a")],
    "hard link out": [member("a", tarfile.LNKTYPE, "../x")],
    "hard link to what is not there": [member("a", tarfile.LNKTYPE, "b")],
    "hard link to a link": [member("b", tarfile.SYMTYPE, "c"), member("a", tarfile.LNKTYPE, "b")],
    "device": [member("a", tarfile.CHRTYPE)],
    "fifo": [member("a", tarfile.FIFOTYPE)],
    "file below a file": [(member("a"), b"x"), (member("a/b"), b"x")],
    "file and directory": [(member("a/b"), b"x"), (member("a"), b"x")],
    "empty link": [member("a", tarfile.SYMTYPE, "")],
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_archive_is_refused(tmp_path: Path, case: str) -> None:
    dest = tmp_path / "a" / "dest"
    dest.mkdir(parents=True)
    with pytest.raises(IntegrityError, match=r"evil\.tar"):
        unpack(tar_of(*HOSTILE[case]), dest)
    outside = [path for path in tmp_path.rglob("*") if not path.is_relative_to(dest)]
    assert outside == [tmp_path / "a"]


def test_a_file_with_holes_is_told_apart_from_a_device(tmp_path: Path) -> None:
    holes = member("a")
    holes.pax_headers = {"GNU.sparse.size": "10", "GNU.sparse.map": "0,1"}  # tar --sparse --format=posix
    with pytest.raises(IntegrityError, match="packed as a file with holes") as caught:
        unpack(tar_of((holes, b"x")), tmp_path)
    assert "--sparse" in str(caught.value.hint)


@pytest.mark.parametrize("name", ["../x", "/x", "a/../../x"])
def test_hostile_zip_is_refused(tmp_path: Path, name: str) -> None:
    dest = tmp_path / "dest"
    dest.mkdir()
    with pytest.raises(IntegrityError, match="leads out"):
        unpack(zip_of(**{name: b"x"}), dest)
    assert list(tmp_path.iterdir()) == [dest]


def test_limits(tmp_path: Path) -> None:
    data = tar_of((member("a"), b"x" * 100), (member("b"), b"x" * 100))
    for limits, why in (
        (Limits(members=1), "is one of over 1"),
        (Limits(file_bytes=99), "is over 99 bytes"),
        (Limits(total_bytes=150), "makes the content over 150 bytes"),
    ):
        with pytest.raises(IntegrityError, match=why):
            unpack(data, tmp_path, limits)


def test_bomb_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "bomb.zip"
    path.write_bytes(zip_of(zeros=bytes(8 << 20)))
    with pytest.raises(IntegrityError, match=r"bomb\.zip: member 'zeros' makes the content \d+ times"):
        extract_zip(path, tmp_path, limits=Limits(ratio_free_bytes=1 << 20))


def test_header_that_would_fill_the_memory(tmp_path: Path) -> None:
    header = member("x", tarfile.GNUTYPE_LONGNAME)
    header.size = 1 << 40
    data = header.tobuf(tarfile.GNU_FORMAT) + bytes(1024)
    with pytest.raises(IntegrityError, match="damaged header"):
        unpack(data, tmp_path)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 5000), st.sampled_from(PACKERS[1:]))
def test_truncated_or_damaged_archive_says_so(cut: int, pack: Callable[[bytes], bytes]) -> None:
    whole = pack(tar_of((member("a"), bytes(range(256)) * 40)))
    with tempfile.TemporaryDirectory() as folder, pytest.raises(IntegrityError):
        unpack(whole[: min(cut, len(whole) * 3 // 4)] or b"?", Path(folder))


@settings(max_examples=30, deadline=None)
@given(st.binary(max_size=2000))
def test_garbage_is_never_a_crash(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for start in (b"", b"\x1f\x8b\x08", b"PK\x03\x04"):
            try:
                unpack(start + data, Path(folder))
            except IntegrityError:
                continue


def test_tree_as_tar_depends_on_content_only(tmp_path: Path) -> None:
    tars, digests = [], set()
    for folder, names in (("one", "ab"), ("two", "ba")):
        tree = tmp_path / folder
        (tree / "sub").mkdir(parents=True)
        for name in names:
            (tree / "sub" / name).write_text(name)
        (tree / "link").symlink_to("sub/a")
        (tree / "sub" / "a").chmod(0o700)
        normalise_tree(tree, epoch=1_000)
        digests.add(tree_digest(tree))
        stream = io.BytesIO()
        write_tar(tree, stream, epoch=1_000)
        tars.append(stream.getvalue())
    assert len(digests) == 1
    assert tars[0] == tars[1]
    (tmp_path / "one" / "sub" / "b").chmod(0o755)
    assert tree_digest(tmp_path / "one") not in digests
