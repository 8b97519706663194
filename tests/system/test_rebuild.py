"""Wheels made again from their records: the committed evidence, one of them again, and what is refused."""

import json
from pathlib import Path

import pytest
from evidence import rebuild as evidence
from tests.system.manyloong_cli import build, manyloong

RELEASE = "markupsafe==3.0.4"


def test_evidence_is_not_stale() -> None:
    document = json.loads(evidence.RESULTS.read_text("utf-8"))
    assert document["digest"] == evidence.digest(), "inputs changed: python -m evidence.rebuild"
    assert set(document["results"]) == set(evidence.document()["releases"])


def test_evidence_says_that_wheels_are_made_again() -> None:
    results = json.loads(evidence.RESULTS.read_text("utf-8"))["results"]
    assert all(seen["stabilised"] for seen in results.values())
    assert sum(seen["strict"] for seen in results.values()) >= evidence.document()["least_strict"]
    assert all("umask 0027" in seen["conditions"] for seen in results.values())


@pytest.mark.system
def test_a_wheel_is_made_again_and_another_one_is_refused(tmp_path: Path) -> None:
    (built,) = build(RELEASE, "--python", "cp313", "--no-test", output=tmp_path)
    wheel = Path(built["wheel"])
    ran = manyloong("rebuild", wheel, "--json", "--output", tmp_path / "again")
    assert ran.returncode == 0, ran.stderr
    assert ran.json()["strict"]
    assert (tmp_path / "again" / wheel.name).read_bytes() == wheel.read_bytes()

    data = bytearray(wheel.read_bytes())
    data[len(data) // 2] ^= 1
    wheel.write_bytes(data)
    ran = manyloong("rebuild", wheel, "--json")
    assert (ran.returncode, wheel.name in ran.stderr) == (5, True), ran.stderr
    assert "Traceback" not in ran.stderr
