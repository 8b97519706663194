"""A project's own cibuildwheel table: its hooks run, its options hold, its faults are named."""

import json
from pathlib import Path

import pytest
from tests.system.manyloong_cli import build, manyloong

HOOKED = Path(__file__).parent / "hooked"
PLAIN = HOOKED.parent / "projects" / "setuptools"
PYTHON = ("--python", "cp313")

pytestmark = pytest.mark.system


def test_hooks_around_a_build_and_its_tests(tmp_path: Path) -> None:
    (result,) = build(HOOKED, *PYTHON, "--force", output=tmp_path)
    record = result["record"]
    assert {report["outcome"] for report in record["tests"]} == {"passed"}
    assert record["variables"]["HERE"] == "/project"
    assert [name for name in record["kit"] if name.startswith("port libffi")]
    (six,) = (row for row in record["downloads"] if row["origin"] == "index")
    assert "/six-" in six["url"]
    assert six["declared"] == f"sha256:{six['sha256']}"
    assert record["hermetic"] is True
    assert [note for note in record["notes"] if note.startswith("manylinux-x86_64-image: not used")]


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("CIBW_BEFORE_ALL", "echo last words; exit 3", ["before-all failed (exit status 3)", "last words"]),
        ("CIBW_BEFORE_BUILD", "false {package}", ["before-build failed (exit status 1): false {package}"]),
        ("CIBW_BEFORE_TEST", "echo last words; exit 4", ["before-test failed (exit status 4)", "last words"]),
        (
            "CIBW_BEFORE_BUILD",
            "address=downloads.example.org; curl -fsSLO https://$address/a.tar.gz",
            ["downloads https://downloads.example.org/a.tar.gz", "403", "--network-hooks"],
        ),
    ],
)
def test_a_hook_that_fails_is_named(variable: str, value: str, said: list[str], tmp_path: Path) -> None:
    late = variable == "CIBW_BEFORE_TEST"  # only what comes before it can fail the build
    cleared = {} if late else dict.fromkeys(("CIBW_BEFORE_ALL", "CIBW_BEFORE_BUILD"), "")
    ran = manyloong("build", HOOKED, *PYTHON, "-o", tmp_path, variables={**cleared, variable: value})
    assert ran.returncode == (10 if late else 8), ran.stderr
    for text in said:
        assert text in ran.stderr
    assert "Traceback" not in ran.stderr


def test_what_a_table_comes_to_is_shown_before() -> None:
    ran = manyloong("build", HOOKED, "--dry-run", "--json", variables={"CIBW_BUILD": "cp31[45]-*"})
    plan = ran.json()["plan"]
    assert [job["identifier"] for job in plan] == [
        "cp314-manylinux_loongarch64",
        "cp315-manylinux_loongarch64",
    ]
    assert plan[0]["hooks"]["before"][0].startswith("yum install -y libffi-devel && ")
    ran = manyloong("build", HOOKED, "--dry-run", "--no-table", "--json")
    assert len(ran.json()["plan"]) == 3
    assert "hooks" not in ran.json()["plan"][0]


def test_a_table_that_was_expected_and_is_not_there_is_said() -> None:
    assert "has no cibuildwheel table" in manyloong("build", PLAIN, *PYTHON, "--dry-run", "--table").stderr
    for option in ((), ("--no-table",)):
        assert "cibuildwheel" not in manyloong("build", PLAIN, *PYTHON, "--dry-run", *option).stderr


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("CIBW_SKIP", "*", "names no Python"),
        ("CIBW_BILD", "*", "did you mean 'CIBW_BUILD'?"),
        ("CIBW_TEST_COMMAND", "pytest {projct}", "there is no placeholder {projct}"),
    ],
)
def test_faults_end_it_before_it_starts(name: str, value: str, said: str, tmp_path: Path) -> None:
    ran = manyloong("build", HOOKED, *((*PYTHON,) if name != "CIBW_SKIP" else ()), "-o", tmp_path,
                    variables={name: value})  # fmt: skip
    assert ran.returncode == 2
    assert said in ran.stderr


def test_a_matrix_is_one_line_of_json() -> None:
    ran = manyloong("matrix", HOOKED, "--jobs", "2", "--json")
    rows = json.loads(ran.stdout)["include"]
    assert [row["python"] for row in rows] == ["cp313,cp315", "cp314"]
    assert ran.stdout.count("\n") == 1
