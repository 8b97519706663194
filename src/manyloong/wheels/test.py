"""Testing a wheel where it will be used: installed with what it needs in clean target roots, under QEMU.

The current root has today's C library, the floor root the oldest that the wheel's tag promises. In each,
every top-level module and every extension module is imported, and every program loaded, on a CPU with the
baseline ISA and nothing more, and on one with the optional extensions; then the user's test command runs, if
there is one.
"""

import json
import shutil
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from importlib.resources import files
from pathlib import Path
from typing import Literal

from packaging.requirements import Requirement

from manyloong.errors import BuildError
from manyloong.events import Warned
from manyloong.roots import Root
from manyloong.sandbox import Bind, Command, Emulator, Limits, Runner
from manyloong.targets import Python
from manyloong.wheels.before import fill
from manyloong.wheels.before_test import copy_sources, run_before_test
from manyloong.wheels.contents import read_names, read_requirements, wheel_modules, wheel_programs
from manyloong.wheels.counts import TestCounts, read_counts
from manyloong.wheels.cross import HOME
from manyloong.wheels.doors import Doors
from manyloong.wheels.hooks import PROMISED, TestHooks, prelude
from manyloong.wheels.imports import Imports, ModuleResult, run_imports
from manyloong.wheels.kit import Kit
from manyloong.wheels.promises import PROJECT, project_tree
from manyloong.wheels.recipe_keys import Skip
from manyloong.wheels.requirements import Missing, Supply, Wanted, resolve_or_build
from manyloong.wheels.resolve import (
    Platform,
    ResolvedWheel,
    UnresolvableError,
    fetch_wheels,
    marker_environment,
    target_platform,
)
from manyloong.wheels.site import VENV, compile_site, install_site

TestOutcome = Literal["passed", "failed", "dependency not available", "not tested"]
_COMMAND_TIME_S = 2 * 3600.0  # an emulator and hundreds of tests
_PLUGIN, _SKIPS = "_manyloong_tests", "skips.json"
_IMPORT, _LOAD = "import_all.py", "load_programs.py"


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
    counts: TestCounts | None = None  # of the command's tests, where they can be counted
    loaded: int = 0  # programs of the wheel that the loader could start
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
    import_first: tuple[str, ...] = ()  # modules that the wheel's own ask for
    skips: tuple[Skip, ...] = ()
    hooks: TestHooks = field(default_factory=TestHooks)

    @property
    def seen_project(self) -> str:
        """Where the sources are while the command runs: official images have a place for them."""
        named = self.command is not None and PROMISED.search(self.command)
        return PROJECT if named or self.hooks != TestHooks() else "/build/project"


def run_tests(plan: TestPlan, kit: Kit, place: Path, doors: Doors, supply: Supply) -> tuple[TestReport, ...]:
    """One report for each root and CPU model, current root and baseline first. ``place`` is an empty folder.

    The wheel and what it needs are installed once, for all roots; ``supply`` makes what has no wheel.
    """
    roots = kit.test_roots(plan.python)
    missing = tuple(_not_tested(plan, name, reason) for name, reason in kit.untested(plan.python))
    if not roots:
        return missing
    wheels, unavailable = _dependencies(plan, kit, doors, supply)
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
    _write_programs(plan, place, site)
    shutil.copyfile(plan.wheel, place / plan.wheel.name)  # for {wheel} in the test command
    if plan.hooks.before:
        run_before_test(plan.hooks, plan.python, kit, doors, supply, place=place, project=plan.project)
    qemu = kit.target.architecture.qemu
    with ThreadPoolExecutor(2) as pool:
        futures = [
            pool.submit(_test_on, plan, kit, root, cpu, place, unavailable=unavailable, runner=doors.runner)
            for root in roots
            for cpu in (qemu.cpu_baseline, qemu.cpu_full)
        ]
        return (*(future.result() for future in futures), *missing)


