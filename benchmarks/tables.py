"""A small project with and without a cibuildwheel table: what reading the table costs a build."""

from collections.abc import Iterator
from pathlib import Path

from benchmarks.commands import take_command
from benchmarks.goals import FIRST, PLAIN, TABLE, peak_key

_FILES = {
    "small.c": """\
#include <Python.h>
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "small", 0, 0, 0, 0, 0, 0, 0};
PyMODINIT_FUNC PyInit_small(void) { return PyModule_Create(&module); }
""",
    "pyproject.toml": """\
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[project]
name = "small"
version = "1"
[tool.setuptools]
ext-modules = [{name = "small", sources = ["small.c"]}]
""",
}
# Options that change nothing of the work: what is measured is that they are read.
_TABLE = """
[tool.cibuildwheel]
build = "cp313-*"
environment = { SMALL = "1" }
[[tool.cibuildwheel.overrides]]
select = "*-musllinux*"
environment = { SMALL = "2" }
"""


def take_tables(number: int, place: Path) -> Iterator[tuple[str, float]]:
    """One round: the project without a table, with one that is new, and with that one again.

    Each round has sources of its own, so nothing that an earlier one has read is known.
    """
    plain = _project(place / "plain", number)
    table = _project(place / "table", number, _TABLE)
    for what, project in ((PLAIN, plain), (FIRST, table), (TABLE, table)):
        output = ("--output", str(place / f"wheelhouse-{what}"))
        for name, value in take_command(what, "build", str(project), "--python", "cp313", "--force", *output):
            if name != peak_key(what):
                yield name, value


def _project(folder: Path, number: int, table: str = "") -> Path:
    folder.mkdir()
    for name, text in _FILES.items():
        more = f"{table}# {number}\n" if name.endswith(".toml") else ""
        (folder / name).write_text(text + more, "utf-8")
    return folder
