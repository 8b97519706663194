"""The generated pages: up to date, free of warnings, and without figures that nothing measured."""

import io
import json
import re
from pathlib import Path

import pytest
from docutils.core import publish_string  # type: ignore[import-untyped]
from typer.testing import CliRunner

from manyloong.cli import app as application
from manyloong.cli.spec_pages import all_pages, read_builds, read_evidence, read_records
from manyloong.errors import InputError
from manyloong.spec.pep import NEEDED, render_pep
from manyloong.targets import all_rules, judged_targets

ROOT = Path(__file__).parents[2]
EVIDENCE = ROOT / "evidence"
RUN = CliRunner()


def test_pages_are_up_to_date() -> None:
    for name, text in all_pages(read_evidence(EVIDENCE)).items():
        assert (ROOT / "docs" / name).read_text("utf-8") == text, (
            f"{name} is stale: manyloong spec pages docs"
        )


@pytest.mark.parametrize("reader", ["standalone", "pep"])
def test_the_pep_renders_without_warnings(reader: str) -> None:
    warnings = io.StringIO()
    text = (ROOT / "docs" / "pep" / "pep-loongarch64.rst").read_text("utf-8")
    settings = {"report_level": 1, "halt_level": 5, "warning_stream": warnings}
    publish_string(text, reader=reader, writer="null", settings_overrides=settings)
    assert warnings.getvalue() == ""


def test_the_pep_has_the_headers_and_sections_of_pep_1() -> None:
    text = (ROOT / "docs" / "pep" / "pep-loongarch64.rst").read_text("utf-8")
    for header in ("PEP", "Title", "Author", "Status", "Type", "Topic", "Created", "Post-History"):
        assert re.search(rf"^{header}: \S", text, re.MULTILINE)
    for section in (
        "Abstract",
        "Motivation",
        "Rationale",
        "Specification",
        "Backwards Compatibility",
        "Security Implications",
        "How to Teach This",
        "Reference Implementation",
        "Rejected Ideas",
        "Open Issues",
        "Copyright",
    ):
        assert f"\n{section}\n{'=' * len(section)}\n" in text


def test_each_figure_names_the_command_that_made_it() -> None:
    text = (ROOT / "docs" / "pep" / "pep-loongarch64.rst").read_text("utf-8")
    evidence = read_evidence(EVIDENCE)
    for name in NEEDED:
        assert f"``{evidence[name]['command']}``" in text
    marks = set(re.findall(r"\[#(\w+)\]_", text))
    assert marks == set(re.findall(r"^\.\. \[#(\w+)\]", text, re.MULTILINE))


def test_the_pep_follows_the_data() -> None:
    evidence = read_evidence(EVIDENCE)
    text = render_pep(evidence)
    for row in judged_targets():
        assert row.tag in text
    changed = json.loads(json.dumps(evidence))
    changed["debian-modules"]["results"]["modules"] = 123456
    assert "123456" in render_pep(changed)


def test_a_figure_without_evidence_is_an_error() -> None:
    for name in NEEDED:
        with pytest.raises(InputError) as missing:
            render_pep({key: one for key, one in read_evidence(EVIDENCE).items() if key != name})
        assert NEEDED[name] in missing.value.message


def test_broken_evidence_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(InputError):
        read_evidence(tmp_path)
    (tmp_path / "a.json").write_text("[]")
    with pytest.raises(InputError):
        read_evidence(tmp_path)


def test_evidence_of_builds_becomes_rows() -> None:
    wheel = {
        "wheel": "a-1-cp313-cp313-manylinux_2_36_loongarch64.whl",
        "accepted": True,
        "tests": [{"outcome": "passed", "cpu": "la464"}],
        "seconds": {"build": 1.26, "test": 2.0},
    }
    evidence = {
        "packages": {"inputs": {}, "results": {"a==1": [wheel, {**wheel, "wheel": "other"}], "b==1": []}}
    }
    (row,) = read_builds(evidence)
    assert (row.wheel, row.accepted, row.tests, row.seconds) == (wheel["wheel"], True, "passed on la464", 3.3)
    assert "a-1-cp313" in render_pep(read_evidence(EVIDENCE), (row,))


def test_build_records_become_rows(tmp_path: Path) -> None:
    record = {
        "wheel": {"filename": "a-1-py3-none-manylinux_2_36_loongarch64.whl"},
        "accepted": False,
        "tests": [],
        "stages": [{"name": "build", "seconds": 1.26}, {"name": "test", "seconds": 2.0}],
    }
    (tmp_path / "a.whl.record.json").write_text(json.dumps(record))
    (row,) = read_records(tmp_path)
    assert (row.accepted, row.tests, row.seconds) == (False, "not tested", 3.3)


def test_every_rule_has_a_row_and_a_section() -> None:
    text = (ROOT / "docs" / "reference" / "audit-rules.md").read_text("utf-8")
    for one in all_rules():
        assert f"## {one.id}\n" in text
        assert f"[{one.id}](#{one.id.lower()})" in text


def test_pages_verb_tells_stale_pages(tmp_path: Path) -> None:
    arguments = ["spec", "pages", str(tmp_path), "--evidence", str(EVIDENCE)]
    assert RUN.invoke(application.app, [*arguments, "--check"]).exit_code == 1
    assert RUN.invoke(application.app, arguments).exit_code == 0
    assert RUN.invoke(application.app, [*arguments, "--check"]).exit_code == 0


def test_pep_verb_writes_the_same_text(tmp_path: Path) -> None:
    path = tmp_path / "pep.rst"
    result = RUN.invoke(application.app, ["spec", "pep", "--evidence", str(EVIDENCE), "-o", str(path)])
    assert result.exit_code == 0
    assert path.read_text("utf-8") == (ROOT / "docs" / "pep" / "pep-loongarch64.rst").read_text("utf-8")
