"""The table of the benchmarks: which rows, how they read, where they go in the docs."""

import json
from pathlib import Path

import pytest
from benchmarks.goals import (
    CROSS,
    EMULATED,
    FIRST,
    FULL_IMAGE,
    IMAGE,
    MUSL,
    NATIVE,
    ONE,
    PART,
    PLAIN,
    ROOTS,
    RUST_COLD,
    RUST_EDITED,
    RUST_WARM,
    TABLE,
    build_key,
    peak_key,
    table_rows,
)
from benchmarks.machine import remark
from benchmarks.report import (
    BEGIN,
    END,
    HEAD,
    document,
    format_markdown,
    format_table,
    number_text,
    replaced,
)

PAGE = Path(__file__).parents[3] / "docs/reference/benchmarks.md"
SAMPLES = {
    build_key("a 1", CROSS): {0: 2.0, 1: 2.2, 2: 2.1},
    build_key("a 1", NATIVE): {0: 2.0, 1: 2.0, 2: 2.0},
    build_key("a 1", EMULATED): {0: 20.0},
    ROOTS: {0: 61.0},
    peak_key(ONE): {0: 120.4},
}


def test_a_part_of_scipy_has_a_goal_of_its_own() -> None:
    samples = {build_key(PART, CROSS): {0: 1.25}, build_key(PART, NATIVE): {0: 1.0}}
    found = [row.met for row in table_rows(samples, [PART]) if row.goal]
    samples[build_key(PART, CROSS)] = {0: 1.35}
    found += [row.met for row in table_rows(samples, [PART]) if row.goal]
    assert found == [True, False]


def test_rows_with_ratios_goals_and_verdicts() -> None:
    rows = {row.what: row for row in table_rows(SAMPLES, ["a 1"])}
    assert list(rows) == [
        "a 1, cross",
        "a 1, native gcc",
        "a 1, emulated gcc",
        "a 1, cross / native",
        "a 1, emulated / cross",
        ROOTS,
        peak_key(ONE),
    ]
    assert rows["a 1, cross / native"].figure.median == pytest.approx(1.05)
    assert rows["a 1, cross / native"].met is True
    assert rows["a 1, emulated / cross"].met is False
    assert rows[ROOTS].met is False
    assert rows["a 1, cross"].met is None


def test_musl_is_compared_with_glibc_in_the_same_round() -> None:
    samples = {build_key("a 1", CROSS): {0: 2.0, 1: 4.0}, build_key("a 1", MUSL): {0: 2.2, 1: 5.0}}
    rows = {row.what: row for row in table_rows(samples, ["a 1"])}
    found = rows["a 1, musllinux / manylinux"]
    assert found.figure.samples == pytest.approx((1.1, 1.25))
    assert found.met is True


def test_rows_of_tables_and_containers() -> None:
    samples = {
        PLAIN: {0: 2.0},
        FIRST: {0: 2.2},
        TABLE: {0: 2.02},
        build_key("a 1", IMAGE): {0: 30.0},
        build_key("a 1", FULL_IMAGE): {0: 150.0},
    }
    rows = {row.what: row for row in table_rows(samples, ["a 1"])}
    assert rows[f"{FIRST} / none"].met is False
    assert rows[f"{TABLE} / none"].met is True
    assert rows["a 1, emulated / ours"].figure.median == pytest.approx(5)
    assert rows["a 1, emulated / ours"].met is True


def test_what_was_compiled_before_is_compared_with_nothing() -> None:
    samples = {RUST_COLD: {0: 20.0, 1: 30.0}, RUST_WARM: {0: 2.0, 1: 3.0}, RUST_EDITED: {0: 4.0}}
    rows = {row.what: row for row in table_rows(samples, [])}
    assert rows[f"{RUST_WARM} / cold"].figure.samples == pytest.approx((0.1, 0.1))
    assert rows[f"{RUST_EDITED} / cold"].figure.median == pytest.approx(0.2)


def test_table_for_people() -> None:
    lines = format_table(table_rows(SAMPLES, ["a 1"])).splitlines()
    assert lines[0].split() == list(HEAD)
    assert lines[4].endswith(" yes")
    assert "1.05x" in lines[4]
    assert "<= 1.2x (aim 1)" in lines[4]
    assert "1.00 - 1.10" in lines[4]
    assert lines[5].endswith("NO")
    assert lines[1].startswith("raw build")
    assert lines[2].startswith(" ")  # a part is named once


@pytest.mark.parametrize(
    ("value", "text"), [(0.0421, "0.04"), (1.005, "1.00"), (12.34, "12.3"), (417.6, "418")]
)
def test_numbers_have_three_digits(value: float, text: str) -> None:
    assert number_text(value) == text


def test_markdown_has_a_row_each() -> None:
    rows = table_rows(SAMPLES, ["a 1"])
    lines = format_markdown(rows, "Two cores.").splitlines()
    assert lines[0] == "Two cores."
    assert len(lines) == 2 + 2 + len(rows)
    assert all(line.count("|") == len(HEAD) + 1 for line in lines[2:])


def test_document_is_json_and_keeps_every_sample() -> None:
    rows = table_rows(SAMPLES, ["a 1"])
    found = json.loads(json.dumps(document(rows, {"cores": 2})))
    assert found["machine"] == {"cores": 2}
    assert found["rows"][0]["samples"] == [2.0, 2.2, 2.1]
    assert found["rows"][3]["goal"] == {"limit": 1.2, "aim": 1.0, "at_least": False}


def test_the_newest_run_replaces_the_one_before() -> None:
    page = f"# Title\n{BEGIN}\nold\n{END}\nend\n"
    assert replaced(page, r"new \1" + "\n") == f"# Title\n{BEGIN}\nnew \\1\n{END}\nend\n"
    with pytest.raises(ValueError, match="newest run"):
        replaced("# Title\n", "new")


def test_the_docs_have_a_place_for_it() -> None:
    assert replaced(PAGE.read_text("utf-8"), "x")


def test_machine_is_said_in_a_sentence() -> None:
    machine = {"date": "today", "cores": 2, "processor": "P", "memory_gb": 8.1, "kernel": "6.9",
               "load_before": 0.5, "load_after": 1.5}  # fmt: skip
    assert remark(machine) == (
        "today: 2 cores (P), 8.1 GB, Linux 6.9; load average 0.5 before the run and 1.5 after it."
    )
