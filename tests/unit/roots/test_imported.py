"""Root filesystems of users: what becomes a root to test in, and what is refused and why."""

import gzip
import io
import tarfile
from pathlib import Path

import pytest
import zstandard

from manyloong.corpus import Elf, make_elf
from manyloong.errors import InputError, IntegrityError, NotFoundError
from manyloong.roots.imported import check_name, forget_root, import_root, imported_roots
from manyloong.store import Store
from manyloong.targets import target

GLIBC, MUSL = target("manylinux_2_36"), target("musllinux_1_2")


def program(loader: str = MUSL.interpreter, *, machine: int = 258, flags: int = 0x43) -> bytes:
    return make_elf(Elf(interpreter=loader, machine=machine, e_flags=flags))


def rootfs(
    place: Path,
    *extra: tarfile.TarInfo,
    loader: str = MUSL.interpreter,
    python: bytes | None = None,
    named: str = "usr/bin/python3.13",
    suffix: str = ".tar.gz",
) -> Path:
    """An archive of a root with one CPython; links are absolute, as distributions have them."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, data in (
            ("bin/busybox", program(loader)),
            (loader[1:], program(loader)),
            (named, program(loader) if python is None else python),
        ):
            info = tarfile.TarInfo(f"./{name}")
            info.size, info.mode = len(data), 0o4755
            archive.addfile(info, io.BytesIO(data))
        link = tarfile.TarInfo("./bin/sh")
        link.type, link.linkname = tarfile.SYMTYPE, "/bin/busybox"
        for info in (link, *extra):
            archive.addfile(info)
    data = stream.getvalue()
    path = place / f"rootfs{suffix}"
    packed = {".tar": data, ".tar.gz": gzip.compress(data), ".tar.zst": zstandard.compress(data)}
    path.write_bytes(packed[suffix])
    return path


def member(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


@pytest.mark.parametrize("suffix", [".tar", ".tar.gz", ".tar.zst"])
def test_a_root_is_what_its_python_asks_for(tmp_path: Path, suffix: str) -> None:
    store = Store(tmp_path / "store")
    row = import_root("alpine", rootfs(tmp_path, suffix=suffix), store=store)
    assert (row.architecture, row.libc, row.pythons) == ("loongarch64", "musl", ("cp313",))
    assert row.serves(MUSL)
    assert not row.serves(GLIBC)
    assert imported_roots(store) == (row,)
    tree = store.tree_path("root", row.id)
    assert tree is not None
    assert (tree / "bin/sh").readlink() == Path("busybox")  # in the tree, whoever looks
    assert (tree / "build").is_dir()
    assert (tree / "usr/bin/python3.13").stat().st_mode & 0o7777 == 0o755  # no set-uid


def test_a_glibc_root_serves_manylinux(tmp_path: Path) -> None:
    row = import_root("euler", rootfs(tmp_path, loader=GLIBC.interpreter), store=Store(tmp_path / "store"))
    assert row.serves(GLIBC)
    assert not row.serves(MUSL)


def test_a_name_given_again_is_the_new_archive_and_can_be_forgotten(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    import_root("mine", rootfs(tmp_path), store=store)
    row = import_root("mine", rootfs(tmp_path, loader=GLIBC.interpreter), store=store)
    assert imported_roots(store) == (row,)
    forget_root("mine", store=store)
    assert imported_roots(store) == ()
    with pytest.raises(NotFoundError, match="'mine'"):
        forget_root("mine", store=store)


@pytest.mark.parametrize(
    ("extra", "why"),
    [
        (member("dev/null", tarfile.CHRTYPE), "neither file, directory nor link"),
        (member("dev/sda", tarfile.BLKTYPE), "neither file, directory nor link"),
        (member("run/pipe", tarfile.FIFOTYPE), "neither file, directory nor link"),
        (member("../outside", tarfile.REGTYPE), "leads out"),
        (member("/etc/shadow", tarfile.REGTYPE), "leads out"),
        (member("etc/out", tarfile.SYMTYPE, "../../outside"), "outside"),
        (member("etc/out", tarfile.SYMTYPE, "/../../outside"), "outside"),
        (member("etc/hard", tarfile.LNKTYPE, "../../../etc/passwd"), "leads out"),
        (member("etc/hard", tarfile.LNKTYPE, "/etc/passwd"), "leads out"),
    ],
)
def test_hostile_archives_are_refused_and_leave_nothing(
    tmp_path: Path, extra: tarfile.TarInfo, why: str
) -> None:
    store = Store(tmp_path / "store")
    with pytest.raises(IntegrityError, match=why) as caught:
        import_root("evil", rootfs(tmp_path, extra), store=store)
    assert caught.value.hint
    assert str(tmp_path) not in str(caught.value)  # members have the names that the archive gives them
    assert imported_roots(store) == ()
    assert not (tmp_path / "outside").exists()


@pytest.mark.parametrize(
    ("python", "why"),
    [
        (program("/lib64/ld-linux-x86-64.so.2", machine=62, flags=0), "not for loongarch64"),
        (program("/lib64/ld.so.1"), "old world"),
        (program(flags=0x3), "old world"),
        (program("/lib/ld-other.so.1"), "no platform tag has"),
        (b"#!/bin/sh\n", "is not a program"),
    ],
)
def test_other_machines_and_the_old_world_are_refused(tmp_path: Path, python: bytes, why: str) -> None:
    store = Store(tmp_path / "store")
    with pytest.raises(InputError, match=why):
        import_root("other", rootfs(tmp_path, python=python), store=store)
    assert imported_roots(store) == ()


def test_a_root_without_a_python_says_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no CPython that wheels are built for") as caught:
        import_root("bare", rootfs(tmp_path, named="usr/bin/perl"), store=Store(tmp_path / "store"))
    assert "/usr/bin/python3.13" in str(caught.value.hint)


def test_what_is_no_root_filesystem_at_all(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    with pytest.raises(NotFoundError, match="no such file"):
        import_root("x", tmp_path / "absent.tar", store=store)
    (tmp_path / "x.zip").write_bytes(b"PK")
    with pytest.raises(InputError, match="not named as a tar"):
        import_root("x", tmp_path / "x.zip", store=store)
    (tmp_path / "cut.tar.gz").write_bytes(rootfs(tmp_path).read_bytes()[:200])
    with pytest.raises(IntegrityError, match="damaged or truncated"):
        import_root("x", tmp_path / "cut.tar.gz", store=store)
    with tarfile.open(tmp_path / "empty.tar", "w"):
        pass
    with pytest.raises(InputError, match="no root filesystem"):
        import_root("x", tmp_path / "empty.tar", store=store)


@pytest.mark.parametrize("name", ["", "Alpine", "../up", "a b", "floor-2_36-loong64"])
def test_names_that_cannot_be(name: str) -> None:
    with pytest.raises(InputError):
        check_name(name, taken=("floor-2_36-loong64",))
