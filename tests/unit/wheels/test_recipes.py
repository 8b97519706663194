"""Recipes: read strictly, merged from general to special, part of a job's id."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from packaging.version import Version

from manyloong.errors import InputError, NotFoundError
from manyloong.wheels.job import Options, with_recipe
from manyloong.wheels.recipe_keys import Skip
from manyloong.wheels.recipes import (
    Recipe,
    choose_recipe,
    debts,
    merged,
    parse_recipe,
    parse_tool_table,
    read_recipe,
    read_recipes,
    shipped_names,
    shipped_recipe,
    unserved_recipe,
)
from manyloong.wheels.registry import IndexFile, Release, require_release

WHOLE = """
why = "because"
versions = ">=2,<3"
ports = ["zlib"]
dispatched = ["*_lasx"]
build-requires = ["swig>=4"]
patches = ["fix.patch"]

[config-settings]
setup-args = ["-Da=b"]
"build.verbose" = "true"

[environment]
WITH_X = "1"

[test]
command = "pytest {project}/tests"
requires = ["pytest>=8"]
import-first = ["host"]
skips = [{ test = "tests/a.py::*", reason = "reads the web" }]
"""
PATCH = (
    "Fix it.\nUpstream-Status: Submitted [https://example.org/1]\n--- a/x.c\n+++ b/x.c\n@@ -1 +1 @@\n-a\n+b\n"
)


def parse(text: str, folder: Path | None = None) -> Recipe:
    return parse_recipe(text, where="demo.toml", name="demo", patches=folder)


def test_every_key_arrives(tmp_path: Path) -> None:
    (tmp_path / "fix.patch").write_text(PATCH, "utf-8")
    recipe = parse(WHOLE, tmp_path)
    assert recipe.ports == ("zlib",)
    assert recipe.config_settings == (("setup-args", ("-Da=b",)), ("build.verbose", "true"))
    assert recipe.skips == (Skip(test="tests/a.py::*", reason="reads the web"),)
    assert recipe.import_first == ("host",)
    assert recipe.build_requires == ("swig>=4",)
    assert recipe.patches[0].status == "Submitted [https://example.org/1]"
    assert recipe.serves("2.5")
    assert not recipe.serves("3.0")
    assert {kind for kind, _, _ in debts(recipe)} == {
        "port", "build requirement", "config setting", "environment", "patch", "dispatched", "skip",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("port = ['x']", "demo.toml: port: unknown key", "did you mean 'ports'"),
        ("[test]\nskip = []", "demo.toml: test: skip: unknown key", "did you mean 'skips'"),
        ("[test]\nskips = [{test = 'x'}]", "test: skips[0]: a skip has a test and a reason", "recipes.md"),
        ("[test]\nskips = ['x']", "test: skips[0]", "recipes.md"),
        ("[test]\nrequires = ['=']", "'=' is no requirement", "recipes.md"),
        ("versions = 'new'", "not a set of version specifiers: 'new'", "versions ="),
        ("ports = 'zlib'", "ports: not a list of strings", "recipes.md"),
        ("environment = 1", "environment: not a table", "[environment]"),
        ("test = 1", "test: not a table", "[test]"),
        ("[environment]\nA = 1", "environment.A: not a string: 1", "recipes.md"),
        ("[config-settings]\na = [1]", "config-settings.a: neither a string nor", "recipes.md"),
        ("why = ''", "why: not a string with something in it", "recipes.md"),
        ("patches = ['no.patch']", "patches: no file 'no.patch' beside", "recipes.md"),
        ("patches = ['../fix.patch']", "patches: no file '../fix.patch' beside", "recipes.md"),
        ("a b", "demo.toml is not valid TOML", "correct"),
    ],
)
def test_faults_name_their_key(text: str, message: str, hint: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        parse(text, tmp_path)
    assert message in caught.value.message
    assert hint in (caught.value.hint or "")


def test_several_faults_come_together() -> None:
    with pytest.raises(ExceptionGroup) as caught:
        parse("port = 1\nversions = 2\n")
    assert len(caught.value.exceptions) == 2


def test_a_patch_says_where_it_stands(tmp_path: Path) -> None:
    (tmp_path / "fix.patch").write_text(PATCH.replace("Upstream-Status", "Status"), "utf-8")
    with pytest.raises(InputError, match="has no Upstream-Status line before its first change"):
        parse("patches = ['fix.patch']", tmp_path)


def test_general_before_special() -> None:
    general = parse("ports = ['a']\n[config-settings]\nx = ['1']\ny = '1'\n[test]\ncommand = 'one'")
    special = parse("ports = ['b', 'a']\n[config-settings]\nx = '2'\ny = '2'\n[test]\ncommand = 'two'")
    both = merged(general, special)
    assert both.ports == ("a", "b")
    assert dict(both.config_settings) == {"x": ("1", "2"), "y": "2"}
    assert both.test_command == "two"


def test_the_command_line_is_most_special() -> None:
    recipe = parse("[environment]\nA = '1'\nB = '1'\n[test]\ncommand = 'one'\nrequires = ['pytest']")
    options = with_recipe(Options(environment=(("B", "2"),), test_requires=("tox",)), recipe)
    assert dict(options.environment) == {"A": "1", "B": "2"}
    assert options.test_command == "one"
    assert options.test_requires == ("pytest", "tox")
    assert with_recipe(Options(test_command="two"), recipe).test_command == "two"


def test_the_projects_own_table() -> None:
    assert parse_tool_table("[tool.manyloong]\nports = ['a']", where="p").ports == ("a",)
    assert parse_tool_table("[project]\nname = 'a'", where="p") == Recipe()
    assert parse_tool_table("this is no TOML", where="p") == Recipe()
    with pytest.raises(InputError, match=r"p: tool\.manyloong: versions: has no place here"):
        parse_tool_table("[tool.manyloong]\nversions = '>1'", where="p")
    with pytest.raises(InputError, match="is not a table"):
        parse_tool_table("[tool]\nmanyloong = 1", where="p")


def test_a_recipe_of_the_users_wins(tmp_path: Path) -> None:
    file = tmp_path / "NumPy.toml"
    file.write_text("versions = '<3'\n[environment]\nMINE = '1'\n", "utf-8")
    (own,) = read_recipes([tmp_path])
    assert own == read_recipe(file)
    assert choose_recipe("numpy", "2.5.5", [own]) == own
    assert choose_recipe("other", "1", [own]) == Recipe()
    with pytest.raises(InputError, match=r"is for numpy <3, not for 3\.1"):
        choose_recipe("numpy", "3.1", [own])
    with pytest.raises(InputError, match="neither a recipe"):
        read_recipes([tmp_path / "none.toml"])


def test_the_digest_is_of_what_decides_a_build() -> None:
    one = parse("why = 'a'\nversions = '>1'")
    assert one.digest == Recipe().digest
    assert parse("ports = ['a']").digest != one.digest


@pytest.mark.parametrize("name", shipped_names())
def test_shipped_recipes_are_good_and_say_why(name: str) -> None:
    recipe = shipped_recipe(name)
    assert recipe.why
    assert debts(recipe) or recipe.test_command


def test_a_recipe_that_is_not_there() -> None:
    with pytest.raises(NotFoundError) as caught:
        shipped_recipe("nunpy")
    assert caught.value.hint == "did you mean 'numpy'?"


class OneRelease:
    """An index with one release of everything."""

    def releases(self, project: str) -> Mapping[Version, Release]:
        files: tuple[IndexFile, ...] = ()
        return {Version("2.0"): Release(project=project, version="2.0", files=files)}


def test_a_shipped_recipe_for_other_releases_is_left_out_and_that_is_known() -> None:
    served, other = "3.6.1", "3.8.0"
    assert choose_recipe("pyproj", served, []).ports == ("proj",)
    assert unserved_recipe("pyproj", served, []) is None
    assert choose_recipe("pyproj", other, []) == Recipe()
    left = unserved_recipe("PyProj", other, [])
    assert left is not None
    assert "PROJ 9.2" in left.why
    assert unserved_recipe("pyproj", other, [parse_recipe("", where="own", name="pyproj")]) is None
    assert unserved_recipe("nosuch", "1", []) is None


def test_a_recipe_for_a_version_that_does_not_exist() -> None:
    require_release("demo", ">=2", OneRelease())
    with pytest.raises(NotFoundError, match="the recipe of demo is for >=3, and no release fits") as caught:
        require_release("demo", ">=3", OneRelease())
    assert caught.value.hint == "the newest is demo==2.0"


def test_the_page_names_every_key() -> None:
    page = (Path(__file__).parents[3] / "docs" / "reference" / "recipes.md").read_text("utf-8")
    keys = (
        "why",
        "versions",
        "ports",
        "dispatched",
        "patches",
        "[config-settings]",
        "[environment]",
        "[test]",
    )
    assert not [key for key in (*keys, "command", "requires", "skips") if f"`{key}`" not in page]
