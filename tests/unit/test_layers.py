"""Imports point down the table of docs/explanation/architecture.md: never up, sideways or relative."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "manyloong"

# Highest row first. A room may import rooms of lower rows only; the rooms of one row are strangers.
ROWS = (
    ("cli",),
    ("report",),
    ("farm",),
    ("index",),
    ("jobs", "rebuild"),
    ("pipeline",),
    ("supply", "results"),
    ("provenance",),
    ("record", "ci"),
    ("wheels", "audit", "spec", "corpus"),
    ("roots",),
    ("sandbox",),
    ("config", "store"),
    ("targets",),
    ("errors", "events"),
)
RANK = {room: len(ROWS) - row for row, rooms in enumerate(ROWS) for room in rooms}
MODULES = sorted(SOURCE.rglob("*.py"))


def room_of(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imported(tree: ast.Module) -> list[tuple[int, str]]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append((node.lineno, "." * node.level + (node.module or "")))
            if node.module == "manyloong":
                found += [(node.lineno, f"manyloong.{alias.name}") for alias in node.names]
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_point_down(path: Path) -> None:
    room = room_of(path)
    if room in {"__init__", "testing", "__main__"}:
        return
    wrong = []
    for line, name in imported(ast.parse(path.read_text("utf-8"))):
        parts = name.split(".")
        if name.startswith("."):
            wrong.append(f"{line}: relative import {name}")
        elif parts[0] == "manyloong" and len(parts) > 1 and parts[1] not in {room, "__version__"}:
            wrong += [f"{line}: {room} imports {name}"] * (RANK.get(parts[1], len(ROWS)) >= RANK[room])
    assert not wrong, "\n".join(wrong)


def test_every_room_has_a_row() -> None:
    rooms = {room_of(path) for path in MODULES} - {"__init__", "testing", "__main__"}
    assert rooms <= set(RANK)
