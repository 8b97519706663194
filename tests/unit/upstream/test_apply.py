"""The edit scripts: what they refuse, and that the committed ones say what they should."""

from pathlib import Path

import pytest
from upstream.apply import HERE, EditError, load_script, main, parse_script, planned

PROJECTS = sorted(path.parent.name for path in HERE.glob("*/edits.toml"))
TABLE = '[[edit]]\nfile = "a.txt"\nafter = "one\\n"\ntext = "two\\n"\n'
HEAD = 'tests = ["t"]\nnear = []\n'


def tree_with(folder: Path, text: str) -> Path:
    (folder / "a.txt").write_text(text, "utf-8")
    return folder


def test_text_goes_after_before_and_instead(tmp_path: Path) -> None:
    tree = tree_with(tmp_path, "one\nthree\n")
    for where, text in {
        "after": "one\ntwo\nthree\n",
        "before": "two\none\nthree\n",
        "replace": "two\nthree\n",
    }.items():
        script = parse_script("demo", HEAD + TABLE.replace("after", where), tmp_path)
        assert planned(script, tree) == {"a.txt": text}


@pytest.mark.parametrize(
    ("text", "reason"),
    [("no\n", "0 places"), ("one\none\n", "2 places"), ("one\ntwo\n", "has it already")],
    ids=["anchor is gone", "anchor is twice", "applied"],
)
def test_a_tree_that_does_not_fit_is_left_alone(tmp_path: Path, text: str, reason: str) -> None:
    tree = tree_with(tmp_path, text)
    with pytest.raises(EditError, match=reason):
        planned(parse_script("demo", HEAD + TABLE, tmp_path), tree)
    assert (tree / "a.txt").read_text("utf-8") == text


def test_all_faults_are_named_at_once(tmp_path: Path) -> None:
    script = parse_script("demo", HEAD + TABLE + TABLE.replace("a.txt", "b.txt"), tmp_path)
    with pytest.raises(EditError) as caught:
        planned(script, tree_with(tmp_path, "no\n"))
    assert "a.txt" in str(caught.value)
    assert "b.txt: no such file" in str(caught.value)


def test_an_edit_needs_one_place(tmp_path: Path) -> None:
    with pytest.raises(EditError, match="edit 1 needs"):
        parse_script("demo", HEAD + TABLE + 'before = "x"\n', tmp_path)


def test_the_program_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert main(["nothing", str(tmp_path)]) == 1
    assert "cibuildwheel" in capsys.readouterr().err
    assert main(["packaging", str(tmp_path)]) == 1
    assert "no such file" in capsys.readouterr().err


@pytest.mark.parametrize("project", PROJECTS)
def test_committed_scripts(project: str) -> None:
    """Anchors are short, so that little of a project is here and a new release rarely breaks them."""
    script = load_script(project)
    assert any("loongarch64" in edit.text for edit in script.edits)
    for edit in script.edits:
        if edit.where != "replace":
            assert edit.anchor.count("\n") <= 3, edit.anchor
    description = (HERE / project / "README.md").read_text("utf-8")
    for edit in script.edits:
        assert Path(edit.file).name in description, edit.file
