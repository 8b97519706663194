"""The store: objects, trees, scratch, what is removed and what is not."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from manyloong.errors import InputError, IntegrityError
from manyloong.store import Store
from manyloong.store.scratch import remove_tree


def test_object_comes_back_by_its_hash(tmp_path: Path) -> None:
    store = Store(tmp_path)
    sha256 = store.add_bytes(b"hello")
    assert sha256 == hashlib.sha256(b"hello").hexdigest()
    path = store.object_path(sha256)
    assert path is not None
    assert path.read_bytes() == b"hello"
    assert store.object_path("0" * 64) is None
    assert store.verify(sha256)


def test_truncated_object_is_not_given_out(tmp_path: Path) -> None:
    store = Store(tmp_path)
    sha256 = store.add_bytes(b"hello")
    path = store.object_path(sha256)
    assert path is not None
    path.chmod(0o644)
    path.write_bytes(b"hell")
    assert store.object_path(sha256) is None
    assert not path.exists()


def test_damaged_object_is_found_by_verify(tmp_path: Path) -> None:
    store = Store(tmp_path)
    sha256 = store.add_bytes(b"hello")
    path = store.object_path(sha256)
    assert path is not None
    path.chmod(0o644)
    path.write_bytes(b"jello")
    assert not store.verify(sha256)
    assert store.object_path(sha256) is None


def test_file_with_another_hash_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x")
    with pytest.raises(IntegrityError, match="expected 000"):
        Store(tmp_path / "store").add_file(file, "0" * 64)


@pytest.mark.parametrize("key", ["../x", "", "a/b", ".hidden", "x" * 300])
def test_keys_cannot_leave_the_store(tmp_path: Path, key: str) -> None:
    with pytest.raises(InputError):
        Store(tmp_path).tree_path("kind", key)


def test_tree_is_built_once(tmp_path: Path) -> None:
    built = []

    def build(path: Path) -> None:
        built.append(path)
        (path / "file").write_text("x")

    first = Store(tmp_path).tree("kind", "key", build)
    second = Store(tmp_path).tree("kind", "key", build)
    assert first == second == Store(tmp_path).tree_path("kind", "key")
    assert len(built) == 1
    assert (first / "file").read_text() == "x"
    assert list((tmp_path / "scratch").iterdir()) == []


def test_failed_build_leaves_no_tree(tmp_path: Path) -> None:
    def build(path: Path) -> None:
        (path / "half").write_text("x")
        raise OSError("disk")

    store = Store(tmp_path)
    with pytest.raises(OSError, match="disk"):
        store.tree("kind", "key", build)
    assert store.tree_path("kind", "key") is None
    assert list((tmp_path / "scratch").iterdir()) == []


def test_json_comes_back(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert store.get_json("kind", "key") is None
    store.put_json("kind", "key", {"a": [1, "ü"]})
    assert store.get_json("kind", "key") == {"a": [1, "ü"]}
    path = tmp_path / "results" / "kind" / "key.json"
    path.write_bytes(b"")
    assert store.get_json("kind", "key") is None


def test_what_older_releases_kept_is_read(tmp_path: Path) -> None:
    path = tmp_path / "json/kind/key.json"
    path.parent.mkdir(parents=True)
    path.write_text('{"a": 1}')
    assert Store(tmp_path).get_json("kind", "key") == {"a": 1}
    Store(tmp_path).put_json("kind", "key", 2)
    assert Store(tmp_path).get_json("kind", "key") == 2


def test_a_byte_flipped_in_a_result_is_named_and_refused(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.put_json("kind", "key", {"a": [1, "x"]})
    path = tmp_path / "results" / "kind" / "key.json"
    data = path.read_bytes()
    for at in range(len(data)):
        path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        with pytest.raises(IntegrityError, match=r"kind/key\.json was changed"):
            store.get_json("kind", "key")
        assert [(one.kind, one.key) for one in store.damaged()] == [("result", "kind/key")]
    (damage,) = store.damaged()
    store.remove_damaged(damage)
    assert store.get_json("kind", "key") is None


def _file_of(size: int) -> Callable[[Path], None]:
    def build(new: Path) -> None:
        (new / "file").write_bytes(b"x" * size)

    return build


def test_scratch_of_a_dead_process_is_removed_of_a_live_one_not(tmp_path: Path) -> None:
    (tmp_path / "scratch" / "tree-dead" / "half").mkdir(parents=True)
    (tmp_path / "scratch" / "tree-dead.lock").touch()  # nobody holds it
    with Store(tmp_path).scratch("mine") as mine, Store(tmp_path).scratch("other") as other:
        assert {path.name for path in mine.parent.iterdir() if path.is_dir()} == {mine.name, other.name}
    assert list((tmp_path / "scratch").iterdir()) == []


def test_prune_removes_the_idle_and_keeps_what_is_used(tmp_path: Path) -> None:
    owner = Store(tmp_path)
    used = owner.tree("kind", "used", _file_of(10_000))
    sha256 = owner.add_bytes(b"y" * 10_000)
    other = Store(tmp_path)  # locks are by open file, so this stands for another process
    other.tree("kind", "idle", _file_of(10_000))
    assert other.prune(keep_days=30) == 0
    assert other.prune(everything=True) >= 10_000
    assert used.is_dir()
    assert owner.object_path(sha256)
    assert other.tree_path("kind", "idle") is None
    owner.release()
    for name in ("kept/failed/build", "uv/wheels", "logs"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "file").write_bytes(b"z" * 10_000)
    assert other.info().kept_bytes >= 10_000
    assert other.info().other_bytes >= 20_000
    other.prune(everything=True)
    assert not used.exists()
    assert other.info().total_bytes == 0


def test_info_counts(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert store.info().total_bytes == 0
    store.add_bytes(b"y" * 10_000)
    store.tree("kind", "key", _file_of(10_000))
    info = store.info()
    assert info.objects == 1
    assert info.objects_bytes >= 10_000
    assert [(tree.kind, tree.key) for tree in info.trees] == [("kind", "key")]


def test_remove_tree_copes_with_directories_without_rights(tmp_path: Path) -> None:
    deep = tmp_path / "tree" / "a" / "b"
    deep.mkdir(parents=True)
    (deep / "file").touch()
    deep.chmod(0)
    deep.parent.chmod(0o500)
    remove_tree(tmp_path / "tree")
    assert not (tmp_path / "tree").exists()
