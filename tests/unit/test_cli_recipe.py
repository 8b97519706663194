"""``manyloong recipe``: every fault at once, with its place, its hint and the gravest exit code."""

from pathlib import Path

import pytest

from manyloong.cli.recipe import list_recipes, show
from manyloong.cli.recipe_check import check_recipes
from manyloong.errors import InputError, NotFoundError
from manyloong.wheels.recipes import shipped_names


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / f"{name}.toml"
    path.write_text(text, "utf-8")
    return path


def test_shipped_recipes_pass(capsys: pytest.CaptureFixture[str]) -> None:
    assert check_recipes([], offline=True) == 0
    assert f"{len(shipped_names())} recipes, 0 with faults" in capsys.readouterr().out


def test_every_fault_of_every_recipe_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "good", "ports = ['zlib']\n")
    write(tmp_path, "bad", "port = ['zlib']\nversions = 'new'\n")
    write(tmp_path, "worse", "ports = ['zlip', 'opensll']\n")
    assert check_recipes([tmp_path], offline=True) == NotFoundError.exit_code
    said = capsys.readouterr()
    assert "good.toml: good" in said.out
    assert "3 recipes, 2 with faults" in said.out
    for words in (
        "did you mean 'ports'",
        "versions: not a set",
        "no port 'zlip', which the recipe of worse",
        "no port 'opensll', which the recipe of worse",
        "zlib",
    ):
        assert words in said.err


def test_a_recipe_may_name_ports_of_the_users_own(tmp_path: Path) -> None:
    write(tmp_path, "demo", "ports = ['mine']\n")
    folder = tmp_path / "ports"
    folder.mkdir()
    source = f'source = {{ path = "pool/m.tar", sha256 = "{"1" * 64}", size_bytes = 1 }}'
    text = 'summary = "s"\nversion = "9"\nlicence = "MIT"\nsystem = "make"\nsonames = ["libmine.so.1"]\n'
    write(folder, "mine", f"{text}{source}\n")
    assert check_recipes([tmp_path / "demo.toml"], offline=True) == NotFoundError.exit_code
    assert check_recipes([tmp_path / "demo.toml"], offline=True, folders=[folder]) == 0


def test_a_folder_without_recipes(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no recipe"):
        check_recipes([tmp_path], offline=True)


def test_debts_are_counted_and_explained(capsys: pytest.CaptureFixture[str]) -> None:
    list_recipes(debt=True)
    said = capsys.readouterr().out
    assert "config setting: setup-args = -Dallow-noblas=true  (No BLAS" in said
    assert f"lines in {len(shipped_names())} recipes" in said
    show("numpy")
    assert "test requires: pytest, hypothesis" in capsys.readouterr().out
    list_recipes(as_json=True)
    show("numpy", as_json=True)
    assert '"kind": "config setting"' in capsys.readouterr().out
