"""What is written about NumPy and packages compiled against it is about today's inputs, and says enough."""

import json
from typing import Any

import pytest
from evidence import numeric

ENTRIES = numeric.packages()
ROOTS = {"floor-2_36-loong64", "target-loong64"}
MOST_SKIPPED = 0.05  # of all tests


def results(entry: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(numeric.results_file(entry).read_text("utf-8"))["results"][
        entry["release"]
    ]
    return found


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: str(entry["release"]))
def test_evidence_is_not_stale(entry: dict[str, Any]) -> None:
    document = json.loads(numeric.results_file(entry).read_text("utf-8"))
    assert document["digest"] == numeric.digest(), "inputs changed: nox -s evidence"
    assert entry["release"] in document["results"]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: str(entry["release"]))
def test_evidence_says_that_it_works(entry: dict[str, Any]) -> None:
    for result in results(entry):
        assert result["accepted"], result["wheel"]
        assert {report["cpu"] for report in result["tests"]} == {"la464", "la464,lasx=off"}
        assert {report["root"] for report in result["tests"]} == ROOTS
        for report in result["tests"]:
            assert report["outcome"] == "passed", result["wheel"]
            if least := entry.get("least_tests"):
                counts = report["counts"]
                total = sum(counts[key] for key in ("passed", "failed", "errors", "skipped", "xfailed"))
                assert counts["passed"] >= least
                assert counts["failed"] == counts["errors"] == 0
                assert counts["skipped"] <= MOST_SKIPPED * total
                assert sum(skip["count"] for skip in counts["skips"]) == counts["skipped"]
                assert all(skip["reason"] for skip in counts["skips"])


def test_what_compiles_against_numpy_did_so() -> None:
    for entry in ENTRIES:
        copies = [name.split("-")[0] for result in results(entry) for name in result["target_copies"]]
        assert ("numpy" in copies) is (entry["file"] != "numpy"), entry["release"]
