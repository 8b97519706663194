"""What one release needs: the user's options over its recipe over its own table, as one value."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from manyloong.errors import BuildError
from manyloong.events import Listener, Warned
from manyloong.roots import Port, Root
from manyloong.roots.fortran import LIBRARY
from manyloong.roots.ports import find_port
from manyloong.sandbox import Bind, Command, Runner
from manyloong.store import Store
from manyloong.wheels.compilers import FORTRAN, OPENMP, asked_compilers
from manyloong.wheels.cross import BUILD, HOME, SOURCE, TOOLS
from manyloong.wheels.external import external_needs
from manyloong.wheels.job import Options, with_recipe
from manyloong.wheels.recipes import (
    Patch,
    Recipe,
    choose_recipe,
    merged,
    parse_tool_table,
    unserved_recipe,
)
from manyloong.wheels.source import Source, read_pyproject


def options_for(
    source: Source,
    options: Options,
    *,
    own: Sequence[Recipe],
    ports: Mapping[str, Port],
    store: Store,
    listener: Listener,
) -> Options:
    """The options of a build of these sources; ``own`` are the recipes that the user gave.

    Raises InputError, or an ExceptionGroup of them, for a table or a recipe with faults; NotFoundError for a
    port that does not exist.
    """
    pyproject = read_pyproject(source, store)
    table = parse_tool_table(pyproject, where=f"pyproject.toml of {source.label}")
    chosen = choose_recipe(source.name, source.version, own)
    if left := unserved_recipe(source.name, source.version, own):
        served = f"{left.origins[0]} is for {left.name} {left.versions} and is left out"
        listener(Warned(text=f"{source.label}: {served}. It says: {left.why}"))
    recipe = merged(table, chosen)
    for name in recipe.ports:
        find_port(name, ports, asked_by=source.label)
    external = external_needs(pyproject, ports)
    for name in external.unserved:
        listener(
            Warned(text=f"{source.label} names {name} in [external] (PEP 725), and there is no port of it")
        )
    if external.ports:
        recipe = merged(Recipe(ports=external.ports, origins=("external (PEP 725)",)), recipe)
    compilers = asked_compilers(source, recipe.toolchain, store)
    if OPENMP in compilers and OPENMP in ports:
        recipe = merged(Recipe(ports=(OPENMP,), origins=("OpenMP in the sources",)), recipe)
    if FORTRAN in compilers and LIBRARY in ports:
        recipe = merged(Recipe(ports=(LIBRARY,), origins=("Fortran in the sources",)), recipe)
    return with_recipe(replace(options, compilers=compilers), recipe)


def apply_patches(
    patches: Sequence[Patch], sources: Path, tools: Path, *, root: Root, log: Path, runner: Runner
) -> None:
    """Change the working copy; BuildError that names the patch which does not apply."""
    for patch in patches:
        (tools / "change.patch").write_text(patch.text, "utf-8")
        done = runner.run(
            Command(
                argv=("patch", "-p1", "--forward", "--no-backup-if-mismatch", "-i", f"{TOOLS}/change.patch"),
                root=root.path,
                log=log,
                environment=(("HOME", HOME), ("LANG", "C.UTF-8"), ("PATH", "/usr/bin:/bin")),
                binds=(
                    Bind(source=sources.parent, target=BUILD, writable=True),  # SOURCE is below it
                    Bind(source=tools, target=TOOLS),
                ),
                cwd=SOURCE,
            )
        )
        if not done.succeeded:
            raise BuildError(
                f"the patch {patch.name} does not apply:\n{done.last_lines(12)}",
                hint="make it anew for this release, or narrow the recipe's versions",
            )