def passed_on(reports: Sequence[TestReport]) -> tuple[str, ...]:
    """CPU models on which a wheel was seen to work, and never to fail."""
    outcomes: dict[str, set[str]] = {}
    for report in reports:
        outcomes.setdefault(report.cpu, set()).add(report.outcome)
    return tuple(sorted(cpu for cpu, seen in outcomes.items() if "passed" in seen and "failed" not in seen))


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


def dependency_platform(kit: Kit, python: Python) -> Platform:
    """What wheels of dependencies must run on: the oldest C library of the roots that are tested in."""
    on_floor = any(root != kit.target_root for root in kit.test_roots(python))
    return target_platform(kit.target, floor_only=on_floor)


def _write_programs(plan: TestPlan, place: Path, site: Path) -> None:
    """What runs beside the wheel: importer and loader, and the pytest plugin with the recipe's skips."""
    payload = files("manyloong.wheels.payload")
    for name in (_IMPORT, _LOAD):
        (place / name).write_text(payload.joinpath(name).read_text("utf-8"), "utf-8")
    packages = site / "lib" / plan.python.name / "site-packages"
    plugin = payload.joinpath("count_tests.py").read_text("utf-8")
    (packages / f"{_PLUGIN}.py").write_text(plugin, "utf-8")
    (place / _SKIPS).write_text(json.dumps([asdict(skip) for skip in plan.skips]), "utf-8")


def _dependencies(
    plan: TestPlan, kit: Kit, doors: Doors, supply: Supply
) -> tuple[tuple[ResolvedWheel, ...], tuple[str, ...]]:
    """Wheels for what the wheel requires, and the requirements for which there are none on this platform."""
    platform = dependency_platform(kit, plan.python)
    markers = marker_environment(plan.python, platform)
    extras = ("", *(name.strip() for name in plan.hooks.extras.split(",") if name.strip()))
    environments: list[dict[str, str]] = [{**markers, "extra": extra} for extra in extras]  # type: ignore[dict-item]
    required = []
    for line in read_requirements(plan.wheel):
        marker = Requirement(line).marker
        if marker is None or any(marker.evaluate(environment) for environment in environments):
            required.append(line)
    required += [*plan.requires, *(["pip"] if plan.hooks.before else [])]
    links = (*plan.find_links, plan.wheel.parent)
    wanted = Wanted(python=plan.python, platform=platform, links=links, doors=doors)

    def build(missing: Missing) -> Path:
        return supply.target_wheel(missing.project, missing.version, plan.python)

    try:
        return resolve_or_build(required, wanted, build), ()
    except BuildError as error:
        doors.listener(
            Warned(text=f"{plan.wheel.name}: not all that it requires can be had: {error.message}")
        )
        return _what_can_be_had(required, wanted.linked(supply.links()))


def _what_can_be_had(
    required: Sequence[str], wanted: Wanted
) -> tuple[tuple[ResolvedWheel, ...], tuple[str, ...]]:
    available: list[str] = []
    found: tuple[ResolvedWheel, ...] = ()
    missing: list[str] = []
    for requirement in required:
        try:
            found = wanted.resolve([*available, requirement])
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
    template = _template(root, place, folder, kit.emulator(cpu))
    names = _modules(plan, kit)
    results = folder / "results.jsonl"
    first = (*template.argv, *(f"--first={name}" for name in plan.import_first))
    importing = replace(template, argv=first)
    imports = run_imports(importing, names, results=results, inside="/build/results.jsonl", runner=runner)
    programs = _load_programs(plan, template, folder, runner)
    outcome = judge_imports(imports, names, unavailable)
    if any(result.outcome != "ok" for result in programs):
        outcome = "failed"
    output, counts = "", None
    if outcome == "passed" and plan.command:
        passed, output, counts = _run_command(plan, template, folder, runner)
        outcome = "passed" if passed else "failed"
    return TestReport(
        python=imports.python,
        root=root.name,
        root_id=root.id,
        libc=imports.libc,
        cpu=cpu,
        outcome=outcome,
        imported=sum(result.outcome == "ok" for result in imports.modules),
        loaded=sum(result.outcome == "ok" for result in programs),
        problems=tuple(result for result in (*imports.modules, *programs) if result.outcome != "ok"),
        unavailable=unavailable,
        command=plan.command,
        command_output=output,
        counts=counts,
        seconds=round(time.monotonic() - began, 3),
    )


