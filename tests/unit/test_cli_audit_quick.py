"""The quick reading of `manyloong audit` gives what the command-line library gives, or leaves it to that."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer import Exit
from typer._click.exceptions import ClickException
from typer.main import get_command

from manyloong.cli import app as application
from manyloong.cli.audit_quick import quick_audit
from manyloong.cli.audit_run import AuditRequest

WORDS = (
    *(
        "a.whl",
        "b-1.0.whl",
        "name==1.0",
        "--json",
        "--sarif",
        "--fail-on",
        "warning",
        "never",
        "bad",
        "--fail-on=note",
    ),
    *(
        "--target",
        "manylinux_2_36",
        "--target=musllinux_1_2",
        "--installed",
        "--facts",
        "--help",
        "-h",
        "--",
        "-",
        "",
    ),
    *("--record", "--dispatched", "x", "--fail-on=", "--target=", "--jso", "--json=1"),
)


COMMANDS = get_command(application.app)


def with_library(arguments: list[str]) -> AuditRequest | None:
    """What the library makes of the verb's arguments; None where it refuses them or shows help."""
    context = COMMANDS.make_context("manyloong", ["audit", *arguments], resilient_parsing=False)
    verb = COMMANDS.get_command(context, "audit")  # type: ignore[attr-defined]
    try:
        read = verb.make_context("audit", list(arguments), parent=context).params
    except (ClickException, Exit):
        return None
    return AuditRequest(
        paths=tuple(read["paths"]),
        target=read["target"],
        dispatched=tuple(read["dispatched"]),
        ran_on=tuple(read["ran_on"]),
        record=read["record"],
        installed=read["installed"],
        fail_on=read["fail_on"],
        form="sarif" if read["sarif"] else "json" if read["as_json"] else "text",
        facts=read["facts"],
    )


@given(words=st.lists(st.sampled_from(WORDS), max_size=6))
def test_what_is_read_quickly_is_what_the_library_reads(words: list[str]) -> None:
    quick = quick_audit(["audit", *words])
    if quick is not None:
        assert with_library(words) == quick


@pytest.mark.parametrize(
    ("arguments", "request_"),
    [
        (["audit", "a.whl"], AuditRequest(paths=("a.whl",))),
        (
            ["audit", "a.whl", "--fail-on", "never", "b.whl"],
            AuditRequest(paths=("a.whl", "b.whl"), fail_on="never"),
        ),
        (["audit", "--json", "--target=x", "a"], AuditRequest(paths=("a",), target="x", form="json")),
        (["audit"], None),
        (["audit", "--help"], None),
        (["audit", "--json", "--sarif", "a"], None),
        (["audit", "a", "--fail-on"], None),
        (["audit", "a", "--fail-on", "high"], None),
        (["build", "a"], None),
        ([], None),
    ],
)
def test_forms(arguments: list[str], request_: AuditRequest | None) -> None:
    assert quick_audit(arguments) == request_
