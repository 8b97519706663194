"""Importing everything a wheel brings, under emulation, and what came of each module."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from manyloong.sandbox import Command, Done, Runner

Outcome = Literal["ok", "failed", "crashed", "missing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleResult:
    """One module: imported, raised, killed the process, or lacks a module of another distribution."""

    module: str
    outcome: Outcome
    detail: str = ""
    missing: str = ""  # for "missing": the name that was not found


@dataclass(frozen=True, slots=True, kw_only=True)
class Imports:
    """All modules of a wheel on one CPU model, and where they ran."""

    modules: tuple[ModuleResult, ...]
    machine: str
    libc: str
    python: str


def parse_results(text: str) -> tuple[dict[str, str], list[ModuleResult], str | None]:
    """Facts of the interpreter, finished modules, and the module that was begun but not finished."""
    facts: dict[str, str] = {}
    finished: list[ModuleResult] = []
    begun: str | None = None
    for line in text.splitlines():
        entry = json.loads(line)
        if "machine" in entry:
            facts = {key: str(value) for key, value in entry.items()}
        elif entry["outcome"] == "started":
            begun = entry["module"]
        else:
            begun = None
            finished.append(ModuleResult(**entry))
    return facts, finished, begun


def run_imports(
    template: Command, modules: Sequence[str], *, results: Path, inside: str, runner: Runner
) -> Imports:
    """Import each module; after a crash go on with the next one in a new process.

    ``template.argv`` is the interpreter and the script; ``results`` is the host's path of the file that the
    sandbox knows as ``inside``.
    """
    finished: list[ModuleResult] = []
    facts: dict[str, str] = {}
    left = list(modules)
    while True:
        results.write_text("", "utf-8")
        done = runner.run(replace(template, argv=(*template.argv, inside, *left)))
        facts, some, begun = parse_results(results.read_text("utf-8"))
        finished += some
        if begun is not None:
            finished.append(ModuleResult(module=begun, outcome="crashed", detail=_death(done)))
        seen = {result.module for result in finished}
        remaining = [module for module in left if module not in seen]
        if not remaining or (begun is None and not some):
            finished += [ModuleResult(module=m, outcome="crashed", detail=_death(done)) for m in remaining]
            break
        left = remaining
    return Imports(
        modules=tuple(sorted(finished, key=lambda result: result.module)),
        machine=facts.get("machine", ""),
        libc=facts.get("libc", ""),
        python=facts.get("python", ""),
    )


def _death(done: Done) -> str:
    if done.outcome != "exited":
        return f"killed: {done.outcome} limit"
    ended = f"signal {-done.returncode}" if done.returncode < 0 else f"exit status {done.returncode}"
    return f"the interpreter ended with {ended}\n{done.last_lines(8)}".strip()
