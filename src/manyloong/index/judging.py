"""The project's auditor as the gate calls it: each promise of a wheel's file name is judged."""

import re
from pathlib import Path

from manyloong.audit import Verdict, judge, read_facts
from manyloong.targets import Target, judged_targets

_TAG = re.compile(r"([a-z]+)_(\d+)_(\d+)_(\w+)")


def audited(path: Path, platform: str) -> Verdict:
    """The verdict on a wheel for the tags it claims: the first that is not accepted, else the last."""
    facts = read_facts(path)
    verdict = None
    for target in _targets(platform):
        verdict = judge(facts, target)
        if not verdict.accepted:
            break
    return verdict or judge(facts, judged_targets()[0])


def _targets(platform: str) -> tuple[Target, ...]:
    """For each tag the row of that floor, or the nearest older one, or the oldest of its family."""
    found: list[Target] = []
    for tag in platform.split("."):
        match = _TAG.fullmatch(tag)
        rows = [
            row
            for row in judged_targets()
            if match and row.family == match[1] and row.architecture.name == match[4]
        ]
        if match and rows:
            floor = (int(match[2]), int(match[3]))
            older = [row for row in rows if row.floor <= floor]
            found.append(max(older or [min(rows, key=_floor)], key=_floor))
    return tuple(dict.fromkeys(found))


def _floor(row: Target) -> tuple[int, int]:
    return row.floor
