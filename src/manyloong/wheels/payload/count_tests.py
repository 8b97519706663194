"""A pytest plugin: skips what a recipe names, and says how each test ended, one JSON object a line.

Installed as ``_manyloong_tests.py`` in a test environment and loaded through PYTEST_PLUGINS, so that it holds
for any command that ends in pytest. Files are named by MANYLOONG_TEST_RESULTS and MANYLOONG_TEST_SKIPS. Only
the outermost session counts: neither workers of pytest-xdist nor sessions that tests start.
"""

from __future__ import annotations

import json
import os
from fnmatch import fnmatchcase

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

RESULTS, SKIPS, COUNTING = "MANYLOONG_TEST_RESULTS", "MANYLOONG_TEST_SKIPS", "MANYLOONG_TEST_COUNTING"
_state = {"counts": False}


def pytest_configure(config: Any) -> None:
    """Count in this process only if no process above it does."""
    worker = hasattr(config, "workerinput")
    if not worker and RESULTS in os.environ and COUNTING not in os.environ:
        os.environ[COUNTING] = str(os.getpid())
        _state["counts"] = True


def pytest_unconfigure(config: Any) -> None:
    """The session that counted ends."""
    if os.environ.get(COUNTING) == str(os.getpid()) and not hasattr(config, "workerinput"):
        del os.environ[COUNTING]
        _state["counts"] = False


def full_name(node: Any) -> str:
    """A node id that is of one test only: under ``--pyargs`` pytest may leave the file out of it."""
    if node.nodeid.startswith("::") and getattr(node, "location", None):
        return str(node.location[0]).lstrip("./") + str(node.nodeid)
    return str(node.nodeid)


def names(pattern: str, node: str) -> bool:
    """Whether a skip's pattern names a test: its node id, the end of it, or all below a file or class."""
    pattern = pattern.replace("[", "[[]")
    return any(
        fnmatchcase(node, start + pattern + end) for start in ("", "*/") for end in ("", "::*", "[[]*")
    )


def pytest_collection_modifyitems(items: list[Any]) -> None:
    """Mark the tests that the recipe skips."""
    import pytest

    path = os.environ.get(SKIPS)
    if not path or not os.path.isfile(path):
        return
    with open(path, encoding="utf-8") as file:
        skips = json.load(file)
    for item in items:
        for skip in skips:
            if names(skip["test"], full_name(item)):
                item.add_marker(pytest.mark.skip(reason=skip["reason"]))
                break


def outcome(report: Any) -> str | None:
    """How a finished phase decides its test; None for one that does not."""
    if report.skipped:
        return "xfailed" if hasattr(report, "wasxfail") else "skipped"
    if report.failed:
        return "failed" if report.when == "call" else "error"
    if report.when != "call" or hasattr(report, "context"):  # a subtest's success is part of its test's
        return None
    return "passed"


def reason(report: Any) -> str:
    """Why a test was skipped."""
    longrepr = getattr(report, "longrepr", None)
    text = longrepr[2] if isinstance(longrepr, tuple) else str(longrepr or "")
    return text.removeprefix("Skipped: ")


def _say(test: str, how: str, why: str = "") -> None:
    with open(os.environ[RESULTS], "a", encoding="utf-8") as results:
        results.write(json.dumps({"test": test, "outcome": how, "reason": why}) + "\n")


def pytest_runtest_logreport(report: Any) -> None:
    """A phase of a test ended."""
    how = outcome(report) if _state["counts"] else None
    if how:
        _say(full_name(report), how, reason(report) if how == "skipped" else "")


def pytest_collectreport(report: Any) -> None:
    """A module that cannot be collected is an error, one that skips itself a skip."""
    if _state["counts"] and (report.failed or report.skipped):
        _say(report.nodeid, "error" if report.failed else "skipped", reason(report) if report.skipped else "")
