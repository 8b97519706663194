"""What is written about NumPy and packages compiled against it is about today's inputs, and says enough."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
from evidence import numeric

ENTRIES = numeric.packages()
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


@pytest.mark.system
def test_a_random_entry_holds_again(tmp_path: Path) -> None:
    """A small package again, alone in an empty folder: NumPy is built first, or was before."""
    entry = random.choice([one for one in ENTRIES if one["file"] == "against-numpy"])  # noqa: S311
    (before,), (again,) = results(entry), numeric.build(entry, tmp_path, force=False)
    for key in ("wheel", "accepted", "target_copies", "dropped_flags"):
        assert again[key] == before[key], (entry["release"], key)
    assert {report["outcome"] for report in again["tests"]} == {"passed"}


def test_what_compiles_against_numpy_did_so() -> None:
    for entry in ENTRIES:
        copies = [name.split("-")[0] for result in results(entry) for name in result["target_copies"]]
        assert ("numpy" in copies) is (entry["file"] != "numpy"), entry["release"]
