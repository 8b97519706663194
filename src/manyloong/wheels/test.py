"""Testing a wheel where it will be used: installed with its dependencies in a clean target root, under QEMU.

Every top-level module and every extension module is imported on a CPU with the baseline ISA and nothing
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

from manyloong.sandbox import Bind, Command, Limits, Runner
from manyloong.targets import Python
from manyloong.wheels.contents import read_names, read_requirements, wheel_modules
from manyloong.wheels.cross import HOME
from manyloong.wheels.doors import Doors
from manyloong.wheels.imports import Imports, ModuleResult, run_imports
from manyloong.wheels.kit import Kit
from manyloong.wheels.resolve import (
    ResolvedWheel,
    UnresolvableError,
    fetch_wheels,
    marker_environment,
    resolve_wheels,
    target_platform,
)
from manyloong.wheels.site import VENV, compile_site, install_site

TestOutcome = Literal["passed", "failed", "dependency not available"]
_COMMAND_TIME_S = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TestReport:
    """How a wheel did with one Python on one CPU model; "tested" means only what stands here."""

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
    """One report for each CPU model, baseline first. ``place`` is an empty folder."""
    wheels, unavailable = _dependencies(plan, kit, doors)
    paths = fetch_wheels(wheels, fetcher=doors.fetcher, listener=doors.listener)
    site = place / "venv"
    platform = target_platform(kit.target)
    everything = {**paths, plan.wheel.name: plan.wheel}
    install_site(everything, plan.python, site, label=plan.wheel.name, uv=doors.uv, platform=platform)
    compile_site(site, plan.python, root=kit.native_root, log=place / "compile.log", runner=doors.runner)
    (place / "import_all.py").write_text(
        files("manyloong.wheels.payload").joinpath("import_all.py").read_text("utf-8"), "utf-8"
    )
    shutil.copyfile(plan.wheel, place / plan.wheel.name)  # for {wheel} in the test command
    qemu = kit.target.architecture.qemu
    with ThreadPoolExecutor(2) as pool:
        futures = [
            pool.submit(_test_on, plan, kit, cpu, place, unavailable, doors.runner)
            for cpu in (qemu.cpu_baseline, qemu.cpu_full)
        ]
        return tuple(future.result() for future in futures)


def _dependencies(
    plan: TestPlan, kit: Kit, doors: Doors
) -> tuple[tuple[ResolvedWheel, ...], tuple[str, ...]]:
    """Wheels for what the wheel requires, and the requirements for which there are none on this platform."""
    platform = target_platform(kit.target)
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
                python=plan.python, platform=target_platform(kit.target), uv=doors.uv, find_links=links,
            )  # fmt: skip
        except UnresolvableError:
            missing.append(requirement)
        else:
            available.append(requirement)
    return found, tuple(missing)


def _test_on(
    plan: TestPlan, kit: Kit, cpu: str, place: Path, unavailable: tuple[str, ...], runner: Runner
) -> TestReport:
    began = time.monotonic()
    folder = place / cpu.replace(",", "-").replace("=", "-")
    (folder / "work").mkdir(parents=True)
    template = Command(
        argv=(f"{VENV}/bin/python", "-I", "-B", "/io/import_all.py"),
        root=kit.target_root.path,
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
    suffixes = (f".cpython-{plan.python.version.replace('.', '')}-{kit.target.triplet}.so", ".abi3.so", ".so")
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
        root=kit.target_root.name,
        root_id=kit.target_root.id,
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
