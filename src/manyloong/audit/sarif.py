"""Verdicts as SARIF 2.1.0, which code-scanning services read."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from manyloong.audit.verdict import Evidence, Finding, Verdict
from manyloong.targets import all_rules


def to_sarif(verdicts: Sequence[Verdict], *, version: str) -> dict[str, Any]:
    """One run with a result for each finding; ``version`` is that of the tool."""
    driver = {"name": "manyloong", "version": version, "rules": _rules()}
    results = [_result(verdict, one) for verdict in verdicts for one in verdict.findings]
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": results}],
    }


def _rules() -> list[dict[str, Any]]:
    return [
        {
            "id": one.id,
            "shortDescription": {"text": one.title},
            "fullDescription": {"text": one.why},
            "help": {"text": one.fix},
            "defaultConfiguration": {"level": one.severity},
            "properties": {"kind": one.kind, "source": one.source},
        }
        for one in all_rules()
    ]


def _result(verdict: Verdict, one: Finding) -> dict[str, Any]:
    return {
        "ruleId": one.rule,
        "level": one.severity,
        "message": {"text": f"{one.message}. {one.advice}"},
        "locations": [_location(verdict, place) for place in one.evidence]
        or [_location(verdict, Evidence())],
        "properties": {"target": verdict.target},
    }


def _location(verdict: Verdict, place: Evidence) -> dict[str, Any]:
    found: dict[str, Any] = {
        "physicalLocation": {"artifactLocation": {"uri": quote(verdict.path)}},
    }
    names = [name for name in (place.file, place.symbol) if name]
    if names:
        found["logicalLocations"] = [{"fullyQualifiedName": "::".join(names)}]
    if place.value or place.offset >= 0:
        offset = f" at {place.offset:#x}" if place.offset >= 0 else ""
        found["message"] = {"text": f"{place.value}{offset}".strip()}
    return found
