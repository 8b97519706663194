"""The script that imports a wheel's modules in a test root: what comes first, and what is said of each."""

import json
import runpy
import sys
from pathlib import Path

import pytest

from manyloong.wheels.imports import parse_results
from manyloong.wheels.payload import __path__ as payload

PLUGIN = """
import sys
if "first_host" not in sys.modules:
    raise ImportError("the host has to be imported before")
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where modules are found that a wheel would bring; what was imported there is forgotten afterwards."""
    monkeypatch.syspath_prepend(tmp_path)
    for name, text in {"first_host": "", "first_plugin": PLUGIN}.items():
        (tmp_path / f"{name}.py").write_text(text, "utf-8")
        monkeypatch.delitem(sys.modules, name, raising=False)
    return tmp_path


def imported(folder: Path, monkeypatch: pytest.MonkeyPatch, *words: str) -> dict[str, str]:
    results = folder / "results"
    found = [str(results) if word == "RESULTS" else word for word in words]
    monkeypatch.setattr(sys, "argv", ["import_all.py", *found])
    runpy.run_path(str(Path(payload[0]) / "import_all.py"), run_name="__main__")
    lines = results.read_text("utf-8")
    assert "machine" in json.loads(lines.splitlines()[0])
    return {one.module: one.outcome for one in parse_results(lines)[1]}


def test_a_plugin_is_imported_after_its_host(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert imported(folder, monkeypatch, "RESULTS", "first_plugin") == {"first_plugin": "failed"}
    after = imported(folder, monkeypatch, "--first=first_host", "RESULTS", "first_plugin")
    assert after == {"first_plugin": "ok"}


def test_a_host_that_is_not_there_ends_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModuleNotFoundError, match="no_such_host"):
        imported(folder, monkeypatch, "--first=no_such_host", "RESULTS", "first_plugin")
