"""What the auditor says: findings with evidence, and whether the wheel is accepted."""

from dataclasses import asdict, dataclass
from typing import Any

from manyloong.targets import rule as rule_row

SEVERITIES = ("note", "warning", "error")  # from harmless to grave
_EVIDENCE_LIMIT = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Where it was seen; unused fields are empty. ``offset``: an address or a file offset, -1 for none."""

    file: str = ""
    symbol: str = ""
    offset: int = -1
    value: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One rule that spoke about one file (or about the wheel)."""

    rule: str  # ML001 ...
    severity: str  # error, warning or note
    message: str
    evidence: tuple[Evidence, ...]
    advice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The judgement on one path against one target."""

    path: str
    target: str
    findings: tuple[Finding, ...]  # gravest first, then by rule

    @property
    def accepted(self) -> bool:
        """Whether no finding is an error."""
        return not self.at_least("error")

    def at_least(self, severity: str) -> tuple[Finding, ...]:
        """The findings of this severity or a graver one."""
        rank = SEVERITIES.index(severity)
        return tuple(one for one in self.findings if SEVERITIES.index(one.severity) >= rank)

    def to_json(self) -> dict[str, Any]:
        """The verdict as a JSON document."""
        return {
            "path": self.path,
            "target": self.target,
            "accepted": self.accepted,
            "findings": [asdict(one) for one in self.findings],
        }


def finding(key: str, message: str, *evidence: Evidence) -> Finding:
    """A finding of that rule; severity and advice come from the rule's row."""
    row = rule_row(key)
    return Finding(
        rule=row.id,
        severity=row.severity,
        message=message,
        evidence=evidence[:_EVIDENCE_LIMIT],
        advice=row.fix,
    )


def sorted_findings(found: list[Finding]) -> tuple[Finding, ...]:
    """Gravest first, then by rule, then in the order they were found."""
    return tuple(sorted(found, key=lambda one: (-SEVERITIES.index(one.severity), one.rule)))
