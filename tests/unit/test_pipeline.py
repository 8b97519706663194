"""Planning jobs, and what a record comes to."""

from dataclasses import replace
from pathlib import Path

import pytest

from manyloong.audit import Verdict
from manyloong.errors import IntegrityError
from manyloong.jobs import plan_jobs
from manyloong.record import BuildRecord, SourceRecord, WheelRecord, format_record, parse_record, record_path
from manyloong.targets import all_pythons, target
from manyloong.wheels.job import Options
from manyloong.wheels.source import Source
from manyloong.wheels.test import TestOutcome, TestReport

TARGET = target("manylinux_2_36_loongarch64")
SOURCE = Source(
    kind="index",
    location="demo==1.0",
    name="demo",
    version="1.0",
    sha256="a" * 64,
    path=Path("/nowhere"),
    requires_python=">=3.9",
)
RECORD = BuildRecord(
    manyloong="0",
    job="b" * 64,
    identifier="cp313-manylinux_loongarch64",
    platform=TARGET.tag,
    lane="cross",
    host="x86_64",
    source=SourceRecord(kind="index", location="demo==1.0", name="demo", version="1.0", sha256="a" * 64),
    kit={"native-amd64": "c" * 64},
    lock_drift=(),
    requirements=("setuptools",),
    build_environment=(
        WheelRecord(filename="setuptools-80-py3-none-any.whl", sha256="d" * 64, size_bytes=1),
    ),
    variables={"CC": "cc"},
    commands=("env -i python",),
    dropped_flags=(),
    translated_flags=(),
    grafted=(),
    stages=(),
    warnings=(),
    accepted=True,
    verdict=Verdict(path="demo.whl", target=TARGET.tag, findings=()),
    tests=(),
    wheel=WheelRecord(filename="demo-1.0-cp313-cp313-manylinux_2_36_loongarch64.whl", sha256="e" * 64),
)


def report(outcome: TestOutcome, cpu: str = "la464") -> TestReport:
    return TestReport(
        python="3.13.1",
        root="target-loong64",
        root_id="f" * 64,
        libc="glibc 2.43",
        cpu=cpu,
        outcome=outcome,
        imported=1,
        problems=(),
        unavailable=(),
        command=None,
        command_output="",
        seconds=1.0,
    )


def test_one_job_for_each_python() -> None:
    jobs = plan_jobs(replace(SOURCE, one_wheel_a_python=True), None, TARGET, options=Options(), kit={})
    assert [job.identifier.python for job in jobs] == list(all_pythons())
    assert not any(job.siblings for job in jobs)


def test_where_one_wheel_may_serve_all_the_first_job_knows_the_others() -> None:
    jobs = plan_jobs(SOURCE, all_pythons()[:2], TARGET, options=Options(), kit={})
    assert [python.tag for python in jobs[0].siblings] == ["cp314"]
    assert len(jobs) == 2
    assert jobs[0].id != jobs[1].id


@pytest.mark.parametrize(
    ("outcomes", "tested", "shippable"),
    [
        ((), "not tested", True),
        (("passed", "passed"), "passed", True),
        (("passed", "failed"), "failed", False),
        (("dependency not available", "passed"), "dependency not available", True),
    ],
)
def test_what_the_tests_come_to(outcomes: tuple[TestOutcome, ...], tested: str, *, shippable: bool) -> None:
    record = replace(RECORD, tests=tuple(report(outcome) for outcome in outcomes))
    assert record.tested == tested
    assert record.shippable is shippable
    assert not replace(record, accepted=False).shippable


def test_a_record_comes_back_as_it_was_written() -> None:
    record = replace(RECORD, tests=(report("passed"),))
    data = format_record(record)
    assert parse_record(data, where="here") == record
    assert format_record(parse_record(data, where="here")) == data
    assert record_path(Path("/w/demo.whl")) == Path("/w/demo.whl.record.json")


@pytest.mark.parametrize("data", [b"", b"{}", b"[1]", b'{"schema": "x"}', b"\xff"])
def test_what_is_no_record_is_refused(data: bytes) -> None:
    with pytest.raises(IntegrityError, match="here is no build record"):
        parse_record(data, where="here")
