"""CPython's own tests in the roots built from source: the proof is of today's roots, and holds again."""

import json
import random
import re
from typing import Any

import pytest
from evidence import cpython

pytestmark = pytest.mark.timeout(1500)  # the root is built from source here, where it is not in the cache
made = pytest.mark.skipif(not cpython.RESULTS.exists(), reason="the proof was not made yet")
LEAST, LEAST_OF_PACKAGE, QUICK_S = 60, 5, 120
NAMED = {
    "json",
    "re",
    "struct",
    "ctypes",
    "ssl",
    "zlib",
    "sqlite3",
    "threading",
    "subprocess",
    "socket",
    "decimal",
}
PACKAGE = "test.test_asyncio."  # its modules are run one by one
WHOSE = {"QEMU", "musl", "root", "ours"}


def results() -> dict[str, dict[str, Any]]:
    document = json.loads(cpython.RESULTS.read_text("utf-8"))
    found: dict[str, dict[str, Any]] = document["results"]
    return found


def unexplained(root: str, module: str, result: dict[str, Any]) -> list[str]:
    """The tests that did not pass and of which no cause is written down; the module, where none ended it."""
    names = [*result["bad"], *([f"{module}.end"] if result["exit"] and not result["bad"] else [])]
    return [name for name in names if cpython.cause_of(root, name) is None]


@made
def test_evidence_is_not_stale_and_has_modules_enough() -> None:
    document = json.loads(cpython.RESULTS.read_text("utf-8"))
    assert document["digest"] == cpython.digest(), "inputs changed: python -m evidence.cpython"
    roots, _ = cpython.listed()
    for root in roots:
        modules = document["results"][root]
        ran = [name for name, result in modules.items() if result["tests"] > result["skipped"]]
        assert len(ran) >= LEAST, root
        assert {f"test_{name}" for name in NAMED} <= set(ran), root
        assert sum(name.startswith(PACKAGE) for name in ran) >= LEAST_OF_PACKAGE, root


@made
def test_what_does_not_pass_has_a_cause() -> None:
    for root, modules in results().items():
        for module, result in modules.items():
            assert unexplained(root, module, result) == [], (root, module)


@made
def test_causes_are_of_tests_that_fail() -> None:
    for one in cpython.causes():
        assert one["of"] in WHOSE
        assert one["why"]
        for root in one["roots"]:
            modules = results()[root]
            bad = [name for result in modules.values() for name in result["bad"]]
            bad += [f"{name}.end" for name, result in modules.items() if result["exit"] and not result["bad"]]
            for pattern in one["tests"]:
                assert any(re.fullmatch(pattern, name) for name in bad), (root, pattern)


@made
@pytest.mark.system
@pytest.mark.parametrize("root", cpython.listed()[0])
def test_a_random_module_holds_again(root: str) -> None:
    before = results()[root]
    module = random.choice(sorted(name for name, one in before.items() if one["seconds"] <= QUICK_S))  # noqa: S311
    again = cpython.run_module(root, module)
    assert again["tests"] == before[module]["tests"], (module, again)
    assert set(again["bad"]) <= set(before[module]["bad"]), (module, again)
    assert bool(again["exit"]) <= bool(before[module]["exit"]), (module, again)
