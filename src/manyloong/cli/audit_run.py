"""The audit verb without its command line: what was asked for, and what it comes to."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from manyloong.audit import Dispatch, Facts, Verdict, choose_target, judge
from manyloong.cli.audit_inputs import read_inputs
from manyloong.cli.audit_report import print_audits
from manyloong.errors import ManyloongError, VerdictError
from manyloong.targets import Target, judged_target

NEVER = "never"  # the severity that nothing reaches


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRequest:
    """One call of the verb; the names are those of its options."""

    paths: tuple[str, ...]
    target: str | None = None
    dispatched: tuple[str, ...] = ()
    ran_on: tuple[str, ...] = ()
    record: bool = False
    installed: bool = False
    fail_on: str = "error"  # a severity, or NEVER
    form: str = "text"  # text, json or sarif
    facts: bool = False


def run_audit(request: AuditRequest) -> int:
    """Print the verdicts; the exit code. Raises all that could not be read in one group, after the rest."""
    wanted = judged_target(request.target) if request.target else None
    faults: list[ManyloongError] = []
    inputs: list[Path | str] = [
        Path(text) if text and Path(text).exists() else text for text in request.paths
    ]
    audits = list(_judged(request, read_inputs(inputs, request.installed, faults), wanted, faults))
    print_audits(audits, form=request.form, facts=request.facts)
    if faults:
        raise ExceptionGroup("some inputs could not be read", faults)
    failed = request.fail_on != NEVER and any(one.at_least(request.fail_on) for _, one in audits)
    return VerdictError.exit_code if failed else 0


def _judged(
    request: AuditRequest, inputs: Iterator[Facts], wanted: Target | None, faults: list[ManyloongError]
) -> Iterator[tuple[Facts, Verdict]]:
    for facts in inputs:
        dispatch = Dispatch(functions=request.dispatched, ran_on=request.ran_on)
        if request.record:
            from manyloong.cli.audit_record import with_record

            try:
                dispatch = with_record(dispatch, Path(facts.path))
            except ManyloongError as error:
                faults.append(error)
        yield facts, judge(facts, wanted or choose_target(facts), dispatch=dispatch)
