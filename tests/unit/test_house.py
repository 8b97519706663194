"""House style that a linter cannot see: short modules, short functions, the doors used."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "manyloong"
MODULES = sorted(SOURCE.rglob("*.py"))
ENVIRON_ROOMS = {"config", "cli"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_module_and_functions_are_short(path: Path) -> None:
    text = path.read_text("utf-8")
    assert text.count("\n") <= 400
    tree = ast.parse(text)
    functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    lengths = {
        f.name: (f.end_lineno or 0) - f.body[0].lineno + 1 for f in functions
    }  # signatures are not code
    long = [f"{name}: {length}" for name, length in lengths.items() if length > 40]
    assert not long


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_environment_is_read_at_the_edge_only(path: Path) -> None:
    room = path.relative_to(SOURCE).parts[0]
    text = path.read_text("utf-8")
    assert "os.chdir" not in text
    # Files under */payload/ run inside a sandbox, as programs of their own.
    if room not in ENVIRON_ROOMS and "payload" not in path.parts:
        assert "os.environ" not in text
        assert "os.getenv" not in text
