"""The audit verb: text, JSON, SARIF, exit codes, environments, inputs that are wrong."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from manyloong.cli import app as application
from manyloong.corpus import Elf, Wheel, make_elf, make_wheel
from manyloong.errors import NotFoundError, VerdictError
from manyloong.targets import all_rules

NAME = "example-1.0-cp313-cp313-manylinux_2_36_loongarch64.whl"
EXTENSION = "example/_x.cpython-313-loongarch64-linux-gnu.so"
RUN = CliRunner()


def wheel(folder: Path, elf: Elf, name: str = NAME) -> str:
    path = folder / name
    path.write_bytes(make_wheel(Wheel(name=name, files=((EXTENSION, make_elf(elf)),))))
    return str(path)


@pytest.fixture
def good(tmp_path: Path) -> str:
    return wheel(tmp_path, Elf())


@pytest.fixture
def warned(tmp_path: Path) -> str:
    return wheel(tmp_path, Elf(align=0x4000))


@pytest.fixture
def bad(tmp_path: Path) -> str:
    folder = tmp_path / "bad"
    folder.mkdir()
    return wheel(folder, Elf(e_flags=0x41))


def test_accepted_wheel_is_one_line(good: str) -> None:
    result = RUN.invoke(application.app, ["audit", good])
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        f"accepted {NAME}  for manylinux_2_36_loongarch64: no findings; 1 ELF file, 0.0 MB of code"
    ]


def test_refused_wheel_names_rule_and_advice(good: str, bad: str) -> None:
    result = RUN.invoke(application.app, ["audit", good, bad])
    assert result.exit_code == VerdictError.exit_code
    assert "error ML003" in result.stdout
    assert "do: use binutils" in result.stdout
    assert "1 of 2 accepted" in result.stdout


@pytest.mark.parametrize(("level", "code"), [("error", 0), ("warning", 9), ("note", 9), ("never", 0)])
def test_fail_on(warned: str, level: str, code: int) -> None:
    assert RUN.invoke(application.app, ["audit", warned, "--fail-on", level]).exit_code == code


def test_colours_follow_the_environment(bad: str) -> None:
    plain = RUN.invoke(application.app, ["audit", bad], env={"NO_COLOR": "1", "FORCE_COLOR": "1"})
    colour = RUN.invoke(application.app, ["audit", bad], env={"NO_COLOR": "", "FORCE_COLOR": "1"})
    assert "\x1b" not in plain.stdout
    assert "\x1b[1;31m" in colour.stdout


def test_json_has_verdicts_and_facts(bad: str) -> None:
    result = RUN.invoke(application.app, ["audit", bad, "--json", "--facts"])
    (one,) = json.loads(result.stdout)["audits"]
    assert not one["accepted"]
    assert one["target"] == "manylinux_2_36_loongarch64"
    assert one["findings"][0]["rule"] == "ML003"
    assert one["findings"][0]["evidence"][0]["value"] == "0x41"
    assert one["facts"]["elves"][0]["e_flags"] == 0x41


def test_sarif_lists_all_rules_and_results(bad: str) -> None:
    document = json.loads(RUN.invoke(application.app, ["audit", bad, "--sarif"]).stdout)
    (run,) = document["runs"]
    assert document["version"] == "2.1.0"
    assert [one["id"] for one in run["tool"]["driver"]["rules"]] == [one.id for one in all_rules()]
    assert [(one["ruleId"], one["level"]) for one in run["results"]] == [("ML003", "error")]


def test_missing_input_does_not_stop_the_others(good: str) -> None:
    result = RUN.invoke(application.app, ["audit", "missing.whl", good])
    assert "accepted" in result.stdout
    assert isinstance(result.exception, ExceptionGroup)
    assert isinstance(result.exception.exceptions[0], NotFoundError)


def test_dispatched_function_that_ran_without_is_accepted(tmp_path: Path) -> None:
    path = wheel(tmp_path, Elf(code=(("add_lasx", (0x740A0000,)),)))
    ran, named = ["--ran-on", "la464,lasx=off"], ["--dispatched", "*_lasx"]
    for arguments, code in (
        ([], VerdictError.exit_code),
        (named, VerdictError.exit_code),
        (ran, VerdictError.exit_code),
        ([*named, "--ran-on", "la464"], VerdictError.exit_code),
        ([*ran, "--dispatched", "*_lsx"], VerdictError.exit_code),
        ([*named, *ran], 0),
    ):
        result = RUN.invoke(application.app, ["audit", path, *arguments])
        assert (arguments, result.exit_code) == (arguments, code)


def test_directory_of_wheels(good: str, bad: str) -> None:
    result = RUN.invoke(application.app, ["audit", str(Path(good).parent), str(Path(bad).parent)])
    assert "1 of 2 accepted" in result.stdout


def test_installed_finds_old_world_wheels(tmp_path: Path) -> None:
    site = tmp_path / "lib" / "python3.13" / "site-packages"
    (site / "example").mkdir(parents=True)
    (site / EXTENSION).write_bytes(make_elf(Elf(e_flags=3, needed=("libc.so.6", "ld.so.1"))))
    info = site / "example-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: example\nVersion: 1.0\n")
    (info / "WHEEL").write_text("Wheel-Version: 1.0\nTag: cp313-cp313-linux_loongarch64\n")
    (info / "RECORD").write_text(f"{EXTENSION},,\nexample-1.0.dist-info/RECORD,,\n")
    result = RUN.invoke(application.app, ["audit", "--installed", str(tmp_path)])
    assert result.exit_code == VerdictError.exit_code
    assert [rule for rule in ("ML003", "ML012", "ML022") if rule in result.stdout] == [
        "ML003",
        "ML012",
        "ML022",
    ]


def test_unknown_target_names_the_known(good: str) -> None:
    result = RUN.invoke(application.app, ["audit", good, "--target", "manylinux_2_17"])
    assert isinstance(result.exception, NotFoundError)
    assert "manylinux_2_43_loongarch64" in (result.exception.hint or "")


def test_url_of_a_file(good: str, tmp_path: Path) -> None:
    env = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "MANYLOONG_CACHE_DIR": str(tmp_path / "cache")}
    result = RUN.invoke(application.app, ["audit", Path(good).as_uri()], env=env)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("accepted")


EMPTY_ZIP = b"PK\x05\x06" + bytes(18)


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"", "ML087"),
        (b"PK", "ML087"),
        (EMPTY_ZIP, "ML088"),
        (EMPTY_ZIP[:-1], "ML087"),
        (b"\x7fELF" * 9, "ML087"),
    ],
)
def test_broken_wheels_are_verdicts_not_tracebacks(data: bytes, rule: str, tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(data)
    result = RUN.invoke(application.app, ["audit", str(tmp_path / NAME)])
    assert result.exit_code == VerdictError.exit_code
    assert isinstance(result.exception, SystemExit)
    assert f"error {rule}" in result.stdout


def test_facts_name_every_file_and_the_metadata(good: str) -> None:
    (one,) = json.loads(RUN.invoke(application.app, ["audit", good, "--json", "--facts"]).stdout)["audits"]
    assert [EXTENSION, len(make_elf(Elf()))] in one["facts"]["files"]
    assert ["name", "example"] in one["facts"]["metadata"]
