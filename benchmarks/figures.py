"""What was measured, as values: samples by round, their median and spread, ratios within one round. Pure."""

import statistics
from collections.abc import Mapping
from dataclasses import dataclass

Samples = Mapping[str, Mapping[int, float]]  # what -> round -> value


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What a median shall be at most (or at least); ``aim`` is where it would be good."""

    limit: float
    aim: float | None = None
    at_least: bool = False

    def met(self, value: float) -> bool:
        """Whether a value keeps the limit."""
        return value >= self.limit if self.at_least else value <= self.limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """The repetitions of one measurement, in ``unit``: s, ms, MB or x (a ratio)."""

    samples: tuple[float, ...]
    unit: str

    @property
    def median(self) -> float:
        """The middle one: a single slow round does not move it."""
        return statistics.median(self.samples)

    @property
    def low(self) -> float:
        """The smallest."""
        return min(self.samples)

    @property
    def high(self) -> float:
        """The largest."""
        return max(self.samples)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table."""

    part: str
    what: str
    figure: Figure
    goal: Goal | None = None

    @property
    def met(self) -> bool | None:
        """Whether the median keeps the goal; None without one."""
        return None if self.goal is None else self.goal.met(self.figure.median)


def figure(samples: Samples, what: str, unit: str) -> Figure | None:
    """All rounds of a measurement; None where it was not taken."""
    values = samples.get(what, {})
    return Figure(samples=tuple(values[number] for number in sorted(values)), unit=unit) if values else None


def ratio(samples: Samples, over: str, under: str) -> Figure | None:
    """One measurement as a multiple of another, each round by itself; None without a round that has both.

    Whatever else the machine does slows neighbours in a round alike, so it leaves the ratio.
    """
    above, below = samples.get(over, {}), samples.get(under, {})
    both = sorted(above.keys() & below.keys())
    values = tuple(above[number] / below[number] for number in both)
    return Figure(samples=values, unit="x") if values else None
