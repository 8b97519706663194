"""How verdicts are shown: a line for each wheel, its findings below it; JSON and SARIF for machines."""

from collections import Counter
from collections.abc import Sequence
from pathlib import PurePath

import manyloong
from manyloong.audit import Facts, Finding, Verdict, WheelFacts
from manyloong.cli import terminal

_STYLES = {"error": "error", "warning": "warning", "note": "hint"}
_PLACES = 3  # pieces of evidence shown for each finding

Audit = tuple[Facts, Verdict]


def print_audits(audits: Sequence[Audit], *, form: str, facts: bool) -> None:
    """All verdicts in one form: ``text``, ``json`` or ``sarif``."""
    if form == "sarif":
        from manyloong.audit.sarif import to_sarif

        terminal.print_json(to_sarif([verdict for _, verdict in audits], version=manyloong.__version__))
    elif form == "json":
        rows = [verdict.to_json() | ({"facts": one.to_json()} if facts else {}) for one, verdict in audits]
        terminal.print_json({"audits": rows})
    else:
        for one, verdict in audits:
            _print_one(one, verdict)
        if len(audits) > 1:
            accepted = sum(verdict.accepted for _, verdict in audits)
            print(f"{accepted} of {len(audits)} accepted")


def _print_one(facts: Facts, verdict: Verdict) -> None:
    word = terminal.styled("accepted", "good") if verdict.accepted else terminal.styled("refused ", "error")
    name = terminal.styled(_title(facts), "bold")
    print(f"{word} {name}  for {verdict.target}: {_summary(verdict)}; {_contents(facts)}")
    for one in verdict.findings:
        _print_finding(one)


def _title(facts: Facts) -> str:
    if isinstance(facts, WheelFacts) and facts.path.endswith(".dist-info"):
        return f"{facts.distribution} {facts.version} ({facts.path})"
    return PurePath(facts.path).name if facts.path.endswith(".whl") else facts.path


def _summary(verdict: Verdict) -> str:
    counts = Counter(one.severity for one in verdict.findings)
    parts = [
        f"{counts[key]} {key}{'s' * (counts[key] != 1)}"
        for key in ("error", "warning", "note")
        if counts[key]
    ]
    return ", ".join(parts) or "no findings"


def _contents(facts: Facts) -> str:
    code = sum(elf.code_bytes for elf in facts.elves)
    totals: Counter[str] = Counter()
    for elf in facts.elves:
        totals.update(dict(elf.isa_totals))
    isa = "".join(f", {count} {name}" for name, count in sorted(totals.items()))
    files = sum(bool(elf.elf_class) for elf in facts.elves)  # others are only named like one
    return f"{files} ELF file{'s' * (files != 1)}, {code / 1e6:.1f} MB of code{isa}"


def _print_finding(one: Finding) -> None:
    label = terminal.styled(f"{one.severity} {one.rule}", _STYLES[one.severity])
    print(f"  {label} {one.message}")
    for place in one.evidence[:_PLACES] if len(one.evidence) > 1 else ():
        where = f" at {place.offset:#x}" if place.offset >= 0 else ""
        text = " ".join(part for part in (place.symbol, place.value) if part)
        print(terminal.styled(f"      {text}{where}", "dim"))
    if len(one.evidence) > _PLACES:
        print(terminal.styled(f"      and {len(one.evidence) - _PLACES} more (--json shows them)", "dim"))
    print(f"      {terminal.styled('do:', 'hint')} {one.advice}")
