"""The auditor's evidence belongs to the inputs that are in the tree."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from tests.tools.audit.debian_modules import inputs_digest

ROOT = Path(__file__).parents[2]
KINDS = {
    "debian-modules": ("module",),
    "isa-counts": ("module", "vectors", "disassembler"),
    "compiler-defaults": ("compiler", "disassembler"),
}


def evidence(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((ROOT / "evidence" / f"{name}.json").read_text("utf-8"))
    return document


@pytest.mark.parametrize("name", KINDS)
def test_pins_are_those_of_the_proof(name: str) -> None:
    document = evidence(name)
    assert document["inputs"] == inputs_digest(*KINDS[name]), f"stale: {document['command']}"


def test_the_fuzzer_is_that_of_the_proof() -> None:
    program = (ROOT / "tests" / "fuzz" / "fuzz_readers.py").read_bytes()
    assert evidence("fuzz")["inputs"] == hashlib.sha256(program).hexdigest()
    assert evidence("fuzz")["results"]["findings"] == 0
    assert evidence("fuzz")["results"]["seconds"] >= 600


def test_the_proofs_say_what_is_claimed() -> None:
    assert evidence("debian-modules")["results"]["packages"] == 50
    assert evidence("debian-modules")["results"]["errors_of_abi_kind"] == 0
    assert evidence("isa-counts")["results"]["instructions"] >= 5_000_000
    assert evidence("isa-counts")["results"]["differences"] == 0
