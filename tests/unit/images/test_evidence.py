"""The committed run of `make test-oci` is about today's images, or is said not to be made yet."""

import json
from pathlib import Path

from evidence import oci

README = Path(oci.HERE / "README.md").read_text("utf-8")
PENDING = README.partition("results are not made yet")[2]


def test_its_inputs_are_files_of_this_tree() -> None:
    assert len(oci.digest()) == 64


def test_it_is_not_stale_and_everything_was_answered() -> None:
    if not oci.RESULTS.is_file():
        assert "| `oci.json` |" in PENDING, f"make it: {oci.COMMAND}"
        return
    assert "| `oci.json` |" not in PENDING
    document = json.loads(oci.RESULTS.read_text("utf-8"))
    assert document["inputs"] == oci.digest(), f"stale, make it again: {document['command']}"
    results = document["results"]
    assert results["failed"] == []
    assert results["skipped"] == []
    assert any("test_stock_cibuildwheel" in name for name in results["passed"])


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
