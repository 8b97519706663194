"""Statistics of the benchmarks: medians, ratios within a round, goals."""

import pytest
from benchmarks.figures import Figure, Goal, Row, figure, ratio

SAMPLES = {"cross": {0: 2.0, 1: 3.0, 2: 8.0}, "native": {0: 2.0, 1: 2.0, 2: 4.0}, "emulated": {1: 60.0}}


def test_median_and_spread() -> None:
    found = figure(SAMPLES, "cross", "s")
    assert found is not None
    assert (found.median, found.low, found.high) == (3.0, 2.0, 8.0)


def test_what_was_not_measured_has_no_figure() -> None:
    assert figure(SAMPLES, "absent", "s") is None
    assert ratio(SAMPLES, "cross", "absent") is None


def test_ratio_is_taken_in_each_round_by_itself() -> None:
    found = ratio(SAMPLES, "cross", "native")
    assert found is not None
    assert found.samples == (1.0, 1.5, 2.0)
    assert found.unit == "x"


def test_ratio_uses_only_rounds_that_have_both() -> None:
    found = ratio(SAMPLES, "emulated", "cross")
    assert found is not None
    assert found.samples == (20.0,)


@pytest.mark.parametrize(
    ("goal", "value", "met"),
    [
        (Goal(limit=1.2), 1.2, True),
        (Goal(limit=1.2), 1.21, False),
        (Goal(limit=15, at_least=True), 15.0, True),
        (Goal(limit=15, at_least=True), 14.9, False),
        (Goal(limit=1.2, aim=1.0), 1.1, True),  # an aim is not a limit
    ],
)
def test_goal(*, goal: Goal, value: float, met: bool) -> None:
    row = Row(part="p", what="w", figure=Figure(samples=(value,), unit="x"), goal=goal)
    assert row.met is met


def test_a_row_without_a_goal_is_neither_met_nor_missed() -> None:
    assert Row(part="p", what="w", figure=Figure(samples=(1.0,), unit="s")).met is None
