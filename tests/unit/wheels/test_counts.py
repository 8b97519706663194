"""What a test command's output says of its tests."""

import json
from types import SimpleNamespace

import pytest

from manyloong.wheels.counts import SkipCount, TestCounts, plugin_counts, read_counts, unittest_counts
from manyloong.wheels.payload import count_tests


def lines(*entries: tuple[str, str, str]) -> str:
    return "".join(
        json.dumps(dict(zip(("test", "outcome", "reason"), one, strict=True))) + "\n" for one in entries
    )


def test_each_test_counts_once_by_its_gravest_phase() -> None:
    text = lines(
        ("a", "passed", ""), ("b", "passed", ""), ("b", "error", ""), ("c", "skipped", "no web"),
        ("d", "skipped", "no web"), ("e", "skipped", "slow"), ("f", "failed", ""), ("g", "xfailed", ""),
    )  # fmt: skip
    counts = plugin_counts(text + '{"test": "cut')
    assert counts == TestCounts(
        passed=1, failed=1, errors=1, skipped=3, xfailed=1,
        skips=(SkipCount(reason="no web", count=2), SkipCount(reason="slow", count=1)),
    )  # fmt: skip
    assert counts.total == 7


def test_unittest_says_it_in_words() -> None:
    text = (
        "test_a (t.T.test_a) ... skipped 'no web'\n----\nRan 5 tests in 0.001s\n\n"
        "FAILED (failures=1, errors=1, skipped=1)\nRan 3 tests in 0.1s\n\nOK\n"
    )
    assert unittest_counts(text) == TestCounts(
        passed=5, failed=1, errors=1, skipped=1, skips=(SkipCount(reason="no web", count=1),)
    )


def test_where_nobody_counts_nothing_is_claimed() -> None:
    assert read_counts("", "all good\n") is None


@pytest.mark.parametrize(
    ("pattern", "node", "named"),
    [
        ("tests/a.py::test_x", "tests/a.py::test_x", True),
        ("a.py::test_x", "tests/a.py::test_x", True),
        ("a.py::test_x", "tests/ba.py::test_x", False),
        ("a.py", "tests/a.py::T::test_x[1]", True),
        ("*::test_x", "a.py::T::test_x[1-b]", True),
        ("*::test_x[1]", "a.py::test_x[1]", True),
        ("*::test_x[1]", "a.py::test_x1", False),
        ("*::test_x", "a.py::test_xy", False),
    ],
)
def test_a_skip_names_tests(pattern: str, node: str, *, named: bool) -> None:
    assert count_tests.names(pattern, node) is named


@pytest.mark.parametrize(
    ("when", "what", "expected"),
    [
        ("setup", "passed", None),
        ("call", "passed", "passed"),
        ("call", "failed", "failed"),
        ("setup", "failed", "error"),
        ("teardown", "failed", "error"),
        ("setup", "skipped", "skipped"),
    ],
)
def test_phases(when: str, what: str, expected: str | None) -> None:
    report = SimpleNamespace(when=when, skipped=what == "skipped", failed=what == "failed")
    assert count_tests.outcome(report) == expected


def test_an_expected_failure_is_no_skip() -> None:
    report = SimpleNamespace(when="call", skipped=True, failed=False, wasxfail="known")
    assert count_tests.outcome(report) == "xfailed"


def test_a_test_without_its_file_is_given_it() -> None:
    location = ("../../opt/env/numpy/tests/test_a.py", 3, "T.test_x")
    report = SimpleNamespace(nodeid="::T::test_x", location=location)
    assert count_tests.full_name(report) == "opt/env/numpy/tests/test_a.py::T::test_x"
    assert count_tests.full_name(SimpleNamespace(nodeid="a.py::test_x", location=location)) == "a.py::test_x"


def test_the_cause_of_a_skip() -> None:
    assert count_tests.reason(SimpleNamespace(longrepr=("a.py", 3, "Skipped: no web"))) == "no web"
