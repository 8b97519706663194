"""The way in and out: errors leave here, and an audit starts without the command-line library."""

import errno
import signal
import sys
from collections.abc import Iterator
from typing import NoReturn

from manyloong.cli import terminal
from manyloong.cli.audit_quick import quick_audit
from manyloong.errors import HostError, ManyloongError

INTERRUPTED = 130


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
        request = quick_audit(sys.argv[1:])
        if request is None:
            from manyloong.cli.app import app

            app()
        else:
            from manyloong.cli.audit_run import run_audit

            sys.exit(run_audit(request))
    except BrokenPipeError:
        sys.exit(0)
    except Exception as error:
        ours = [found for leaf in _leaves(error) if (found := _as_ours(leaf))]
        if not ours:
            raise
        _fail(ours)
