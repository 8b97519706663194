"""One release, top to bottom: raw wheel -> repair -> verdict -> tests -> record -> output folder.

The page a newcomer reads first: each step is a call into the room that knows how. ``jobs.py`` calls it.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from manyloong.audit import Dispatch, judge, read_facts
from manyloong.events import Stages
from manyloong.record import BuildRecord, assemble_record, finish_record
from manyloong.results import Built, Pure, made_before, publish, remember_made
from manyloong.wheels.backend import prepare_workplace
from manyloong.wheels.build import RawWheel, build_raw_wheel, keep_wheel, prepare_sources
from manyloong.wheels.doors import Doors
from manyloong.wheels.identifier import serves
from manyloong.wheels.job import Job, check_stable
from manyloong.wheels.kit import Kit
from manyloong.wheels.linked import ensure_linked
from manyloong.wheels.recipes import Recipe
from manyloong.wheels.repair import RepairPlan, plan_repair, run_repair
from manyloong.wheels.requirements import Supply
from manyloong.wheels.test import TestPlan, TestReport, passed_on, run_tests
from manyloong.wheels.unmarked import check_pure


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What all jobs of one command have in common."""

    kit: Kit
    doors: Doors
    output: Path
    force: bool = False
    keep: bool = False
    recipes: tuple[Recipe, ...] = ()  # the user's own
    build_requirements: bool = True  # those that are nowhere, first
    links: tuple[str, ...] = ()  # the user's folders of wheels
    test: bool = True


def build_wheel(job: Job, batch: Batch, supply: Supply, place: Path) -> Built | Pure:
    """One job at ``place``: make the wheel, judge what ships, test it, record it, publish it.

    A wheel that another job has made, which differs in its tests only, is not made again.
    """
    batch.doors.store.look_now()  # what was found is used from here on
    stages = Stages(f"{job.source.label} {job.identifier}", batch.doors.listener)
    made = _made_before(job, batch, place) or make_wheel(job, batch, supply, place, stages)
    if isinstance(made, Pure):
        return made
    path, record = made
    with stages.stage("audit"):
        facts = replace(read_facts(path), path=path.name)  # records name no path of this machine
        baseline = batch.kit.target.architecture.qemu.cpu_baseline
        functions = job.options.recipe.dispatched
        provable = Dispatch(functions=functions, ran_on=(baseline,))  # what the tests are about to show
        verdict = judge(facts, batch.kit.target, dispatch=provable)
    tests: tuple[TestReport, ...] = ()
    if verdict.accepted and job.options.test:
        with stages.stage("test"):
            tests = _test(job, path, batch, supply, place)
    if functions:
        seen = Dispatch(functions=functions, ran_on=passed_on(tests))
        verdict = judge(facts, batch.kit.target, dispatch=seen)
    record = finish_record(
        record, job, verdict=verdict, tests=tests, stages=stages.finished, builder=batch.doors.builder
    )
    return publish(record, job, path, output=batch.output, doors=batch.doors)


def make_wheel(
    job: Job, batch: Batch, supply: Supply, place: Path, stages: Stages
) -> tuple[Path, BuildRecord] | Pure:
    """Build and repair: the wheel, and how it was made; neither judged nor tested."""
    kit, doors = batch.kit, batch.doors
    prefix = None
    if job.options.recipe.ports:
        with stages.stage("ports"):
            prefix = ensure_linked(job.options.recipe.ports, kit, doors, asked_by=job.source.label)
    with stages.stage("build"):
        raw = build_raw_wheel(job, kit, place / "build", doors, supply, libraries=prefix)
    if raw.pure:
        check_pure(raw.path, kit.target, label=job.source.label)
        path = keep_wheel(raw.path, job, doors.store)
        return Pure(identifier=str(job.identifier), filename=raw.path.name, path=path)
    with stages.stage("repair"):
        plan = _repair(raw, kit, place, ports=prefix)
        check_stable(raw.path.name, job)
        wheel = run_repair(plan, environment=doors.uv.environment)
    sha256 = doors.store.add_file(wheel.path)
    record = assemble_record(job, kit, raw, wheel, sha256=sha256)
    remember_made(record, job, store=doors.store)
    return wheel.path, record


def _repair(raw: RawWheel, kit: Kit, place: Path, *, ports: Path | None) -> RepairPlan:
    """Libraries come from the ports that were linked with, then from where the target has its own."""
    made = place / "promised" / "local"  # what the project's own hooks have put there
    hooked = tuple(path for path in (made / "lib", made / "lib64") if path.is_dir())
    return plan_repair(
        raw.path,
        place / "repaired",
        target=kit.target,
        library_paths=(*hooked, *kit.libraries),
        ports=ports,
        runtime=kit.runtime,
        epoch=raw.epoch,
    )


def _made_before(job: Job, batch: Batch, place: Path) -> tuple[Path, BuildRecord] | None:
    """The wheel of an earlier job with the same build, with its sources for the tests."""
    found = None if batch.force else made_before(job, place, doors=batch.doors)
    if found is not None:
        prepare_sources(job, batch.kit, prepare_workplace(place / "build"), batch.doors)
    return found


def _test(job: Job, wheel: Path, batch: Batch, supply: Supply, place: Path) -> tuple[TestReport, ...]:
    """The wheel with its own Python, and with every sibling that it serves."""
    reports: list[TestReport] = []
    for python in (job.identifier.python, *(p for p in job.siblings if serves(wheel.name, p))):
        folder = place / f"test-{python.tag}"
        folder.mkdir()
        plan = TestPlan(
            wheel=wheel,
            python=python,
            command=job.options.test_command,
            requires=job.options.test_requires,
            find_links=(*(Path(link) for link in job.options.find_links), *supply.links()),
            project=place / "build" / "src",
            import_first=job.options.recipe.import_first,
            skips=job.options.recipe.skips,
            hooks=job.options.test_hooks,
        )
        reports += run_tests(plan, batch.kit, folder, batch.doors, supply)
    return tuple(reports)
