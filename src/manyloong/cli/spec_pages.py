"""What the pages of the specification are made from: evidence, build records, the corpus."""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from manyloong.corpus import all_samples
from manyloong.errors import InputError
from manyloong.spec.pages import abi_page, auditwheel_page, rules_page
from manyloong.spec.pep import BuildRow, render_answers, render_pep, render_statement


def read_evidence(folder: Path) -> dict[str, dict[str, Any]]:
    """Every ``NAME.json`` of the folder; raises InputError for one that is no evidence."""
    found = {}
    for path in sorted(folder.glob("*.json")):
        document = _json(path)
        if {"command", "inputs", "results"} <= document.keys():
            found[path.stem] = document
    return found


def read_builds(folder: Path | None, evidence: dict[str, dict[str, Any]]) -> tuple[BuildRow, ...]:
    """One row for each build record of the folder; without a folder, those of the evidence."""
    if folder is None:
        return tuple(
            BuildRow(**row) for row in evidence.get("builds", {}).get("results", {}).get("wheels", ())
        )
    return tuple(_build_row(_json(path)) for path in sorted(folder.glob("*.record.json")))


def _build_row(record: dict[str, Any]) -> BuildRow:
    outcomes = sorted({f"{one['outcome']} on {one['cpu']}" for one in record["tests"]})
    return BuildRow(
        wheel=record["wheel"]["filename"],
        accepted=record["accepted"],
        tests=", ".join(outcomes) or "not tested",
        seconds=round(sum(stage["seconds"] for stage in record["stages"]), 1),
    )


def builds_evidence(folder: Path) -> dict[str, Any]:
    """The build records of a folder as evidence: what was built, from which bytes, and what became of it."""
    records = [_json(path) for path in sorted(folder.glob("*.record.json"))]
    hashes = sorted(record["wheel"]["sha256"] for record in records)
    names = " ".join(f"{record['source']['name']}=={record['source']['version']}" for record in records)
    return {
        "command": f"manyloong build for each of: {names}",
        "inputs": hashlib.sha256(" ".join(hashes).encode()).hexdigest(),
        "results": {"wheels": [asdict(_build_row(record)) for record in records]},
    }


def _json(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read: {error}", hint="make it again") from error
    if not isinstance(document, dict):
        raise InputError(f"{path} holds no JSON object", hint="make it again")
    return document


def all_pages(evidence: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Every generated page of the docs, by its path there."""
    samples = {(one.rule, one.trips): one.says for one in all_samples()}
    rules = {rule for rule, _ in samples}
    builds = read_builds(None, evidence)
    return {
        "reference/audit-rules.md": rules_page(
            {key: (samples[key, True], samples[key, False]) for key in rules}
        ),
        "reference/abi.md": abi_page(),
        "reference/auditwheel.md": auditwheel_page(),
        "pep/pep-loongarch64.rst": render_pep(evidence, builds),
        "pep/abi-statement.md": render_statement(evidence),
        "pep/answers.md": render_answers(evidence, builds),
    }
