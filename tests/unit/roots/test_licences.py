"""Licences of packages: what copyright files say, and that they decide nothing."""

from pathlib import Path

import pytest
from tests.tools.debs import make_deb
from tests.unit.roots.test_locks import SPEC, lock_of

from manyloong.errors import IntegrityError
from manyloong.roots.licences import UNNAMED, licences_of, read_licences, with_licences
from manyloong.roots.lock import committed_lock, root_id
from manyloong.roots.model import LockedPackage
from manyloong.roots.renew import locked_roots

DEP5 = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\n"


@pytest.mark.parametrize(
    ("text", "licences"),
    [
        (DEP5 + "Files: *\nLicense: GPL-2+\n text\n\nFiles: a\nLicense: A or MIT\n", "A or MIT, GPL-2+"),
        (DEP5 + "Files: *\nLicense: Odd'name\\, 1\n", "Odd name 1"),
        ("See /usr/share/common-licenses/LGPL-2.1, or /usr/share/common-licenses/GPL-3.", "GPL-3, LGPL-2.1"),
        ("You may use this.\nLicense: mine\n", UNNAMED),
        ("", UNNAMED),
    ],
)  # fmt: skip
def test_what_a_copyright_file_names(text: str, licences: str) -> None:
    assert licences_of(text) == licences


def deb(folder: Path, name: str, files: dict[str, str]) -> Path:
    path = folder / f"{name}.deb"
    path.write_bytes(make_deb(files))
    return path


def test_a_link_leads_to_the_documents_of_another_package(tmp_path: Path) -> None:
    paths = {
        "lib": deb(tmp_path, "lib", {"usr/share/doc/lib/copyright": DEP5 + "License: MIT\n"}),
        "file": deb(tmp_path, "file", {"usr/share/doc/file/copyright": "-> ../lib/copyright"}),
        "folder": deb(tmp_path, "folder", {"usr/share/doc/folder": "-> lib"}),
        "circle": deb(tmp_path, "circle", {"usr/share/doc/circle": "-> circle"}),
        "away": deb(tmp_path, "away", {"usr/share/doc/away": "-> ../../../etc"}),
    }
    found = read_licences(paths, paths)
    assert found == {"lib": "MIT", "file": "MIT", "folder": "MIT", "circle": UNNAMED, "away": UNNAMED}


def test_a_damaged_package_is_named(tmp_path: Path) -> None:
    path = deb(tmp_path, "lib", {"usr/share/doc/lib/copyright": "x" * 3000})
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(IntegrityError, match=r"lib\.deb"):
        read_licences({"lib": path}, {"lib": path})


def locked(name: str, sha256: str, licence: str = "") -> LockedPackage:
    return LockedPackage(name=name, version="1", path="pool/x.deb", sha256=sha256, size=1, licence=licence)


def test_what_the_old_lock_knows_is_not_read_again(tmp_path: Path) -> None:
    old = lock_of([locked("kept", "a" * 64, "MIT"), locked("moved", "b" * 64, "MIT")])
    new = lock_of([locked("kept", "a" * 64), locked("moved", "c" * 64)])
    path = deb(tmp_path, "moved", {"usr/share/doc/moved/copyright": DEP5 + "License: ISC\n"})
    assert [one.licence for one in with_licences(new, old, {"moved": path}).packages] == ["MIT", "ISC"]
    assert [one.licence for one in with_licences(new, old, {}).packages] == ["MIT", ""]


def test_a_licence_decides_nothing() -> None:
    bare, said = (lock_of([locked("a", "a" * 64, licence)]) for licence in ("", "MIT"))
    assert root_id(bare, SPEC) == root_id(said, SPEC)


@pytest.mark.parametrize("name", locked_roots())
def test_every_lock_says_the_licence_of_every_package(name: str) -> None:
    assert [one.name for one in committed_lock(name).packages if not one.licence] == []
