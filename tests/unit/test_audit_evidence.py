"""The auditor's evidence belongs to the inputs that are in the tree."""

import json
from pathlib import Path
from typing import Any

import pytest
from evidence.digests import digest_of, names

from manyloong.spec.pep import NEEDED

ROOT = Path(__file__).parents[2]


def evidence(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((ROOT / "evidence" / f"{name}.json").read_text("utf-8"))
    return document


@pytest.mark.parametrize("name", names())
def test_it_is_about_the_inputs_in_this_tree(name: str) -> None:
    document = evidence(name)
    assert document["inputs"] == digest_of(name), f"stale, make it again: {document['command']}"


def test_every_figure_of_the_pep_has_inputs_that_are_watched() -> None:
    """The table of builds comes from packages.json, which tests/system/test_evidence.py watches."""
    assert set(NEEDED) <= set(names())
    for name in NEEDED:
        assert evidence(name)["command"].startswith(NEEDED[name])


def test_the_fuzzer_found_nothing_in_ten_minutes() -> None:
    assert evidence("fuzz")["results"]["findings"] == 0
    assert evidence("fuzz")["results"]["seconds"] >= 600


def test_the_proofs_say_what_is_claimed() -> None:
    assert evidence("debian-modules")["results"]["packages"] == 50
    assert evidence("debian-modules")["results"]["errors_of_abi_kind"] == 0
    assert evidence("isa-counts")["results"]["instructions"] >= 5_000_000
    assert evidence("isa-counts")["results"]["differences"] == 0
