"""Testing a wheel where it will be used: installed with what it needs in clean target roots, under QEMU.

The current root has today's C library, the floor root the oldest that the wheel's tag promises. In each,
every top-level module and every extension module is imported on a CPU with the baseline ISA and nothing
more, and on one with the optional extensions; then the user's test command runs, if there is one.
"""

import shutil
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Literal

from packaging.requirements import Requirement

from manyloong.roots import Root
from manyloong.sandbox import Bind, Command, Limits, Runner
from manyloong.targets import Python
from manyloong.wheels.contents import read_names, read_requirements, wheel_modules
from manyloong.wheels.cross import HOME
from manyloong.wheels.doors import Doors
from manyloong.wheels.imports import Imports, ModuleResult, run_imports
from manyloong.wheels.kit import Kit
from manyloong.wheels.resolve import (
    Platform,
    ResolvedWheel,
    UnresolvableError,
    fetch_wheels,
    marker_environment,
    resolve_wheels,
    target_platform,
)
from manyloong.wheels.site import VENV, compile_site, install_site

TestOutcome = Literal["passed", "failed", "dependency not available", "not tested"]
_COMMAND_TIME_S = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TestReport:
    """How a wheel did with one Python in one root on one CPU model; "tested" means only what stands here.

    Outcome "not tested": the root could not be had; ``reason`` says why, and what was not run is empty.
    """

    __test__ = False  # not a pytest class

    python: str  # full version of the interpreter that ran
    root: str
    root_id: str
    libc: str  # as the interpreter saw it
    cpu: str  # QEMU CPU model
    outcome: TestOutcome
    imported: int
    problems: tuple[ModuleResult, ...]
    unavailable: tuple[str, ...]  # requirements without a wheel for this platform
    command: str | None
    command_output: str
    seconds: float
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TestPlan:
    """One wheel to test with one Python."""

    __test__ = False

    wheel: Path
    python: Python
    command: str | None
    requires: tuple[str, ...]
    find_links: tuple[Path, ...]
    project: Path | None  # the working copy of the sources, for the test command


def run_tests(plan: TestPlan, kit: Kit, place: Path, doors: Doors) -> tuple[TestReport, ...]:
    """One report for each root and CPU model, current root and baseline first. ``place`` is an empty folder.

    The wheel and what it needs are installed once, for all roots.
    """
    roots = kit.test_roots(plan.python)
    missing = tuple(_not_tested(plan, name, reason) for name, reason in kit.untested(plan.python))
    if not roots:
        return missing
    wheels, unavailable = _dependencies(plan, kit, doors)
    paths = fetch_wheels(wheels, fetcher=doors.fetcher, listener=doors.listener)
    site = place / "venv"
    platform = target_platform(kit.target)
    everything = {**paths, plan.wheel.name: plan.wheel}
    install_site(everything, plan.python, site, label=plan.wheel.name, uv=doors.uv, platform=platform)
    source = kit.source_python(plan.python)
    compile_site(
        site,
        plan.python,
        root=kit.native_root,
        log=place / "compile.log",
        runner=doors.runner,
        binds=source.binds() if source else (),
    )
    (place / "import_all.py").write_text(
        files("manyloong.wheels.payload").joinpath("import_all.py").read_text("utf-8"), "utf-8"
    )
    shutil.copyfile(plan.wheel, place / plan.wheel.name)  # for {wheel} in the test command
    qemu = kit.target.architecture.qemu
    with ThreadPoolExecutor(2) as pool:
        futures = [
            pool.submit(_test_on, plan, kit, root, cpu, place, unavailable=unavailable, runner=doors.runner)
            for root in roots
            for cpu in (qemu.cpu_baseline, qemu.cpu_full)
        ]
        return (*(future.result() for future in futures), *missing)


def _not_tested(plan: TestPlan, root: str, reason: str) -> TestReport:
    return TestReport(
        python=plan.python.version,
        root=root,
        root_id="",
        libc="",
        cpu="",
        outcome="not tested",
        imported=0,
        problems=(),
        unavailable=(),
        command=plan.command,
        command_output="",
        seconds=0.0,
        reason=reason,
    )


def tests_platform(kit: Kit, python: Python) -> Platform:
    """What wheels of dependencies must run on: the oldest C library of the roots that are tested in."""
    on_floor = any(root != kit.target_root for root in kit.test_roots(python))
    return target_platform(kit.target, floor_only=on_floor)


