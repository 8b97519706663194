"""Hooks in the sandbox: paths are as the sandbox sees them, failures say how they ended."""

import json
from pathlib import Path

import pytest

from manyloong.errors import BuildError, IntegrityError
from manyloong.sandbox import Command, Done
from manyloong.testing import FakeRunner
from manyloong.wheels.backend import HookRunner, hook_error, prepare_workplace


def done(log: Path, text: str, *, returncode: int = 1, outcome: str = "exited") -> Done:
    log.write_text(text)
    return Done(returncode=returncode, seconds=1.0, outcome=outcome, peak_memory_bytes=0, log=log)  # type: ignore[arg-type]


def test_an_in_tree_backend_is_found_by_its_path_inside(tmp_path: Path) -> None:
    place = prepare_workplace(tmp_path / "place")
    control = tmp_path / "control"
    control.mkdir()
    kwargs = {"wheel_directory": str(place.output), "config_settings": {"a": "b"}}
    (control / "input.json").write_text(json.dumps({"kwargs": kwargs}))
    runner = FakeRunner()
    hooks = HookRunner(Command(argv=(), root=tmp_path, log=place.log), place, runner)
    extra = {"_PYPROJECT_HOOKS_BACKEND_PATH": f"{place.source}/packaging"}
    with pytest.raises(BuildError):  # the fake writes no answer
        hooks(["python", "/host/_in_process.py", "build_wheel", str(control)], "/anywhere", extra)
    (command,) = hooks.commands
    assert dict(command.environment)["_PYPROJECT_HOOKS_BACKEND_PATH"] == "/build/src/packaging"
    assert command.argv[-2:] == ("build_wheel", "/build/control/build_wheel")
    seen = json.loads((place.path / "control" / "build_wheel" / "input.json").read_text())
    assert seen["kwargs"] == {"wheel_directory": "/build/out", "config_settings": {"a": "b"}}


@pytest.mark.parametrize(
    ("outcome", "words"),
    [("exited", "failed (1)"), ("timeout", "took too long"), ("memory", "too much memory")],
)
def test_how_a_hook_ended(outcome: str, words: str, tmp_path: Path) -> None:
    text_log = done(tmp_path / "log", "line\n" * 100 + "last words\n", outcome=outcome)
    error = hook_error("build_wheel", text_log, tmp_path)
    assert words in error.message
    assert error.message.endswith("last words")
    assert error.message.count("line\n") == 29


def test_a_download_in_a_build_is_explained(tmp_path: Path) -> None:
    text = "urllib.error.URLError: <urlopen error [Errno -3] Temporary failure in name resolution>\n"
    assert "no network" in (hook_error("build_wheel", done(tmp_path / "log", text), tmp_path).hint or "")


def test_a_changed_crate_is_a_fault_of_its_bytes(tmp_path: Path) -> None:
    text = (
        "error: the listed checksum of `/build/.crates/answer-1.0.3/src/lib.rs` has changed:\nexpected: 0\n"
    )
    error = hook_error("build_wheel", done(tmp_path / "log", text), tmp_path)
    assert isinstance(error, IntegrityError)
    assert "answer-1.0.3/src/lib.rs is not the file" in error.message
