"""LASX and v1.1 code is permitted by a recipe and a test report together, never by one of them."""

from pathlib import Path

import pytest

from manyloong.audit import Dispatch, Verdict, judge, read_facts
from manyloong.corpus import Elf, Wheel, make_elf, make_wheel
from manyloong.targets import judged_target

NAME = "example-1.0-cp313-cp313-manylinux_2_36_loongarch64.whl"
EXTENSION = "example/_x.cpython-313-loongarch64-linux-gnu.so"
TARGET = judged_target("manylinux_2_36")
BASELINE, FULL = TARGET.architecture.qemu.cpu_baseline, TARGET.architecture.qemu.cpu_full
LASX, V1_1, LBT = 0x740A0000, 0x38578000, 0x2E000000


def verdict(folder: Path, dispatch: Dispatch, *code: tuple[str, tuple[int, ...]]) -> Verdict:
    path = folder / NAME
    path.write_bytes(make_wheel(Wheel(name=NAME, files=((EXTENSION, make_elf(Elf(code=code))),))))
    return judge(read_facts(path), TARGET, dispatch=dispatch)


@pytest.mark.parametrize(("word", "rule"), [(LASX, "ML070"), (V1_1, "ML071")])
@pytest.mark.parametrize(
    ("functions", "ran_on", "missing"),
    [
        (("add_fast",), (BASELINE, FULL), None),
        (("*_fast",), (BASELINE,), None),
        ((), (BASELINE,), "no recipe names them as dispatched"),
        (("other",), (BASELINE,), "no recipe names them as dispatched"),
        (("add_fast",), (), f"no test report shows a run on {BASELINE}"),
        (("add_fast",), (FULL,), f"no test report shows a run on {BASELINE}"),
    ],
)
def test_both_are_needed(
    tmp_path: Path,
    word: int,
    rule: str,
    functions: tuple[str, ...],
    ran_on: tuple[str, ...],
    missing: str | None,
) -> None:
    found = verdict(tmp_path, Dispatch(functions=functions, ran_on=ran_on), ("add_fast", (word,))).findings
    assert [one.rule for one in found] == ([rule] if missing else [])
    assert all(str(missing) in one.message and "add_fast" in one.message for one in found)


def test_each_reason_is_told_apart(tmp_path: Path) -> None:
    code = (("named", (LASX,)), ("unnamed", (LASX, LASX)), ("", (LASX,)))
    found = verdict(tmp_path, Dispatch(functions=("named",)), *code).findings
    assert [(one.rule, one.evidence[0].symbol) for one in found] == [
        ("ML070", "unnamed"),
        ("ML070", ".text+0xc"),
        ("ML070", "named"),
    ]
    assert "no function symbol covers them" in found[1].message


def test_nothing_permits_what_is_never_dispatched(tmp_path: Path) -> None:
    everything = Dispatch(functions=("*",), ran_on=(BASELINE, FULL))
    found = verdict(tmp_path, everything, ("translate", (LBT,))).findings
    assert [one.rule for one in found] == ["ML072"]
