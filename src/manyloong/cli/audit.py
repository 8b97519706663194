"""``manyloong audit``: what is wrong with wheels, directories and ELF files."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

EPILOG = (
    "Examples: manyloong audit dist/*.whl; manyloong audit --target manylinux_2_36 build/lib; "
    "manyloong audit --installed .venv; manyloong audit msgpack==1.2.4. "
    "What a rule means: manyloong spec explain ML040"
)


class FailOn(StrEnum):
    """From which severity on the exit code is not 0."""

    error = "error"
    warning = "warning"
    note = "note"
    never = "never"


def audit(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH...",
            help="Wheels, directories, ELF files; URLs of wheels, or NAME==VERSION on the index.",
        ),
    ],
    target: Annotated[
        str | None, typer.Option(help="Platform tag to judge against; else the one each wheel claims.")
    ] = None,
    dispatched: Annotated[
        list[str],
        typer.Option(help="Function (or pattern) whose LASX or v1.1 code is chosen at run time; repeatable."),
    ] = [],  # noqa: B006 - typer copies it
    installed: Annotated[
        bool,
        typer.Option("--installed", help="PATHs are environments or roots: audit what is installed there."),
    ] = False,
    fail_on: Annotated[FailOn, typer.Option(help="Exit with 9 from this severity on.")] = FailOn.error,
    facts: Annotated[bool, typer.Option("--facts", help="With --json: all that was read, too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    sarif: Annotated[bool, typer.Option("--sarif", help="Print one SARIF 2.1.0 document.")] = False,
) -> None:
    """Judge wheels against the ABI specification.

    Exit code 0 when nothing at the failing severity was found, 9 otherwise.
    """
    from manyloong.audit import choose_target, judge
    from manyloong.cli.audit_inputs import read_inputs
    from manyloong.cli.audit_report import print_audits
    from manyloong.errors import ManyloongError, VerdictError
    from manyloong.targets import judged_target

    wanted = judged_target(target) if target else None
    faults: list[ManyloongError] = []
    audits = [
        (one, judge(one, wanted or choose_target(one), dispatched=frozenset(dispatched)))
        for one in read_inputs(
            [Path(text) if Path(text).exists() else text for text in paths], installed, faults
        )
    ]
    print_audits(audits, form="sarif" if sarif else "json" if as_json else "text", facts=facts)
    if faults:
        raise ExceptionGroup("some inputs could not be read", faults)
    if fail_on is not FailOn.never and any(verdict.at_least(fail_on.value) for _, verdict in audits):
        raise typer.Exit(VerdictError.exit_code)
