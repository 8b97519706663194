"""A first walk through the judge: a good wheel, and the faults that matter most."""

from pathlib import Path

import pytest

from manyloong.audit import Facts, WheelFacts, judge, read_facts
from manyloong.corpus import Elf, Undefined, Wheel, make_elf, make_wheel
from manyloong.targets import judged_target

EXTENSION = "example/_x.cpython-313-loongarch64-linux-gnu.so"
NAME = "example-1.0-cp313-cp313-manylinux_2_36_loongarch64.whl"
TARGET = judged_target("manylinux_2_36_loongarch64")


def facts_of(folder: Path, data: bytes, name: str = NAME) -> Facts:
    path = folder / name
    path.write_bytes(data)
    return read_facts(path)


def rules_of(folder: Path, elf: Elf, name: str = NAME) -> list[str]:
    data = make_wheel(Wheel(name=name, files=((EXTENSION, make_elf(elf)),)))
    return [one.rule for one in judge(facts_of(folder, data, name), TARGET).findings]


def test_good_wheel_is_accepted(tmp_path: Path) -> None:
    data = make_wheel(Wheel(files=((EXTENSION, make_elf(Elf())),)))
    facts = facts_of(tmp_path, data)
    assert isinstance(facts, WheelFacts)
    assert (facts.distribution, facts.version, len(facts.elves)) == ("example", "1.0", 1)
    verdict = judge(facts, TARGET)
    assert verdict.findings == ()
    assert verdict.accepted


@pytest.mark.parametrize(
    ("elf", "rule"),
    [
        (Elf(machine=62), "ML001"),
        (Elf(e_flags=0x41), "ML003"),
        (Elf(e_flags=0x03), "ML003"),
        (Elf(undefined=(Undefined(name="f", version="GLIBC_2.27", library="libc.so.6"),)), "ML010"),
        (Elf(interpreter="/lib64/ld.so.1"), "ML011"),
        (Elf(needed=("libc.so.6", "libxml2.so.2")), "ML043"),
        (Elf(undefined=(Undefined(name="f", version="GLIBC_2.38", library="libc.so.6"),)), "ML040"),
        (Elf(align=0x1000), "ML060"),
    ],
)
def test_one_fault_gives_one_finding(tmp_path: Path, elf: Elf, rule: str) -> None:
    assert rules_of(tmp_path, elf) == [rule]


@pytest.mark.parametrize("minor", [17, 28, 35])
def test_floor_below_the_architecture_is_refused(tmp_path: Path, minor: int) -> None:
    name = f"example-1.0-cp313-cp313-manylinux_2_{minor}_loongarch64.whl"
    assert rules_of(tmp_path, Elf(), name) == ["ML020"]


def test_record_that_does_not_match_is_refused(tmp_path: Path) -> None:
    record = f"{EXTENSION},sha256=AAAA,1\nexample-1.0.dist-info/RECORD,,\n"
    data = make_wheel(Wheel(files=((EXTENSION, make_elf(Elf())),), record=record))
    verdict = judge(facts_of(tmp_path, data), TARGET)
    assert {"ML080", "ML081"} == {one.rule for one in verdict.findings}
    assert not verdict.accepted


def test_wheel_of_another_architecture_gets_one_finding(tmp_path: Path) -> None:
    assert rules_of(tmp_path, Elf(machine=62), NAME.replace("loongarch64", "x86_64")) == ["ML025"]
