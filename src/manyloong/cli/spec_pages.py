"""What the pages of the specification are made from: evidence, build records, the corpus."""

import json
from pathlib import Path
from typing import Any

from manyloong.corpus import all_samples
from manyloong.errors import InputError
from manyloong.spec.pages import abi_page, auditwheel_page, rules_page
from manyloong.spec.pep import BuildRow, render_answers, render_pep, render_statement

_BUILDS = "packages"  # written by `nox -s evidence`


def read_evidence(folder: Path) -> dict[str, dict[str, Any]]:
    """Every ``NAME.json`` of the folder; raises InputError for one that is no evidence."""
    found = {}
    for path in sorted(folder.glob("*.json")):
        document = _json(path)
        if {"inputs", "results"} <= document.keys():
            found[path.stem] = document
    return found


def read_builds(evidence: dict[str, dict[str, Any]]) -> tuple[BuildRow, ...]:
    """One row for each release that the evidence of builds lists, by its wheel for the first Python."""
    results = evidence.get(_BUILDS, {}).get("results", {})
    return tuple(
        _build_row(rows[0], wheel=rows[0]["wheel"], seconds=sum(rows[0]["seconds"].values()))
        for _, rows in sorted(results.items())
        if rows
    )


def read_records(folder: Path) -> tuple[BuildRow, ...]:
    """One row for each build record (``WHEEL.record.json``) of a folder."""
    records = [_json(path) for path in sorted(folder.glob("*.record.json"))]
    return tuple(
        _build_row(
            one, wheel=one["wheel"]["filename"], seconds=sum(stage["seconds"] for stage in one["stages"])
        )
        for one in records
    )


def _build_row(row: dict[str, Any], *, wheel: str, seconds: float) -> BuildRow:
    outcomes = sorted({f"{one['outcome']} on {one['cpu']}" for one in row["tests"]})
    return BuildRow(
        wheel=wheel,
        accepted=row["accepted"],
        tests=", ".join(outcomes) or "not tested",
        seconds=round(seconds, 1),
    )


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
    builds = read_builds(evidence)
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
