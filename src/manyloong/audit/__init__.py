"""Facts of a wheel, and a verdict on them against a target."""

from manyloong.audit.choose import choose_target
from manyloong.audit.dispatch import Dispatch
from manyloong.audit.facts import ElfFacts, Facts, Problem, WheelFacts
from manyloong.audit.installed import read_installed
from manyloong.audit.judge import judge
from manyloong.audit.read import read_facts
from manyloong.audit.verdict import SEVERITIES, Evidence, Finding, Verdict

__all__ = [
    "SEVERITIES",
    "Dispatch",
    "ElfFacts",
    "Evidence",
    "Facts",
    "Finding",
    "Problem",
    "Verdict",
    "WheelFacts",
    "choose_target",
    "judge",
    "read_facts",
    "read_installed",
]
