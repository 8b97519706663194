"""The judge against the conformance corpus: each rule is tripped by its sample and by nothing beside it."""

from pathlib import Path

import pytest

from manyloong.audit import judge, read_facts
from manyloong.corpus import Sample, all_samples
from manyloong.targets import all_rules, judged_target

SAMPLES = all_samples()

# Samples whose fault cannot stand alone; every other one gives its own rule and no second.
COMPANIONS = {
    "ML086": {"ML081", "ML087"},  # what cannot be unpacked is also not what RECORD lists
}


def rules_of(sample: Sample, folder: Path) -> set[str]:
    path = folder / sample.name
    path.write_bytes(sample.data)
    return {one.rule for one in judge(read_facts(path), judged_target(sample.target)).findings}


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.path)
def test_sample(sample: Sample, tmp_path: Path) -> None:
    found = rules_of(sample, tmp_path)
    if not sample.trips:
        assert sample.rule not in found
        assert found <= {"ML061"}  # 16 KiB is the neighbour of 4 KiB, and not of 64
        return
    assert sample.rule in found
    assert found - {sample.rule} <= COMPANIONS.get(sample.rule, set())


def test_every_rule_has_a_bad_and_a_good_sample() -> None:
    rules = {one.id for one in all_rules()}
    assert {one.rule for one in SAMPLES if one.trips} == rules
    assert {one.rule for one in SAMPLES if not one.trips} == rules


def test_paths_are_unique() -> None:
    assert len({one.path for one in SAMPLES}) == len(SAMPLES)
