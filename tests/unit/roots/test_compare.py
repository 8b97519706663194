"""Trees side by side."""

import io
import os
import tarfile
from pathlib import Path

import pytest

from manyloong.roots.compare import first_difference, tar_differences, tree_differences, tree_digests


def tree(path: Path) -> Path:
    (path / "usr/bin").mkdir(parents=True)
    (path / "usr/bin/true").write_bytes(b"\0" * 3_000_000)
    (path / "bin").symlink_to("usr/bin")
    return path


def test_equal_trees_have_no_difference(tmp_path: Path) -> None:
    one, two = tree(tmp_path / "1"), tree(tmp_path / "2")
    os.utime(two / "usr/bin/true", (5, 5))
    assert tree_differences(one, two) == ()
    assert tree_digests(one, epoch=7) == tree_digests(two, epoch=7)


def test_the_first_byte_that_differs_is_named(tmp_path: Path) -> None:
    one, two = tree(tmp_path / "1"), tree(tmp_path / "2")
    with (two / "usr/bin/true").open("r+b") as stream:
        stream.seek(2_500_000)
        stream.write(b"x")
    (found,) = tree_differences(one, two)
    assert (found.path, found.offset) == ("usr/bin/true", 2_500_000)
    assert "byte 2500000" in str(found)
    assert str(found).endswith(": 00 00 00 00 00 00 00 00 and 78 00 00 00 00 00 00 00")
    assert tree_digests(one, epoch=0).tree != tree_digests(two, epoch=0).tree
    assert tree_digests(one, epoch=0).tar != tree_digests(two, epoch=0).tar


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda two: (two / "usr/bin/true").chmod(0o755), "mode"),
        (lambda two: (two / "bin").unlink(), "only in the first"),
        (lambda two: (two / "new").touch(), "only in the second"),
        (lambda two: ((two / "bin").unlink(), (two / "bin").symlink_to("usr")), "links to usr/bin and usr"),
        (lambda two: (two / "usr/bin/true").write_bytes(b"\0"), "differs from byte 1 on"),
    ],
)
def test_every_kind_of_difference_is_told(tmp_path: Path, change: object, what: str) -> None:
    one, two = tree(tmp_path / "1"), tree(tmp_path / "2")
    assert callable(change)
    change(two)
    assert what in str(tree_differences(one, two)[0])


def test_no_more_than_the_limit(tmp_path: Path) -> None:
    one, two = tree(tmp_path / "1"), tree(tmp_path / "2")
    for number in range(30):
        (two / f"{number}").touch()
    assert len(tree_differences(one, two, limit=3)) == 3


def test_a_file_that_goes_on_differs_where_the_other_ends(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    (tmp_path / "b").write_bytes(b"abcd")
    assert first_difference(tmp_path / "a", tmp_path / "b") == 3
    assert first_difference(tmp_path / "a", tmp_path / "a") is None


def tar(path: Path, members: dict[str, bytes], *, mode: int = 0o644) -> Path:
    with tarfile.open(path, "w") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), mode
            archive.addfile(info, io.BytesIO(data))
    return path


@pytest.mark.parametrize(
    ("members", "mode", "what"),
    [
        ({"a": b"one", "b": b"two"}, 0o644, []),
        ({"a": b"one", "b": b"tww"}, 0o644, ["b: differs from byte 2 on (3 and 3 bytes): 6f and 77"]),
        ({"a": b"one", "b": b"twoo"}, 0o644, ["b: differs from byte 3 on (3 and 4 bytes): nothing and 6f"]),
        ({"a": b"one"}, 0o644, ["b: only in the first"]),
        ({"a": b"one", "b": b"two", "c": b""}, 0o644, ["c: only in the second"]),
        ({"b": b"two", "a": b"one"}, 0o644, ["members: in another order"]),
        ({"a": b"one", "b": b"two"}, 0o755, ["a: mode 644 and 755", "b: mode 644 and 755"]),
    ],
)
def test_tars_are_compared_member_by_member(
    tmp_path: Path, members: dict[str, bytes], mode: int, what: list[str]
) -> None:
    first = tar(tmp_path / "1", {"a": b"one", "b": b"two"})
    found = tar_differences(first, tar(tmp_path / "2", members, mode=mode))
    assert [str(one) for one in found] == what
    assert len(tar_differences(first, tmp_path / "2", limit=1)) == min(len(what), 1)
