"""`manyloong audit --record`: what the record beside a wheel says of dispatched code, and for which file."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.test_pipeline import RECORD, report
from typer.testing import CliRunner

from manyloong.audit import Dispatch
from manyloong.cli import app as application
from manyloong.cli.audit_record import with_record
from manyloong.corpus import Elf, Wheel, make_elf, make_wheel
from manyloong.errors import IntegrityError, NotFoundError, VerdictError
from manyloong.record import RecipeRecord, WheelRecord, format_record, record_path

NAME = "example-1.0-cp313-cp313-manylinux_2_36_loongarch64.whl"
EXTENSION = "example/_x.cpython-313-loongarch64-linux-gnu.so"
BASELINE, FULL = "la464,lasx=off", "la464"

RECIPE = RecipeRecord(
    sha256="0" * 64, origins=("own.toml",), ports=(), dispatched=("*_lasx",), skips=(), patches=()
)


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    path = tmp_path / NAME
    elf = make_elf(Elf(code=(("add_lasx", (0x740A0000,)),)))
    path.write_bytes(make_wheel(Wheel(name=NAME, files=((EXTENSION, elf),))))
    return path


def write(wheel: Path, *, passed: tuple[str, ...], failed: tuple[str, ...] = (), sha256: str = "") -> None:
    reports = [report("passed", cpu) for cpu in passed] + [report("failed", cpu) for cpu in failed]
    found = sha256 or hashlib.sha256(wheel.read_bytes()).hexdigest()
    record = replace(
        RECORD,
        recipe=RecipeRecord(
            sha256="0" * 64, origins=("own.toml",), ports=(), dispatched=("*_lasx",), skips=(), patches=()
        ),
        tests=tuple(reports),
        wheel=WheelRecord(filename=wheel.name, sha256=found),
    )
    record_path(wheel).write_bytes(format_record(record))


@pytest.mark.parametrize(
    ("passed", "failed", "code"),
    [
        ((BASELINE, FULL), (), 0),
        ((FULL,), (), VerdictError.exit_code),
        ((FULL,), (BASELINE,), VerdictError.exit_code),
        ((BASELINE,), (BASELINE,), VerdictError.exit_code),  # two Pythons, one of which failed
        ((), (), VerdictError.exit_code),
    ],
)
def test_the_record_permits_what_ran_without(
    wheel: Path, passed: tuple[str, ...], failed: tuple[str, ...], code: int
) -> None:
    write(wheel, passed=passed, failed=failed)
    assert CliRunner().invoke(application.app, ["audit", "--record", str(wheel)]).exit_code == code
    assert (
        CliRunner().invoke(application.app, ["audit", str(wheel)]).exit_code == VerdictError.exit_code
    )  # a record that nobody asked for permits nothing


def test_what_is_given_by_hand_stays(wheel: Path) -> None:
    write(wheel, passed=(BASELINE,))
    both = with_record(Dispatch(functions=("mine",), ran_on=("other",)), wheel)
    assert both == Dispatch(functions=("mine", "*_lasx"), ran_on=("other", BASELINE))


def test_records_that_do_not_count(wheel: Path) -> None:
    with pytest.raises(NotFoundError, match="no build record"):
        with_record(Dispatch(), wheel)
    write(wheel, passed=(BASELINE,), sha256="0" * 64)
    with pytest.raises(IntegrityError, match="of another wheel"):
        with_record(Dispatch(), wheel)
    record_path(wheel).write_bytes(b"{}")
    with pytest.raises(IntegrityError, match="no build record"):
        with_record(Dispatch(), wheel)


def test_an_input_without_a_record_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    assert CliRunner().invoke(application.app, ["audit", "--record", str(tmp_path / "folder")]).exit_code != 0