def _template(root: Root, place: Path, folder: Path, emulator: Emulator | None) -> Command:
    """What imports a wheel's modules in a root; other commands of the same test replace its arguments."""
    return Command(
        argv=(f"{VENV}/bin/python", "-I", "-B", f"/io/{_IMPORT}"),
        root=root.path,
        log=folder / "log",
        environment=tuple(sorted(run_variables(emulated=emulator is not None).items())),
        cwd="/build/work",
        binds=(
            Bind(source=folder, target="/build", writable=True),
            Bind(source=place / "venv", target=VENV),
            Bind(source=place, target="/io"),
        ),
        emulator=emulator,
    )


def _modules(plan: TestPlan, kit: Kit) -> tuple[str, ...]:
    suffixes = (f".cpython-{plan.python.tag[2:]}-{kit.target.triplet}.so", ".abi3.so", ".so")
    return wheel_modules(read_names(plan.wheel), suffixes=suffixes)


def _load_programs(
    plan: TestPlan, template: Command, folder: Path, runner: Runner
) -> tuple[ModuleResult, ...]:
    """What the loader says of each program, which is not run itself."""
    names = wheel_programs(plan.wheel, packages=f"lib/{plan.python.name}/site-packages")
    if not names:
        return ()
    results = folder / "programs.jsonl"
    loading = replace(template, argv=(*template.argv[:-1], f"/io/{_LOAD}"))
    paths = [f"{VENV}/{name}" for name in names]
    return run_imports(
        loading, paths, results=results, inside=f"/build/{results.name}", runner=runner
    ).modules


def run_variables(*, emulated: bool) -> Mapping[str, str]:
    """The environment of all that a test runs.

    QEMU's /proc shows clang's OpenMP runtime no cores to bind threads to, and it ends the process for that.
    """
    extra = {"KMP_AFFINITY": "disabled"} if emulated else {}
    return extra | {
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


def _run_command(
    plan: TestPlan, template: Command, folder: Path, runner: Runner
) -> tuple[bool, str, TestCounts | None]:
    """Whether the command passed, the end of what it printed, and how many tests it ran."""
    seen = plan.seen_project
    if plan.project is not None:
        shutil.copytree(plan.project, folder / "project", symlinks=True)
    if seen == PROJECT and plan.project is not None:
        tree, binds = project_tree(template.root, folder / "tree")
        own = Bind(source=folder / "project", target=PROJECT, writable=True)
        template = replace(template, root=tree, binds=(*binds, *template.binds, own))
    copy_sources(plan.hooks.sources, folder / "project", folder / "work")
    text = fill(plan.command or "", {"project": seen, "package": seen, "wheel": f"/io/{plan.wheel.name}"})
    if plan.hooks.environment:
        text = f"cd {seen}\n{prelude(plan.hooks.environment)}cd /build/work\n{text}"
    results = folder / "tests.jsonl"
    counting = (
        ("PYTEST_PLUGINS", _PLUGIN),
        ("MANYLOONG_TEST_RESULTS", f"/build/{results.name}"),
        ("MANYLOONG_TEST_SKIPS", f"/io/{_SKIPS}"),
    )
    command = replace(
        template,
        argv=("/bin/sh", "-ec", text),
        log=folder / "command.log",
        environment=(*template.environment, *counting),
        limits=Limits(time_s=_COMMAND_TIME_S),
    )
    done = runner.run(command)
    said = results.read_text("utf-8") if results.is_file() else ""
    counts = read_counts(said, done.log.read_text("utf-8", "replace"))
    return done.succeeded, done.last_lines(30), counts
