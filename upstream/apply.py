"""Add loongarch64 to a source tree of another project: ``python upstream/apply.py PROJECT DIRECTORY``.

``upstream/PROJECT/edits.toml`` says what: each edit names a file, an anchor that stands in it exactly once,
and text of ours to put after, before or instead of the anchor; ``[[create]]`` adds files of ours. All anchors
are looked for before the first file is written. Standard library only, so that it runs anywhere.
"""

import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent


class EditError(Exception):
    """An edit that does not fit the tree."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One place of one file."""

    file: str
    where: str  # "after", "before" or "replace"
    anchor: str
    text: str

    def apply(self, old: str, *, before: str) -> str:
        """The file's text with the edit made; EditError where the anchor is not there exactly once.

        ``before`` is the file without any edit: what has the text already is not edited twice.
        """
        if self.text in before:
            raise EditError(f"{self.file}: has it already: {self.text.strip().splitlines()[0]!r}")
        found = old.count(self.anchor)
        if found != 1:
            raise EditError(f"{self.file}: {found} places, not one, have {self.anchor!r}")
        new = {"after": self.anchor + self.text, "before": self.text + self.anchor, "replace": self.text}
        return old.replace(self.anchor, new[self.where])


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """All that is done to one project."""

    project: str
    tests: tuple[str, ...]  # arguments of pytest: all its unit tests
    near: tuple[str, ...]  # those of what is edited
    network: tuple[str, ...]  # those that fetch from the internet, which no build machine reaches
    group: str  # the dependency group of the project that its tests need
    without: tuple[str, ...]  # requirements whose lower bound the newest release on an index may not meet
    edits: tuple[Edit, ...]
    created: Mapping[str, str]


def parse_script(project: str, text: str, files: Path) -> Script:
    """An edits.toml; EditError where it says nothing that can be done."""
    document = tomllib.loads(text)
    edits = []
    for number, table in enumerate(document.get("edit", ()), start=1):
        where = [name for name in ("after", "before", "replace") if name in table]
        if len(where) != 1 or set(table) != {"file", "text", *where}:
            raise EditError(f"{project}: edit {number} needs file, text and one of after, before, replace")
        edits.append(Edit(file=table["file"], where=where[0], anchor=table[where[0]], text=table["text"]))
    return Script(
        project=project,
        tests=tuple(document["tests"]),
        near=tuple(document["near"]),
        network=tuple(document.get("network", ())),
        group=document.get("group", ""),
        without=tuple(document.get("without", ())),
        edits=tuple(edits),
        created={
            table["file"]: (files / table["from"]).read_text("utf-8") for table in document.get("create", ())
        },
    )


def load_script(project: str) -> Script:
    """The committed script of a project; EditError, with the names there are, for another one."""
    path = HERE / project / "edits.toml"
    if not path.is_file():
        known = ", ".join(sorted(found.parent.name for found in HERE.glob("*/edits.toml")))
        raise EditError(f"no edits for {project!r}; there are: {known}")
    return parse_script(project, path.read_text("utf-8"), path.parent)


def planned(script: Script, tree: Path) -> dict[str, str]:
    """Every file that changes and its new text; EditError, naming all that do not fit, for another tree."""
    texts: dict[str, str] = {}
    faults: list[str] = []
    for edit in script.edits:
        try:
            before = (tree / edit.file).read_text("utf-8")
            texts[edit.file] = edit.apply(texts.get(edit.file, before), before=before)
        except OSError:
            faults.append(f"{edit.file}: no such file in {tree}")
        except EditError as error:
            faults.append(str(error))
    for name, text in script.created.items():
        if (tree / name).exists():
            faults.append(f"{name}: is there already")
        texts[name] = text
    if faults:
        raise EditError(f"{script.project}: nothing was changed\n  " + "\n  ".join(faults))
    return texts


def main(arguments: list[str]) -> int:
    """Apply, or say why not."""
    if len(arguments) != 2:
        print("usage: python upstream/apply.py PROJECT DIRECTORY", file=sys.stderr)
        return 2
    project, directory = arguments
    try:
        texts = planned(load_script(project), Path(directory))
    except EditError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    for name, text in texts.items():
        (Path(directory) / name).write_text(text, "utf-8")
        print(name)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
