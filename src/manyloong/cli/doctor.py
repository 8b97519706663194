"""``manyloong doctor``: what this host can do, and the one command for what it cannot."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from manyloong.cli import terminal

if TYPE_CHECKING:
    from manyloong.sandbox import Check

EPILOG = "Examples: manyloong doctor; manyloong doctor --json; sudo manyloong doctor --register-binfmt"
SIGNS = {"ok": ("ok", "good"), "degraded": ("degraded", "warning"), "blocked": ("blocked", "error")}
CANNOT_BUILD = 7


def doctor(
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document instead of a table.")
    ] = False,
    offline: Annotated[bool, typer.Option(help="Do not ask mirrors and the Python index.")] = False,
    register_binfmt: Annotated[
        bool,
        typer.Option(
            "--register-binfmt",
            help="Register the emulator for the whole host until it restarts; for kernels before 6.7. "
            "As root it is done, else the command is printed.",
        ),
    ] = False,
) -> None:
    """Say what this host can do for builds, and the one command that fixes what it cannot.

    Exit code 0 when builds can run, 7 otherwise.
    """
    import os

    from manyloong.config.paths import cache_directory
    from manyloong.sandbox import can_build, diagnose, probe_host, reach_check

    facts = probe_host(cache_dir=cache_directory(os.environ))
    if register_binfmt:
        from manyloong.cli.host_checks import register

        register(facts, offline=offline)
        return
    checks = diagnose(facts)
    if not offline and not facts.cache_error:
        from manyloong.cli.host_checks import reach

        checks += tuple(reach_check(reached) for reached in reach(facts.cache_dir))
    good = can_build(checks)
    if as_json:
        terminal.print_json(document(checks, good=good))
    else:
        print_checks(checks, good=good)
    if not good:
        raise typer.Exit(CANNOT_BUILD)


def document(checks: "Sequence[Check]", *, good: bool) -> dict[str, Any]:
    """What ``--json`` prints."""
    return {"can_build": good, "checks": [asdict(check) for check in checks]}


def print_checks(checks: "Sequence[Check]", *, good: bool) -> None:
    """A line for each check, and below it the command that helps."""
    width = max(len(check.name) for check in checks)
    for check in checks:
        word, style = SIGNS[check.state]
        print(f"{terminal.styled(word.ljust(8), style)}  {check.name.ljust(width)}  {check.detail}")
        if check.fix:
            print(f"{' ' * (width + 12)}{terminal.styled('fix:', 'hint')} {check.fix}")
    print()
    print("builds can run here" if good else "builds cannot run here until what is blocked is fixed")
