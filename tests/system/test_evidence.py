"""Committed evidence is about today's inputs, and a random part of it holds when it is made again."""

import json
import random
from pathlib import Path

import pytest
from evidence import lanes, packages


def test_evidence_is_not_stale() -> None:
    document = json.loads(packages.RESULTS.read_text("utf-8"))
    assert document["digest"] == packages.digest(), "inputs changed: nox -s evidence"
    entries, _ = packages.packages()
    assert set(document["results"]) == {entry["release"] for entry in entries}


def test_evidence_says_that_everything_works() -> None:
    for release, results in json.loads(packages.RESULTS.read_text("utf-8"))["results"].items():
        assert results, release
        for result in results:
            assert result["accepted"], result["wheel"]
            assert {report["cpu"] for report in result["tests"]} == {"la464", "la464,lasx=off"}
            assert {report["outcome"] for report in result["tests"]} == {"passed"}, result["wheel"]


@pytest.mark.parametrize("proof", lanes.PLATFORMS)
def test_evidence_of_the_lanes_is_not_stale(proof: str) -> None:
    document = json.loads(lanes.result_file(proof).read_text("utf-8"))
    assert document["digest"] == lanes.digest(proof), "inputs changed: nox -s evidence"
    assert set(document["results"]) == {f"{release} {python}" for release, python in lanes.entries(proof)}


def passed_everywhere(outcomes: dict[str, str]) -> bool:
    """On both CPU models, in today's root and, where the floor root has that Python, on the floor."""
    tested = {where for where, outcome in outcomes.items() if outcome == "passed"}
    untested = {where for where, outcome in outcomes.items() if outcome == "not tested"}
    return len(tested) in (2, 4) and tested | untested == set(outcomes)


@pytest.mark.parametrize("proof", lanes.PLATFORMS)
def test_both_lanes_make_the_same_of_a_release(proof: str) -> None:
    for key, result in json.loads(lanes.result_file(proof).read_text("utf-8"))["results"].items():
        cross, emulated = result["cross"], result["emulated"]
        assert (cross["lane"], emulated["lane"]) == ("cross", "emulated")
        for name in ("accepted", "findings", "outcomes", "wheel"):
            assert cross[name] == emulated[name], (key, name)
        assert cross["accepted"], key
        assert passed_everywhere(cross["outcomes"]), key
        compared = result["compared"]
        assert compared["needs_are_equal"], key
        assert not compared["only_cross"] + compared["only_emulated"], key


@pytest.mark.system
def test_a_random_entry_holds_again(tmp_path: Path) -> None:
    """The same verdict and the same tests; with the same build requirements the same wheel, byte for byte."""
    entries, _ = packages.packages()
    entry = random.choice(entries)  # noqa: S311 - a different one each time is the point
    before = json.loads(packages.RESULTS.read_text("utf-8"))["results"][entry["release"]][0]
    python = before["identifier"].split("-")[0]
    again = packages.build(entry, [python], tmp_path)[0]
    assert again["accepted"]
    for key in ("wheel", "dropped_flags"):
        assert again[key] == before[key], (entry["release"], key)
    if again["environment"] == before.get("environment"):  # the index may have newer ones by now
        assert again["sha256"] == before["sha256"], entry["release"]
    assert {report["outcome"] for report in again["tests"]} == {"passed"}
