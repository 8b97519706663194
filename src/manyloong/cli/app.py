"""The application: verbs are registered here, errors leave here, nothing else happens here.

A verb module imports what it needs inside its function, so that ``--help`` stays fast.
"""

import errno
import signal
import sys
from collections.abc import Iterator
from typing import Annotated, NoReturn

import typer

import manyloong
from manyloong.cli import audit, build, cache, doctor, index, ports, recipe, root, root_inputs, spec, terminal
from manyloong.errors import HostError, ManyloongError

INTERRUPTED = 130

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
app.command(epilog=doctor.EPILOG)(doctor.doctor)
app.command(epilog=audit.EPILOG)(audit.audit)
app.add_typer(spec.app)
app.add_typer(index.app)
for verb in (root_inputs.verify, root_inputs.diff, root_inputs.vendor):
    root.app.command()(verb)
app.add_typer(root.app, name="root")
app.add_typer(ports.app, name="ports")
app.add_typer(recipe.app, name="recipe")
app.add_typer(cache.app, name="cache")


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error


def _fail(errors: list[ManyloongError]) -> NoReturn:
    for error in errors:
        terminal.print_error(error.message, hint=error.hint)
    sys.exit(max(error.exit_code for error in errors))


def _as_ours(error: BaseException) -> ManyloongError | None:
    if isinstance(error, ManyloongError):
        return error
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        where = f" while writing {error.filename}" if error.filename else ""
        return HostError(f"disk full{where}", hint="free some space: manyloong cache prune")
    if isinstance(error, PermissionError):
        return HostError(f"permission denied: {error.filename}", hint="check the owner of that path")
    return None


def _interrupt(number: int, frame: object) -> NoReturn:
    """Ctrl-C, or asked to end: an exit like any other, so that sandboxes end and temporary files go."""
    del number, frame
    terminal.print_error("interrupted", hint="run the same command again; it goes on where it can")
    sys.exit(INTERRUPTED)


def main() -> None:
    """Run the command line; every expected error becomes a message, a hint and an exit code."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        app()
    except BrokenPipeError:
        sys.exit(0)
    except Exception as error:
        ours = [found for leaf in _leaves(error) if (found := _as_ours(leaf))]
        if not ours:
            raise
        _fail(ours)
