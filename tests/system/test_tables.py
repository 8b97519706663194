"""A project's own cibuildwheel table: its hooks run, its options hold, its faults are named."""

import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[str]:
    """A server of this machine that is on no index: its address, with one file."""
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "answer.txt").write_text("loongarch64", "utf-8")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *rest: Any) -> None:
            super().__init__(*rest, directory=str(tmp_path / "served"))

        def log_message(self, format: str, *rest: object) -> None:  # noqa: A002 - as it is called there
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/answer.txt"
        server.shutdown()
        thread.join()


def test_hooks_have_a_network_only_where_the_user_says_so_and_the_record_tells(
    outside: str, tmp_path: Path
) -> None:
    variables = {"CIBW_BEFORE_BUILD": f"curl -fsSo {{project}}/made_by_hook.txt {outside}"}
    command = ("build", HOOKED, *PYTHON, "--no-test", "-o", tmp_path)
    ran = manyloong(*command, variables=variables)
    assert ran.returncode == 8, ran.stderr
    assert "before-build failed" in ran.stderr
    ran = manyloong(*command, "--network-hooks", "--json", variables=variables)
    assert ran.returncode == 0, ran.stderr
    (result,) = ran.json()["results"]
    assert result["record"]["hermetic"] is False


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
