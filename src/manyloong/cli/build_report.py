"""What ``manyloong build`` prints at its end: a plan, a table or JSON, and the exit code that follows."""

import json
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from manyloong.cli import terminal
from manyloong.errors import TestError, VerdictError
from manyloong.record import BuildRecord, format_record
from manyloong.results import Built, Failed, Pure, Result
from manyloong.wheels.job import Job
from manyloong.wheels.source import PureRelease
from manyloong.wheels.test import TestReport

_FILE_WIDTH = 200  # columns where nobody says how wide the page is
_STAGES = ("build", "repair", "audit", "test")


def print_pure(release: PureRelease, *, as_json: bool) -> None:
    """A release that needs no build."""
    if as_json:
        terminal.print_json(
            {"pure": {"name": release.name, "version": release.version, "wheel": release.wheel}}
        )
        return
    print(f"{release.name} {release.version} is pure Python: {release.wheel} runs on every platform.")
    print("Nothing to build.")


def print_plan(jobs: Sequence[Job], *, as_json: bool) -> None:
    """What would be built, from what, for what."""
    if as_json:
        rest = {"location": jobs[0].source.location}
        terminal.print_json({"plan": [job.document() | rest | {"notes": list(job.notes)} for job in jobs]})
        return
    source = jobs[0].source
    print(f"source    {source.location}  sha256:{source.sha256}")
    for tag in dict.fromkeys(job.identifier.target.tag for job in jobs):
        print(f"platform  {tag}  lane {jobs[0].lane}")
    for job in jobs:
        print(f"build     {job.identifier}")
    if jobs[0].siblings:
        print(f"          (the other Pythons only if the wheel of {jobs[0].identifier} does not serve them)")
    options = jobs[0].options
    print(
        "test      "
        + (options.test_command or "imports on each CPU model" if options.test else "none (--no-test)")
    )
    for text, shown in (
        (options.hooks.before_all, "before-all"),
        (options.hooks.before_build, "before-build"),
    ):
        if text:
            print(f"{shown:<13}{text}")
    for note in dict.fromkeys(note for job in jobs for note in job.notes):
        print(f"option    {note}")


def print_results(results: Sequence[Result], requirements: Sequence[Built], *, as_json: bool) -> int:
    """The table, the errors below it, and the exit code: the gravest of all jobs'.

    ``requirements`` were built on the way, because something needed them.
    """
    if as_json:
        terminal.print_json(
            {
                "results": [_as_json(result) for result in results],
                "requirements": [_as_json(result) for result in requirements],
            }
        )
    else:
        _print_table([*requirements, *results])
        for result in results:
            _print_trouble(result)
    return max((_exit_code(result) for result in results), default=0)


def _exit_code(result: Result) -> int:
    if isinstance(result, Failed):
        return result.error.exit_code
    if isinstance(result, Built) and not result.record.verdict.accepted:
        return VerdictError.exit_code
    if isinstance(result, Built) and result.record.tested == "failed":
        return TestError.exit_code
    return 0


def _as_json(result: Result) -> dict[str, Any]:
    match result:
        case Built():
            record = json.loads(format_record(result.record))
            return {"wheel": str(result.path), "cached": result.cached, "record": record}
        case Pure():
            return {"identifier": result.identifier, "pure": result.filename}
        case Failed():
            error = {
                "message": result.error.message,
                "hint": result.error.hint,
                "exit_code": result.error.exit_code,
            }
            paths = {"log": result.log, "kept": result.kept}
            found = {name: str(path) for name, path in paths.items() if path is not None}
            return {"identifier": result.identifier, "error": error, **found}


def _print_table(results: Sequence[Result]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("wheel", "lane", "verdict", "tests", *(f"{stage} s" for stage in _STAGES), "KiB"):
        table.add_column(
            heading, justify="right" if heading.endswith((" s", "KiB")) else "left", overflow="fold"
        )
    for result in results:
        match result:
            case Built():
                table.add_row(*_row(result))
            case Pure():
                table.add_row(result.filename, "-", "pure Python: nothing to build")
            case Failed():
                table.add_row(result.identifier, "-", f"failed: {type(result.error).__name__}")
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console.width = _FILE_WIDTH
    console.print(table)


def _row(result: Built) -> list[str]:
    record = result.record
    seconds = {stage.name: f"{stage.seconds:.1f}" for stage in record.stages}
    shown = ["cached"] * len(_STAGES) if result.cached else [seconds.get(stage, "-") for stage in _STAGES]
    return [
        result.path.name,
        record.lane,
        "ok" if record.verdict.accepted else "REJECTED",
        _tests(record),
        *shown,
        f"{(record.wheel.size_bytes or 0) / 1024:.0f}",
    ]


def _tests(record: BuildRecord) -> str:
    """One line for each root: ``3.13 glibc 2.36: la464,lasx=off passed (3; 20 tests, 1 skipped), ...``."""
    if not record.tests:
        return "not tested"
    lines: dict[str, list[str]] = {}
    for report in record.tests:
        python = ".".join(report.python.split(".")[:2])
        if report.outcome == "not tested":
            lines[f"{python} {report.root}"] = [f"not tested: {report.reason}"]
        else:
            words = lines.setdefault(f"{python} {report.libc or report.root}", [])
            counted = report.counts
            tests = f"; {counted.passed} tests, {counted.skipped} skipped" if counted else ""
            programs = f"; {report.loaded} programs" if report.loaded else ""
            words.append(f"{report.cpu} {report.outcome} ({report.imported}{programs}{tests})")
    return "\n".join(f"{where}: {', '.join(words)}" for where, words in lines.items())


def _print_trouble(result: Result) -> None:
    if isinstance(result, Failed):
        terminal.print_error(f"{result.identifier}: {result.error.message}", hint=result.error.hint)
        _print_places(result)
        return
    if isinstance(result, Built):
        _print_findings(result)
        for report in result.record.tests:
            _print_report(f"{result.path.name} in {report.root} on {report.cpu}", report)


def _print_places(result: Failed) -> None:
    if result.log is not None:
        terminal.print_note(f"the whole log: {result.log}")
    if result.kept is not None:
        terminal.print_note(f"the build's folder: {result.kept}")
        terminal.print_note(f"enter it again: sh {result.kept}/enter.sh")


def _print_findings(result: Built) -> None:
    for finding in result.record.verdict.findings:
        if finding.severity == "error":
            terminal.print_error(f"{result.path.name}: {finding.rule} {finding.message}", hint=finding.advice)


def _print_report(where: str, report: TestReport) -> None:
    if report.outcome != "passed":
        for problem in report.problems:
            terminal.print_error(f"{where}: {problem.module} {problem.outcome}: {problem.detail}")
    if report.outcome == "failed" and report.command_output:
        terminal.print_error(f"{where}: the test command failed:\n{report.command_output}")
    for requirement in report.unavailable:
        terminal.print_warning(f"{where}: no wheel for this platform of {requirement}")
