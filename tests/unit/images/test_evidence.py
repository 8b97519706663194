"""The committed run of `make test-oci` is about today's images, and whole."""

import json
from pathlib import Path

from evidence import oci


def test_its_inputs_are_files_of_this_tree() -> None:
    assert len(oci.digest()) == 64


def test_it_is_not_stale_and_every_question_was_answered_well() -> None:
    assert oci.RESULTS.is_file(), f"make it: {oci.COMMAND}"
    document = json.loads(oci.RESULTS.read_text("utf-8"))
    assert document["inputs"] == oci.digest(), f"stale, make it again: {document['command']}"
    results = document["results"]
    assert results["failed"] == []
    assert results["skipped"] == []
    assert any("test_stock_cibuildwheel" in name for name in document["questions"])
    assert results["passed"] == document["questions"], f"asked in part: {document['command']}"


def test_outcomes_of_a_report(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text(
        "<testsuites><testsuite>"
        '<testcase classname="tests.oci.test_a" name="one"/>'
        '<testcase classname="tests.oci.test_a" name="two"><failure/></testcase>'
        '<testcase classname="tests.oci.test_a" name="three"><error/></testcase>'
        '<testcase classname="tests.oci.test_b" name="four"><skipped/></testcase>'
        "</testsuite></testsuites>",
        "utf-8",
    )
    assert oci.outcomes(report) == {
        "passed": ["test_a::one"],
        "failed": ["test_a::three", "test_a::two"],
        "skipped": ["test_b::four"],
    }


def test_a_run_that_broke_goes_on_where_it_was() -> None:
    questions = ["tests/oci/test_a.py::one[x]", "tests/oci/test_a.py::one[y]", "tests/oci/test_b.py::two"]
    before = {"results": {"passed": ["test_a::one[x]"], "failed": ["test_b::two"], "skipped": []}}
    passed = before["results"]["passed"]
    assert oci.left(questions, passed, ()) == questions[1:]
    assert oci.left(questions, passed, ("[x]", "test_b")) == questions[2:]
    now = {"passed": ["test_b::two"], "failed": ["test_a::one[y]"], "skipped": []}
    assert oci.together(before, now) == {
        "passed": ["test_a::one[x]", "test_b::two"],
        "failed": ["test_a::one[y]"],
        "skipped": [],
    }
    assert oci.together({}, now) == now