def _dependencies(
    plan: TestPlan, kit: Kit, doors: Doors
) -> tuple[tuple[ResolvedWheel, ...], tuple[str, ...]]:
    """Wheels for what the wheel requires, and the requirements for which there are none on this platform."""
    platform = tests_platform(kit, plan.python)
    environment: dict[str, str] = {**marker_environment(plan.python, platform), "extra": ""}  # type: ignore[dict-item]
    wanted = []
    for line in read_requirements(plan.wheel):
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate(environment):
            wanted.append(line)
    wanted += plan.requires
    links = (*plan.find_links, plan.wheel.parent)
    try:
        found = resolve_wheels(wanted, python=plan.python, platform=platform, uv=doors.uv, find_links=links)
    except UnresolvableError:
        return _what_can_be_had(wanted, plan, kit, doors, links)
    return found, ()


def _what_can_be_had(
    wanted: Sequence[str], plan: TestPlan, kit: Kit, doors: Doors, links: Sequence[Path]
) -> tuple[tuple[ResolvedWheel, ...], tuple[str, ...]]:
    available: list[str] = []
    found: tuple[ResolvedWheel, ...] = ()
    missing: list[str] = []
    for requirement in wanted:
        try:
            found = resolve_wheels(
                [*available, requirement],
                python=plan.python, platform=tests_platform(kit, plan.python), uv=doors.uv, find_links=links,
            )  # fmt: skip
        except UnresolvableError:
            missing.append(requirement)
        else:
            available.append(requirement)
    return found, tuple(missing)


def _test_on(
    plan: TestPlan,
    kit: Kit,
    root: Root,
    cpu: str,
    place: Path,
    *,
    unavailable: tuple[str, ...],
    runner: Runner,
) -> TestReport:
    began = time.monotonic()
    folder = place / root.name / cpu.replace(",", "-").replace("=", "-")
    (folder / "work").mkdir(parents=True)
    template = Command(
        argv=(f"{VENV}/bin/python", "-I", "-B", "/io/import_all.py"),
        root=root.path,
        log=folder / "log",
        environment=tuple(sorted(_variables().items())),
        cwd="/build/work",
        binds=(
            Bind(source=folder, target="/build", writable=True),
            Bind(source=place / "venv", target=VENV),
            Bind(source=place, target="/io"),
        ),
        emulator=kit.emulator(cpu),
        limits=Limits(time_s=_COMMAND_TIME_S),
    )
    suffixes = (f".cpython-{plan.python.tag[2:]}-{kit.target.triplet}.so", ".abi3.so", ".so")
    names = wheel_modules(read_names(plan.wheel), suffixes=suffixes)
    results = folder / "results.jsonl"
    imports = run_imports(template, names, results=results, inside="/build/results.jsonl", runner=runner)
    outcome = judge_imports(imports, names, unavailable)
    output = ""
    if outcome == "passed" and plan.command:
        passed, output = _run_command(plan, template, folder, runner)
        outcome = "passed" if passed else "failed"
    return TestReport(
        python=imports.python,
        root=root.name,
        root_id=root.id,
        libc=imports.libc,
        cpu=cpu,
        outcome=outcome,
        imported=sum(result.outcome == "ok" for result in imports.modules),
        problems=tuple(result for result in imports.modules if result.outcome != "ok"),
        unavailable=unavailable,
        command=plan.command,
        command_output=output,
        seconds=round(time.monotonic() - began, 3),
    )


def _variables() -> Mapping[str, str]:
    return {
        "PATH": f"{VENV}/bin:/usr/bin:/bin",
        "HOME": HOME,
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "TMPDIR": "/tmp",  # noqa: S108 - the sandbox's own
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def judge_imports(imports: Imports, names: Sequence[str], unavailable: Sequence[str]) -> TestOutcome:
    """Whether imports say that a wheel works.

    A module that lacks another distribution's module is no fault of the wheel's: "dependency not available"
    when it is a top-level module or a requirement had no wheel, a note otherwise (an optional dependency).
    """
    own = {name.split(".")[0] for name in names}
    missing = False
    for result in imports.modules:
        if result.outcome in {"failed", "crashed"}:
            return "failed"
        if result.outcome == "missing":
            if result.missing.split(".")[0] in own:
                return "failed"
            missing = missing or "." not in result.module or bool(unavailable)
    return "dependency not available" if missing else "passed"


def _run_command(plan: TestPlan, template: Command, folder: Path, runner: Runner) -> tuple[bool, str]:
    binds = template.binds
    if plan.project is not None:
        shutil.copytree(plan.project, folder / "project", symlinks=True)
    values = {"project": "/build/project", "package": "/build/project", "wheel": f"/io/{plan.wheel.name}"}
    text = plan.command or ""
    for name, value in values.items():
        text = text.replace("{" + name + "}", value)
    done = runner.run(
        Command(
            argv=("/bin/sh", "-ec", text),
            root=template.root,
            log=folder / "command.log",
            environment=template.environment,
            binds=binds,
            cwd=template.cwd,
            emulator=template.emulator,
            limits=template.limits,
        )
    )
    return done.succeeded, done.last_lines(30)
