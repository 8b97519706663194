"""The rows as text for people, as Markdown for the docs, and as JSON. Pure."""

import re
from collections.abc import Sequence
from typing import Any

from benchmarks.figures import Figure, Goal, Row

HEAD = ("part", "what", "median", "spread", "rounds", "goal", "met")
BEGIN, END = "<!-- newest run: begin -->", "<!-- newest run: end -->"
_VERDICTS = {None: "", True: "yes", False: "NO"}
_THREE_DIGITS, _TWO_DIGITS = 100, 10


def number_text(value: float) -> str:
    """Three digits, as many as such a measurement is worth."""
    if value >= _THREE_DIGITS:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= _TWO_DIGITS else f"{value:.2f}"


def value_text(value: float, unit: str) -> str:
    """A value with its unit: ``1.20x``, ``4.50 s``."""
    return number_text(value) + (unit if unit == "x" else f" {unit}")


def spread_text(figure: Figure) -> str:
    """The smallest and the largest sample."""
    return f"{number_text(figure.low)} - {number_text(figure.high)}"


def goal_text(goal: Goal | None, unit: str) -> str:
    """The limit, and the aim where there is one."""
    if goal is None:
        return ""
    sign = ">=" if goal.at_least else "<="
    aim = "" if goal.aim is None else f" (aim {goal.aim:g})"
    return f"{sign} {goal.limit:g}{unit if unit == 'x' else ' ' + unit}{aim}"


def cells(row: Row) -> tuple[str, ...]:
    """One row as the texts below HEAD."""
    return (
        row.part,
        row.what,
        value_text(row.figure.median, row.figure.unit),
        spread_text(row.figure),
        str(len(row.figure.samples)),
        goal_text(row.goal, row.figure.unit),
        _VERDICTS[row.met],
    )


def format_table(rows: Sequence[Row]) -> str:
    """Columns for a terminal; a part is named once."""
    lines = [HEAD, *(cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    text, last = [], ""
    for line in lines:
        shown = ("" if line[0] == last else line[0], *line[1:])
        last = line[0]
        text.append("  ".join(cell.ljust(width) for cell, width in zip(shown, widths, strict=True)).rstrip())
    return "\n".join(text) + "\n"


def format_markdown(rows: Sequence[Row], remark: str) -> str:
    """The same for docs/reference/benchmarks.md, below what the machine was."""
    lines = [HEAD, tuple("---" for _ in HEAD), *(cells(row) for row in rows)]
    return f"{remark}\n\n" + "".join(f"| {' | '.join(line)} |\n" for line in lines)


def document(rows: Sequence[Row], machine: dict[str, Any]) -> dict[str, Any]:
    """Every sample, with goals and verdicts."""
    return {"machine": machine, "rows": [_row_document(row) for row in rows]}


def _row_document(row: Row) -> dict[str, Any]:
    goal = row.goal
    return {
        "part": row.part,
        "what": row.what,
        "unit": row.figure.unit,
        "median": round(row.figure.median, 4),
        "samples": [round(sample, 4) for sample in row.figure.samples],
        "goal": None if goal is None else {"limit": goal.limit, "aim": goal.aim, "at_least": goal.at_least},
        "met": row.met,
    }


def replaced(page: str, text: str) -> str:
    """The page with the text between its two marks; ValueError for a page without them."""
    pattern = re.compile(f"{re.escape(BEGIN)}.*{re.escape(END)}", re.DOTALL)
    if not pattern.search(page):
        raise ValueError(f"the page has no {BEGIN} and {END}")
    return pattern.sub(lambda _: f"{BEGIN}\n{text}{END}", page)
