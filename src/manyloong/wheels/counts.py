"""How many tests a test command ran and what became of them: from our pytest plugin, else from its output."""

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

_RAN = re.compile(r"^Ran (\d+) tests? in ", re.MULTILINE)
_ENDED = re.compile(r"^(?:OK|FAILED)(?: \((.*)\))?$", re.MULTILINE)
_NUMBER = re.compile(r"(failures|errors|skipped|expected failures|unexpected successes)=(\d+)")
_SKIPPED = re.compile(r"\.\.\. skipped (['\"])(.*)\1$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class SkipCount:
    """A cause, and how many tests were skipped for it."""

    reason: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TestCounts:
    """What became of a command's tests; ``xfailed`` ones failed as their project expects."""

    __test__ = False  # not a pytest class

    passed: int
    failed: int = 0
    errors: int = 0
    skipped: int = 0
    xfailed: int = 0
    skips: tuple[SkipCount, ...] = ()  # most frequent first

    @property
    def total(self) -> int:
        """All of them."""
        return self.passed + self.failed + self.errors + self.skipped + self.xfailed


def read_counts(results: str, output: str) -> TestCounts | None:
    """The counts of a command: the plugin's, else those unittest printed; None where neither speaks."""
    return plugin_counts(results) or unittest_counts(output)


def plugin_counts(results: str) -> TestCounts | None:
    """The counts of all pytest sessions of a command; each test counts once, by its gravest phase."""
    order = ("passed", "xfailed", "skipped", "failed", "error")
    worst: dict[str, tuple[str, str]] = {}
    for line in results.splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue  # the last line of a session that was killed
        before = worst.get(entry["test"], ("passed", ""))
        now = (entry["outcome"], entry["reason"])
        worst[entry["test"]] = max(before, now, key=lambda one: order.index(one[0]))
    if not worst:
        return None
    ended = Counter(outcome for outcome, _ in worst.values())
    return TestCounts(
        passed=ended["passed"],
        failed=ended["failed"],
        errors=ended["error"],
        skipped=ended["skipped"],
        xfailed=ended["xfailed"],
        skips=_skips(reason for outcome, reason in worst.values() if outcome == "skipped"),
    )


def unittest_counts(output: str) -> TestCounts | None:
    """The counts that unittest printed, of all its runs in a command; causes only with ``-v``."""
    ran = [int(number) for number in _RAN.findall(output)]
    if not ran:
        return None
    found: Counter[str] = Counter()
    for words in _ENDED.findall(output):
        found.update({name: int(number) for name, number in _NUMBER.findall(words)})
    other = sum(found.values())
    return TestCounts(
        passed=max(sum(ran) - other, 0),
        failed=found["failures"] + found["unexpected successes"],
        errors=found["errors"],
        skipped=found["skipped"],
        xfailed=found["expected failures"],
        skips=_skips(reason for _, reason in _SKIPPED.findall(output)),
    )


def _skips(reasons: Iterable[str]) -> tuple[SkipCount, ...]:
    return tuple(SkipCount(reason=reason, count=count) for reason, count in Counter(reasons).most_common())
