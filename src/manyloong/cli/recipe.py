"""``manyloong recipe``: what releases need beyond their own metadata."""

from pathlib import Path
from typing import Annotated

import typer

from manyloong.cli.options import AsJson

app = typer.Typer(help="Look at recipes and check them.", no_args_is_help=True)
_EPILOG = "Examples: manyloong recipe check; manyloong recipe check ./recipes/demo.toml --offline"


@app.command(name="list")
def list_recipes(
    debt: Annotated[bool, typer.Option("--debt", help="Show each line of each recipe, and why.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the recipes that come with this program."""
    from manyloong.cli import terminal
    from manyloong.wheels.recipes import debts, shipped_names, shipped_recipe

    recipes = [shipped_recipe(name) for name in shipped_names()]
    if as_json:
        rows = {
            one.name: [dict(zip(("kind", "what", "why"), row, strict=True)) for row in debts(one)]
            for one in recipes
        }
        terminal.print_json({"recipes": rows})
        return
    for recipe in recipes:
        lines = debts(recipe)
        print(f"{recipe.name} {recipe.versions or 'every version'}: {len(lines)} lines. {recipe.why}")
        for kind, what, why in lines if debt else ():
            print(f"  {kind}: {what}  ({why})")
    if debt:
        print(f"{sum(len(debts(recipe)) for recipe in recipes)} lines in {len(recipes)} recipes")


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="A project.")],
    as_json: AsJson = False,
) -> None:
    """Show one recipe as it was understood."""
    from manyloong.cli import terminal
    from manyloong.wheels.recipes import debts, recipe_document, shipped_recipe

    recipe = shipped_recipe(name)
    if as_json:
        terminal.print_json(recipe_document(recipe))
        return
    print(f"{recipe.name}  {recipe.versions or 'every version'}  sha256:{recipe.digest}")
    print(recipe.why)
    for kind, what, why in debts(recipe):
        print(f"{kind}: {what}" + (f"  ({why})" if why != recipe.why else ""))
    print(f"test: {recipe.test_command or 'imports only'}")
    if recipe.test_requires:
        print(f"test requires: {', '.join(recipe.test_requires)}")


@app.command(epilog=_EPILOG)
def check(
    recipes: Annotated[
        list[Path] | None,
        typer.Argument(help="Recipes and folders of recipes; without any, the shipped ones."),
    ] = None,
    ports: Annotated[
        list[Path], typer.Option("--ports", help="Folder of ports (NAME.toml) besides the shipped ones.")
    ] = [],  # noqa: B006 - typer copies it
    offline: Annotated[
        bool, typer.Option("--offline", help="Do not ask the index whether the versions exist.")
    ] = False,
) -> None:
    """Say of each recipe whether it is well formed and for releases that exist.

    Every fault is printed, with its key; the exit code is that of the gravest.
    """
    from manyloong.cli.recipe_check import check_recipes

    raise typer.Exit(check_recipes(recipes or [], offline=offline, folders=ports))
