"""Which build requirements a package compiles against, and what of the target's copy goes where."""

import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from manyloong.errors import IntegrityError
from manyloong.wheels.overlay import lay_over, needs_target_copy, read_brought

EXTENSION = {"demo/_c.cpython-313-x86_64-linux-gnu.so": b"native"}
HEADER = b"#define MADE_BY_CONFIGURE 1\n"


def wheel(folder: Path, name: str, files: Mapping[str, bytes]) -> Path:
    path = folder / name
    with zipfile.ZipFile(path, "w") as archive:
        for member, data in files.items():
            archive.writestr(member, data)
    return path


@pytest.mark.parametrize(
    ("tag", "files", "needed"),
    [
        ("cp313-cp313-manylinux_2_28_x86_64", {**EXTENSION, "demo/include/d.h": HEADER}, True),
        ("cp313-cp313-manylinux_2_28_x86_64", {**EXTENSION, "demo/lib/libd.a": b"!<arch>\n"}, True),
        ("cp313-cp313-manylinux_2_28_x86_64", {**EXTENSION, "demo/d.pc": b"Name: d\n"}, True),
        ("py3-none-manylinux_2_28_x86_64", {"demo/lib/libd.so": b"", "demo/d.h": HEADER}, True),
        # nothing to compile against
        ("cp313-cp313-manylinux_2_28_x86_64", EXTENSION, False),
        # programs with their data: cmake, ninja, swig
        ("py3-none-manylinux_2_28_x86_64", {"demo/bin/cmake": b"", "demo/x.cmake": b"x"}, False),
        # the same for every machine
        ("py3-none-any", {"demo/include/d.h": HEADER}, False),
        ("cp313-cp313-manylinux_2_28_x86_64", {**EXTENSION, "demo-1.dist-info/d.h": HEADER}, False),
    ],
)
def test_what_is_compiled_against(tag: str, files: dict[str, bytes], *, needed: bool, tmp_path: Path) -> None:
    path = wheel(tmp_path, f"demo-1-{tag}.whl", files)
    assert needs_target_copy(path.name, read_brought(path), frozenset()) is needed


def test_a_header_that_is_in_the_sources_is_the_same_everywhere(tmp_path: Path) -> None:
    path = wheel(tmp_path, "demo-1-cp313-cp313-manylinux_2_28_x86_64.whl", {**EXTENSION, "demo/d.h": HEADER})
    sources = frozenset({hashlib.sha256(HEADER).hexdigest()})
    assert not needs_target_copy(path.name, read_brought(path), sources)


def test_what_is_no_wheel(tmp_path: Path) -> None:
    (tmp_path / "demo.whl").write_bytes(b"no")
    with pytest.raises(IntegrityError, match="cannot be read as a wheel"):
        read_brought(tmp_path / "demo.whl")


def test_compilers_files_are_the_targets_and_what_is_imported_stays_native(tmp_path: Path) -> None:
    site = tmp_path / "lib" / "python3.13" / "site-packages"
    (site / "demo" / "lib").mkdir(parents=True)
    for name in ("demo/__init__.py", "demo/lib/d.h", "demo/lib/libd.a", "demo/lib/libd.so"):
        (site / name).write_text("native")
    copy = wheel(
        tmp_path, "demo-1-cp313-cp313-manylinux_2_36_loongarch64.whl",
        {
            "demo/__init__.py": b"target", "demo/lib/d.h": b"target", "demo/lib/libd.a": b"target",
            "demo/lib/libd.so": b"target", "demo/lib/libe.so.2": b"target", "demo.libs/libz-1.so": b"target",
            "demo/_c.cpython-313-loongarch64-linux-gnu.so": b"target", "demo-1.dist-info/x.h": b"target",
            "demo-1.data/data/share/d.pc": b"target", "demo-1.data/headers/d.h": b"target",
            "demo-1.data/scripts/d.h": b"target", "../out.h": b"target", "/abs.h": b"target",
        },
    )  # fmt: skip
    lay_over([copy], tmp_path / "env", site)
    laid = {
        str(p.relative_to(tmp_path))
        for p in tmp_path.rglob("*")
        if p.is_file() and p.read_bytes() == b"target"
    }
    base = "lib/python3.13/site-packages/demo/lib"
    assert laid == {
        f"{base}/d.h", f"{base}/libd.a", f"{base}/libe.so.2",
        "env/share/d.pc", "env/include/site/python3.13/demo/d.h",
    }  # fmt: skip


def test_a_library_without_extension_modules_is_there_to_be_linked(tmp_path: Path) -> None:
    site = tmp_path / "site"
    (site / "demo").mkdir(parents=True)
    (site / "demo" / "libd.so").write_text("native")
    lay_over([wheel(tmp_path, "d-1-py3-none-x.whl", {"demo/libd.so": b"target"})], tmp_path, site)
    assert (site / "demo" / "libd.so").read_bytes() == b"target"
