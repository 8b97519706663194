"""What every test may rely on. A missing tool skips on a laptop and fails where REQUIRE_TOOLS is set."""

import os
from collections.abc import Generator

import pytest

collect_ignore_glob = ["*/projects/*", "*/hooked/*"]  # packages that tests build, with tests of their own


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A skip is a failure where every tool must be there."""
    report = yield
    if report.skipped and os.environ.get("REQUIRE_TOOLS") and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped although REQUIRE_TOOLS is set: {report.longrepr}"
    return report


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Fast tests first, whole builds last."""
    order = {"unit": 0, "corpus": 1, "tools": 2, "repro": 3, "system": 4}
    items.sort(key=lambda item: order.get(item.path.parent.name, order.get(item.path.parent.parent.name, 0)))
