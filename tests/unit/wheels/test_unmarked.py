"""A wheel for every machine with code of one is refused; code of other machines in it is data."""

import struct
import zipfile
from pathlib import Path

import pytest

from manyloong.errors import BuildError
from manyloong.targets import target
from manyloong.wheels.unmarked import check_pure

TARGET = target("manylinux_2_36")


def make_wheel(place: Path, machine: int) -> Path:
    path = place / "demo-1.0-py3-none-any.whl"
    header = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HH", 3, machine) + bytes(44)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("demo/__init__.py", "")
        archive.writestr("demo/_lib/libdemo.so", header)
    return path


def test_code_for_the_target_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"demo/_lib/libdemo\.so in it is code for loongarch64") as caught:
        check_pure(make_wheel(tmp_path, TARGET.architecture.elf_machine), TARGET, label="demo 1.0")
    assert caught.value.hint is not None
    assert "has_ext_modules" in caught.value.hint


def test_code_for_other_machines_is_data(tmp_path: Path) -> None:
    check_pure(make_wheel(tmp_path, 62), TARGET, label="demo 1.0")
