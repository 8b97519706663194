"""Trees and files of the cache: a byte that somebody changed is seen, named and refused."""

import os
from pathlib import Path

import pytest

from manyloong.errors import IntegrityError
from manyloong.store import Store
from manyloong.store.guard import look_at, write_lines


def fill(tree: Path) -> None:
    (tree / "bin").mkdir()
    (tree / "bin/program").write_bytes(b"0123456789")
    (tree / "bin/program").chmod(0o755)
    (tree / "link").symlink_to("bin/program")
    (tree / "with\nnew line").write_bytes(b"")


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_a_flipped_byte_in_a_tree_is_refused_by_the_next_process(tmp_path: Path) -> None:
    tree = Store(tmp_path).tree("root", "k", fill)
    assert Store(tmp_path).tree_path("root", "k") == tree
    flip(tree / "bin/program")
    with pytest.raises(IntegrityError, match=r"root k in the cache was changed .*: bin/program"):
        Store(tmp_path).tree_path("root", "k")
    store = Store(tmp_path)
    (damage,) = store.damaged()
    assert (damage.kind, damage.key, damage.paths) == ("root", "k", ("bin/program",))
    store.remove_damaged(damage)
    assert Store(tmp_path).tree("root", "k", fill) == tree
    assert not list(Store(tmp_path).damaged())


def test_a_look_that_is_put_off_is_made_before_anything_is(tmp_path: Path) -> None:
    tree = Store(tmp_path).tree("root", "k", fill)
    flip(tree / "bin/program")
    store = Store(tmp_path)
    with store.looking_later():
        assert store.tree_path("root", "k") == tree  # nothing is made of it yet
        with pytest.raises(IntegrityError, match="bin/program"):
            store.tree("thing", "made-of-it", fill)
    assert store.tree_path("thing", "made-of-it") is None
    for _ in range(2):  # whoever comes second is told as well
        with pytest.raises(IntegrityError, match="bin/program"):
            store.look_now()
    with pytest.raises(IntegrityError, match="bin/program"):
        store.tree_path("root", "k")


def test_a_store_below_is_looked_at_later_too(tmp_path: Path) -> None:
    tree = Store(tmp_path / "below").tree("root", "k", fill)
    flip(tree / "bin/program")
    store = Store(tmp_path / "above", below=Store(tmp_path / "below"))
    with store.looking_later():
        assert store.tree_path("root", "k") == tree
    with pytest.raises(IntegrityError, match="bin/program"):
        store.look_now()


def test_the_lines_of_a_tree_are_there_before_it_is(tmp_path: Path) -> None:
    store = Store(tmp_path)

    def ends_before_the_tree_is_there(tree: Path) -> None:
        fill(tree)
        (tmp_path / "trees/root/k/in the way").mkdir(parents=True)

    with pytest.raises(OSError, match="not empty"):
        store.tree("root", "k", ends_before_the_tree_is_there)
    assert b"bin/program" in (tmp_path / "locks/trees/root/k.lines").read_bytes()


def test_a_byte_flipped_behind_the_times_is_found_by_reading_all(tmp_path: Path) -> None:
    fill(tmp_path)
    lines = write_lines(tmp_path)
    path = tmp_path / "bin/program"
    forged = lines
    flip(path)
    info = path.stat()
    old = next(row for row in lines.split(b"\n\0") if row.startswith(b"bin/program\0"))
    state = b"%o %d %d %d" % (info.st_mode, info.st_size, info.st_mtime_ns, info.st_ctime_ns)
    forged = lines.replace(old, b"bin/program\0" + state + b"\0" + old.rpartition(b"\0")[2])
    assert look_at(tmp_path, forged).changed == ()
    assert look_at(tmp_path, forged, thorough=True).changed == ("bin/program",)


@pytest.mark.parametrize("change", ["add", "remove", "mode", "link", "directory"])
def test_every_kind_of_change_is_seen(tmp_path: Path, change: str) -> None:
    fill(tmp_path)
    lines = write_lines(tmp_path)
    match change:
        case "add":
            (tmp_path / "new").touch()
        case "remove":
            (tmp_path / "with\nnew line").unlink()
        case "mode":
            (tmp_path / "bin/program").chmod(0o644)
        case "link":
            (tmp_path / "link").unlink()
            (tmp_path / "link").symlink_to("bin/other")
        case "directory":
            (tmp_path / "bin").chmod(0o700)
    assert len(look_at(tmp_path, lines).changed) == 1


def test_new_times_alone_are_no_change(tmp_path: Path) -> None:
    fill(tmp_path)
    lines = write_lines(tmp_path)
    os.utime(tmp_path / "bin/program", (1, 1))
    seen = look_at(tmp_path, lines)
    assert seen.changed == ()
    assert seen.renewed is not None
    assert look_at(tmp_path, seen.renewed).renewed is None


def test_a_damaged_object_is_replaced_when_it_comes_again(tmp_path: Path) -> None:
    store = Store(tmp_path)
    sha256 = store.add_bytes(b"0123456789")
    path = store.object_path(sha256)
    assert path is not None
    path.chmod(0o644)
    flip(path)
    assert [damage.key for damage in store.damaged()] == [sha256]
    (tmp_path / "file").write_bytes(b"0123456789")
    store.add_file(tmp_path / "file")
    assert store.verify(sha256)
