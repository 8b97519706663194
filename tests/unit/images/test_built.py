"""CPythons from source in images: their build variables, and a C library beside the userland's."""

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from manyloong.errors import NotFoundError
from manyloong.roots.images.built import libc_members, moved
from manyloong.roots.images.parts import ImageParts, source_pythons
from manyloong.targets import distribution_target, known_pythons
from manyloong.targets import target as find_target
from manyloong.wheels.image_parts import image_pythons, image_root, image_target, image_targets

MUSL = find_target("musllinux_1_2")


def test_build_variables_name_the_new_prefix() -> None:
    variables: dict[str, str | int] = {
        "prefix": "/usr",
        "BINDIR": "/usr/bin",
        "DESTDIRS": "/usr /usr/lib /usr/lib/python3.11 /usr/lib/python3.11/lib-dynload",
        "INSTALL": "/usr/bin/install -c",
        "TZPATH": "/usr/share/zoneinfo:/usr/lib/zoneinfo",
        "CC": "cc",
        "HAVE_X": 1,
    }
    home = "/opt/_internal/cpython-3.11.2"
    assert moved(variables, "python3.11", home) == {
        "prefix": home,
        "BINDIR": f"{home}/bin",
        "DESTDIRS": f"{home} {home}/lib {home}/lib/python3.11 {home}/lib/python3.11/lib-dynload",
        "INSTALL": "/usr/bin/install -c",
        "TZPATH": "/usr/share/zoneinfo:/usr/lib/zoneinfo",
        "CC": "cc",
        "HAVE_X": 1,
    }


def test_another_libc_lies_beside_the_userlands(tmp_path: Path) -> None:
    """The loader is the C library; it has both names, and a list of folders that holds its own."""
    standard = tmp_path / "sysroot/usr/lib"
    ports = tmp_path / "ports/lib"
    for folder in (standard, ports):
        folder.mkdir(parents=True)
    soname = "libc.musl-loongarch64.so.1"
    for file in (standard / soname, standard / "libstdc++.so.6", standard / "libc.a", ports / "libz.so.1.3"):
        file.write_bytes(b"")
    (standard / "libc.so").symlink_to(soname)
    (ports / "libz.so.1").symlink_to("libz.so.1.3")
    (ports / "libz.so").symlink_to("libz.so.1")
    parts = SimpleNamespace(
        target=MUSL, libraries=(standard, ports), toolchain=SimpleNamespace(target=tmp_path)
    )
    found = libc_members(cast(ImageParts, parts))
    place = "usr/lib/loongarch64-linux-musl"
    assert set(found) == {
        "etc/ld-musl-loongarch64.path",
        "usr/lib/ld-musl-loongarch64.so.1",
        f"usr/lib/{soname}",
        f"{place}/libstdc++.so.6",
        f"{place}/libz.so.1",
        f"{place}/libz.so.1.3",
    }
    assert found[f"usr/lib/{soname}"].link == "ld-musl-loongarch64.so.1"
    assert found[f"{place}/libz.so.1"].link == "libz.so.1.3"
    assert (found["etc/ld-musl-loongarch64.path"].data or b"").decode().strip().split(":")[-1] == f"/{place}"
    assert found["usr/lib/ld-musl-loongarch64.so.1"].mode == 0o755
    parts.libraries = ()
    assert libc_members(cast(ImageParts, parts)) == {}


def test_images_and_the_interpreters_in_them() -> None:
    tags = [target.tag for target in image_targets()]
    assert "musllinux_1_2_loongarch64" in tags
    assert image_root(MUSL) == image_root(distribution_target(MUSL)) == "image-loong64"
    many = image_target("manylinux_2_36")
    assert [row.tag for row in image_pythons(many)] == ["cp311", "cp313", "cp313t", "cp314", "cp315"]
    assert [row.tag for row in image_pythons(MUSL)] == list(source_pythons("musllinux"))
    known = {python.tag for python in known_pythons()}
    assert {*source_pythons("manylinux"), *source_pythons("musllinux")} <= known


def test_an_unknown_image_names_those_that_there_are() -> None:
    with pytest.raises(NotFoundError) as caught:
        image_target("manylinux_2_99")
    assert "musllinux_1_2_loongarch64" in str(caught.value.hint)
