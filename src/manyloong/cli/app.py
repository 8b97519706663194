"""The application: verbs are registered here, nothing else happens here.

A verb module imports what it needs inside its function, so that ``--help`` stays fast.
"""

from typing import Annotated

import typer

import manyloong
from manyloong.cli import (
    audit,
    build,
    cache,
    cibuildwheel,
    doctor,
    image,
    index,
    matrix,
    ports,
    ports_sources,
    rebuild,
    recipe,
    root,
    root_import,
    root_inputs,
    root_verify,
    spec,
    verify,
)

app = typer.Typer(
    name="manyloong",
    help="Build, repair, audit, test and serve loongarch64 wheels on any Linux machine.",
    epilog="First steps: manyloong doctor; manyloong build markupsafe",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"manyloong {manyloong.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    del version  # handled by its callback


app.command(epilog=build.EPILOG)(build.build)
app.command(epilog=matrix.EPILOG)(matrix.matrix)
app.command(epilog=doctor.EPILOG)(doctor.doctor)
app.command(epilog=audit.EPILOG)(audit.audit)
app.command(epilog=rebuild.EPILOG)(rebuild.rebuild)
app.command(epilog=verify.EPILOG)(verify.provenance)
app.command(epilog=verify.VERIFY_EPILOG)(verify.verify)
app.command(**cibuildwheel.SETTINGS)(cibuildwheel.cibuildwheel)
app.add_typer(spec.app)
app.add_typer(index.app)
for verb in (root_verify.verify, root_inputs.diff, root_inputs.vendor, image.export, image.publish):
    root.app.command()(verb)
root.app.command("import")(root_import.import_)
root.app.command()(root_import.forget)
app.add_typer(root.app, name="root")
ports.app.command()(ports_sources.sources)
app.add_typer(ports.app, name="ports")
app.add_typer(recipe.app, name="recipe")
app.add_typer(cache.app, name="cache")
