"""The auditor about musllinux: the library's name, wheels of the other libc, symbols of a later musl."""

from dataclasses import replace
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


# syscall; addi.d of $tp - 168 and of $tp + 8; a jump
KERNEL, BELOW, ABOVE, OFF = 0x002B0000, 0x02FD6040, 0x02C02044, 0x4C000020
NOP = 0x03400000
STATIC = Elf(needed=(), undefined=(Undefined(name="PyModule_Create2"),))


def code(*words: int) -> Elf:
    return replace(STATIC, code=(("f", words),))


@pytest.mark.parametrize(
    "elf",
    [
        replace(STATIC, code=(("__syscall_ret", (NOP, OFF)),)),  # in .symtab, where hidden names stay
        replace(STATIC, code=(("example__stdio_write", (NOP,)), ("__stdio_write", (NOP,)))),
        replace(STATIC, exported=("PyInit_x", "__libc_message")),
        replace(musl(), exported=("PyInit_x", "__stdio_write")),  # and asks for the system's as well
        code(KERNEL, BELOW),  # stripped
        code(NOP, 0x28FFE044, KERNEL + 1),  # ld.d $a0, $tp, -8
        code(0x24FF0044, KERNEL),  # ldptr.w
        replace(STATIC, file_type=2),  # a program under an extension's name
    ],
)
def test_an_extension_does_not_carry_a_libc(tmp_path: Path, elf: Elf) -> None:
    assert "ML049" in rules(tmp_path, elf)
    rules(tmp_path, elf, name=GLIBC_NAME, extension=EXTENSION.replace("musl", "gnu"))
    verdict = judge(read_facts(tmp_path / GLIBC_NAME), target("manylinux_2_36"))
    assert "ML049" in [one.rule for one in verdict.at_least("error")]


@pytest.mark.parametrize(
    "elf",
    [
        STATIC,  # asks nothing of a libc, and has nothing of one
        replace(STATIC, code=(("example__stdio_write", (NOP,)),)),
        code(KERNEL, ABOVE),  # calls the kernel itself, and has thread-local variables
        code(BELOW),
        code(OFF, KERNEL, OFF, BELOW),  # a jump table that looks so
        replace(musl(), code=(("f", (KERNEL, BELOW)),)),
        replace(STATIC, interpreter="/lib/ld-musl-loongarch64.so.1"),
    ],
)
def test_a_library_that_needs_no_libc_is_no_static_one(tmp_path: Path, elf: Elf) -> None:
    assert "ML049" not in rules(tmp_path, elf)


def test_static_programs_are_not_libraries(tmp_path: Path) -> None:
    program = replace(code(KERNEL, BELOW), program=True)
    assert "ML049" not in rules(tmp_path, program, extension="example/bin/tool")
    assert "ML049" in rules(tmp_path, program)
