"""Asks the images in podman, and writes oci.json: ``python -m evidence.oci [WORD...]``; as root.

What ``make test-oci`` does, with its answers kept: each question by its outcome. Questions that have passed
about today's images are not asked again, so a run that broke goes on where it was; words choose among the
rest, those whose names have one of them.
"""

import json
import os
import subprocess
import sys
import tempfile
import tomllib
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evidence.digests import ROOT, files_digest

HERE = Path(__file__).parent
LIST, RESULTS = HERE / "oci.toml", HERE / "oci.json"
COMMAND = "python -m evidence.oci"
PYTEST = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")


def digest() -> str:
    """SHA-256 over all that oci.toml names."""
    return files_digest(tomllib.loads(LIST.read_text("utf-8"))["files"], "oci")


def name_of(question: str) -> str:
    """What the results call one of pytest's node ids: ``test_file::test_name[case]``."""
    file, _, rest = question.partition("::")
    return f"{Path(file).stem}::{rest}"


def outcomes(report: Path) -> dict[str, list[str]]:
    """The names of the questions by their outcome, from pytest's report."""
    found: dict[str, list[str]] = {"passed": [], "failed": [], "skipped": []}
    for case in ET.parse(report).iter("testcase"):  # noqa: S314 - pytest wrote it just now
        kinds = {child.tag for child in case}
        bad = kinds & {"failure", "error"}
        kind = "failed" if bad else "skipped" if "skipped" in kinds else "passed"
        found[kind].append(f"{case.get('classname', '').rpartition('.')[2]}::{case.get('name')}")
    return {kind: sorted(names) for kind, names in found.items()}


def known(inputs: str) -> dict[str, Any]:
    """What is committed, where it is about these inputs."""
    document = json.loads(RESULTS.read_text("utf-8")) if RESULTS.is_file() else {}
    return document if document.get("inputs") == inputs else {}


def left(questions: Sequence[str], passed: Sequence[str], words: Sequence[str]) -> list[str]:
    """The questions that are to be asked."""
    return [
        one
        for one in questions
        if name_of(one) not in passed and (not words or any(word in one for word in words))
    ]


def together(before: dict[str, Any], now: dict[str, list[str]]) -> dict[str, list[str]]:
    """The outcomes of two runs; the later one counts."""
    again = {name for names in now.values() for name in names}
    kept = {kind: set(names) - again for kind, names in before.get("results", {}).items()}
    return {kind: sorted({*kept.get(kind, ()), *names}) for kind, names in now.items()}


def collected() -> list[str]:
    """All questions, by pytest's node ids."""
    done = subprocess.run(
        [*PYTEST, "--collect-only", "tests/oci"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [line for line in done.stdout.splitlines() if "::" in line]


def main(words: list[str]) -> int:
    """Ask what is left, and write what was seen; pytest's exit status."""
    inputs, questions = digest(), collected()
    before = known(inputs)
    asked = left(questions, before.get("results", {}).get("passed", ()), words)
    if not asked:
        print("all of these were answered")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        environ = {**os.environ, "REQUIRE_TOOLS": "1", "OCI_SAMPLE": ""}
        command = [*PYTEST, "--durations=0", f"--junit-xml={report}", *asked]
        done = subprocess.run(command, cwd=ROOT, env=environ, check=False)
        if report.is_file():
            document = {
                "command": COMMAND,
                "inputs": inputs,
                "questions": sorted(map(name_of, questions)),
                "results": together(before, outcomes(report)),
            }
            RESULTS.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n", "utf-8")
    return done.returncode


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
