"""Facts of a wheel, and a verdict on them against a target."""

from manyloong.audit.facts import ElfFacts, Facts, Problem, WheelFacts
from manyloong.audit.judge import judge
from manyloong.audit.read import read_facts
from manyloong.audit.verdict import Evidence, Finding, Verdict

__all__ = [
    "ElfFacts",
    "Evidence",
    "Facts",
    "Finding",
    "Problem",
    "Verdict",
    "WheelFacts",
    "judge",
    "read_facts",
]
