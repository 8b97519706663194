"""The auditor about musllinux: the library's name, wheels of the other libc, symbols of a later musl."""

from pathlib import Path

import pytest

from manyloong.audit import judge, read_facts
from manyloong.corpus import Elf, Undefined, Wheel, make_elf, make_wheel
from manyloong.targets import target

TARGET = target("musllinux_1_2")
EXTENSION = "example/_x.cpython-313-loongarch64-linux-musl.so"
NAME = "example-1.0-cp313-cp313-musllinux_1_2_loongarch64.whl"
GLIBC_NAME = NAME.replace("musllinux_1_2", "manylinux_2_36")
LIBC = "libc.musl-loongarch64.so.1"


def rules(folder: Path, elf: Elf, *, name: str = NAME, extension: str = EXTENSION) -> list[str]:
    path = folder / name
    path.write_bytes(make_wheel(Wheel(name=name, files=((extension, make_elf(elf)),))))
    return [one.rule for one in judge(read_facts(path), TARGET).findings]


def musl(*, needed: tuple[str, ...] = (LIBC,), uses: str = "malloc") -> Elf:
    return Elf(needed=needed, undefined=(Undefined(name=uses),))


def test_a_wheel_of_musl_is_accepted(tmp_path: Path) -> None:
    assert rules(tmp_path, musl()) == []
    assert rules(tmp_path, musl(needed=("libc.so",))) == []  # as musl calls itself without a distribution


@pytest.mark.parametrize(
    ("elf", "rule"),
    [
        (musl(needed=("libc.so.6",)), "ML044"),
        (musl(needed=("ld-linux-loongarch-lp64d.so.1", LIBC)), "ML044"),
        (musl(needed=("libc.musl-x86_64.so.1",)), "ML043"),
        (musl(needed=("libc.musl-loongarch64.so.2",)), "ML043"),
        (musl(needed=(LIBC, "libstdc++.so.6")), "ML043"),  # a musl system may have none
        (musl(uses="renameat2"), "ML046"),
        (musl(uses="__memcpy_chk"), "ML045"),
    ],
)
def test_what_musl_does_not_have_is_named(tmp_path: Path, elf: Elf, rule: str) -> None:
    assert rules(tmp_path, elf) == [rule]


def test_a_glibc_wheel_is_none_for_musl(tmp_path: Path) -> None:
    extension = EXTENSION.replace("musl", "gnu")
    assert "ML025" in rules(tmp_path, Elf(), name=GLIBC_NAME, extension=extension)
    renamed = rules(tmp_path, Elf(), extension=extension)  # and a new name does not help
    assert "ML044" in renamed
