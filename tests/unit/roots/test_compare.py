"""Trees side by side."""

import os
from pathlib import Path

import pytest

from manyloong.roots.compare import first_difference, tree_differences, tree_digests


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
