"""``manyloong audit``: what is wrong with wheels, directories and ELF files."""

from enum import StrEnum
from typing import Annotated

import typer

from manyloong.cli.options import AsJson

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
    ran_on: Annotated[
        list[str],
        typer.Option(help="CPU model the wheel's tests passed on, e.g. la464,lasx=off; repeatable."),
    ] = [],  # noqa: B006 - typer copies it
    record: Annotated[
        bool, typer.Option("--record", help="Take both from WHEEL.record.json beside each wheel.")
    ] = False,
    installed: Annotated[
        bool,
        typer.Option("--installed", help="PATHs are environments or roots: audit what is installed there."),
    ] = False,
    fail_on: Annotated[FailOn, typer.Option(help="Exit with 9 from this severity on.")] = FailOn.error,
    facts: Annotated[bool, typer.Option("--facts", help="With --json: all that was read, too.")] = False,
    as_json: AsJson = False,
    sarif: Annotated[bool, typer.Option("--sarif", help="Print one SARIF 2.1.0 document.")] = False,
) -> None:
    """Judge wheels against the ABI specification.

    Exit code 0 when nothing at the failing severity was found, 9 otherwise.
    """
    from manyloong.cli.audit_run import AuditRequest, run_audit

    code = run_audit(
        AuditRequest(
            paths=tuple(paths),
            target=target,
            dispatched=tuple(dispatched),
            ran_on=tuple(ran_on),
            record=record,
            installed=installed,
            fail_on=fail_on.value,
            form="sarif" if sarif else "json" if as_json else "text",
            facts=facts,
        )
    )
    if code:
        raise typer.Exit(code)
