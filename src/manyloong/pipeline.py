"""One release, top to bottom: jobs -> raw wheel -> repair -> verdict -> tests -> record -> output folder.

The page a newcomer reads first: each step is a call into the room that knows how.
"""

import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from manyloong.audit import Dispatch, judge, read_facts
from manyloong.errors import BuildError, ManyloongError
from manyloong.events import Stages, Warned
from manyloong.record import (
    BuildRecord,
    assemble_record,
    finish_record,
    format_record,
    parse_record,
    record_path,
)
from manyloong.sandbox import Remembering, moved_command, write_script
from manyloong.store import keep_directory, save_log, write_whole
from manyloong.supply import JobSupply, Needed
from manyloong.targets import Python, Target
from manyloong.wheels.backend import prepare_workplace
from manyloong.wheels.build import RawWheel, build_raw_wheel, keep_wheel, native_wheel, prepare_sources
from manyloong.wheels.doors import Doors
from manyloong.wheels.fallback import cross_reason
from manyloong.wheels.identifier import Identifier, admitted, serves
from manyloong.wheels.job import NATIVE, Job, LaneName, Options
from manyloong.wheels.kit import Kit
from manyloong.wheels.linked import ensure_linked, linked_ids
from manyloong.wheels.needs import options_for
from manyloong.wheels.recipes import Recipe
from manyloong.wheels.repair import RepairPlan, plan_repair, run_repair
from manyloong.wheels.requirements import Supply
from manyloong.wheels.source import Source
from manyloong.wheels.test import TestPlan, TestReport, passed_on, run_tests


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """A wheel in the output folder and its record; ``cached`` when the same job had been done before."""

    path: Path
    record: BuildRecord
    cached: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pure:
    """An expected no: the wheel runs everywhere, so there is nothing for this platform."""

    identifier: str
    filename: str
    path: Path  # in the store


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A job that ended in an error; the other jobs of the same command go on."""

    identifier: str
    error: ManyloongError
    log: Path | None = None  # everything the build printed
    kept: Path | None = None  # the job's folder, where it was asked to be kept
    cross_reason: str | None = None  # why it could not be a cross build, where that was the cause


Result = Built | Pure | Failed


def _nothing(python: Python) -> tuple[tuple[str, str], ...]:
    del python
    return ()


def plan_jobs(
    source: Source,
    pythons: Sequence[Python] | None,
    target: Target,
    *,
    options: Options,
    kit: dict[str, str],
    lane: LaneName = "cross",
    built: Callable[[Python], tuple[tuple[str, str], ...]] = _nothing,
) -> tuple[Job, ...]:
    """One job for each Python that was chosen (None: all here) and that the project admits.

    ``kit`` and ``built`` give the ids of what they are made and tested with: in common, and for one Python.
    """
    chosen = admitted(pythons, source.requires_python, project=source.label)
    jobs = tuple(
        Job(
            source=source,
            identifier=Identifier(python=python, target=target),
            options=options,
            kit=tuple(sorted(kit.items())),
            lane=lane,
            roots=built(python),
        )
        for python in chosen
    )
    if source.one_wheel_a_python:
        return jobs
    served = tuple(pair for job in jobs for pair in job.roots)
    return (replace(jobs[0], siblings=chosen[1:], roots=tuple(dict.fromkeys(served))), *jobs[1:])


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


def run_jobs(jobs: Sequence[Job], batch: Batch) -> tuple[tuple[Result, ...], tuple[Built, ...]]:
    """All jobs, as many at once as there are cores, and what was built for them first.

    A job whose wheel another one served is left out.
    """
    requirements = Requirements(batch)
    supply = requirements.supply(jobs[0].source.label)

    def run(job: Job) -> Result:
        return run_job(job, batch, supply)

    first = (run(jobs[0]),) if jobs[0].siblings else ()
    rest = [job for job in jobs[len(first) :] if not any(_served(result, job) for result in first)]
    with ThreadPoolExecutor(batch.doors.cores) as pool:
        try:
            return (*first, *pool.map(run, rest)), requirements.built
        except BaseException:
            batch.doors.stop()  # Ctrl-C reaches this thread only; end what the others wait for
            raise


def _served(result: Result, job: Job) -> bool:
    """Whether a result makes a later job needless."""
    if isinstance(result, Built):
        return serves(result.path.name, job.identifier.python)
    return isinstance(result, Pure)


def run_job(job: Job, batch: Batch, supply: Supply) -> Result:
    """The wheel of a job: from the cache, or built; errors become a Failed."""
    if job.lane != "auto":
        return _run_in_lane(job, batch, supply)
    cross, store = replace(job, lane="cross"), batch.doors.store
    known = None if batch.force else store.get_json("fallback", cross.id)
    if known is None:
        result = _run_in_lane(cross, batch, supply)
        if not isinstance(result, Failed) or result.cross_reason is None:
            return result
        known = {"reason": result.cross_reason}
        store.put_json("fallback", cross.id, known)
    reason = str(known["reason"])
    text = f"{job.source.label} {job.identifier}: emulated lane, because {reason}"
    batch.doors.listener(Warned(text=text))
    return _run_in_lane(replace(job, lane="emulated", fallback=reason), batch, supply)


def _run_in_lane(job: Job, batch: Batch, supply: Supply) -> Result:
    doors = batch.doors
    if not batch.force and (done := _cached(job, batch)):
        return done
    runner = Remembering(doors.runner)
    with doors.store.scratch("build") as place:
        try:
            return build_wheel(job, replace(batch, doors=replace(doors, runner=runner)), supply, place)
        except ManyloongError as error:
            log = save_log(doors.store.path, place / "build" / "build.log", name=job.id[:16])
            kept = _keep(place, job, runner, doors=doors) if batch.keep else None
            reason = _cross_reason(job, error, place / "build", batch.kit)
            return Failed(
                identifier=str(job.identifier), error=error, log=log, kept=kept, cross_reason=reason
            )


def _cross_reason(job: Job, error: ManyloongError, build: Path, kit: Kit) -> str | None:
    """Why a failed build could not be a cross build; None where it was none, or failed for another reason."""
    log = build / "build.log"
    if job.lane != "cross" or not isinstance(error, BuildError) or not log.is_file():
        return None
    return cross_reason(log.read_text("utf-8", "replace"), build, kit.target.architecture)


def _keep(place: Path, job: Job, runner: Remembering, *, doors: Doors) -> Path:
    """The job's folder out of the way of the cleaning, with a script that enters the failed sandbox again."""
    kept = keep_directory(doors.store.path, place, name=job.id[:16])
    if runner.failed is not None:
        write_script(kept, moved_command(runner.failed, old=place, new=kept), doors.facts)
    return kept


def build_wheel(job: Job, batch: Batch, supply: Supply, place: Path) -> Built | Pure:
    """One job at ``place``: make the wheel, judge what ships, test it, record it, publish it.

    A wheel that another job has made, which differs in its tests only, is not made again.
    """
    stages = Stages(f"{job.source.label} {job.identifier}", batch.doors.listener)
    before = None if batch.force else _made_before(job, batch, place)
    made = before or _make(job, batch, supply, place, stages)
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
    record = finish_record(record, job, verdict=verdict, tests=tests, stages=stages.finished)
    return _publish(record, job, path, batch)


def _make(
    job: Job, batch: Batch, supply: Supply, place: Path, stages: Stages
) -> tuple[Path, BuildRecord] | Pure:
    """Build and repair: the wheel, and how it was made."""
    kit, doors = batch.kit, batch.doors
    prefix = None
    if job.options.recipe.ports:
        with stages.stage("ports"):
            prefix = ensure_linked(job.options.recipe.ports, kit, doors, asked_by=job.source.label)
    with stages.stage("build"):
        raw = build_raw_wheel(job, kit, place / "build", doors, supply, libraries=prefix)
    if raw.pure:
        path = keep_wheel(raw.path, job, doors.store)
        return Pure(identifier=str(job.identifier), filename=raw.path.name, path=path)
    with stages.stage("repair"):
        plan = _repair(raw, kit, place, ports=prefix)
        wheel = run_repair(plan, environment=doors.uv.environment)
    sha256 = doors.store.add_file(wheel.path)
    record = assemble_record(job, kit, raw, wheel, sha256=sha256)
    doors.store.put_json("made", job.build_id, {"record": format_record(record).decode()})
    return wheel.path, record


def _repair(raw: RawWheel, kit: Kit, place: Path, *, ports: Path | None) -> RepairPlan:
    """Libraries come from the ports that were linked with, then from the target's root."""
    system = (kit.toolchain.target / "lib", kit.target_root.path / "usr/lib" / kit.target.triplet)
    return plan_repair(
        raw.path,
        place / "repaired",
        target=kit.target,
        library_paths=system,
        ports=ports,
        epoch=raw.epoch,
    )


def _made_before(job: Job, batch: Batch, place: Path) -> tuple[Path, BuildRecord] | None:
    """The wheel of an earlier job with the same build, at ``place``, with its sources for the tests."""
    store = batch.doors.store
    known = store.get_json("made", job.build_id)
    if known is None:
        return None
    record = parse_record(known["record"].encode(), where=f"the record of build {job.build_id[:12]}")
    kept = store.object_path(record.wheel.sha256)
    if kept is None:
        return None
    prepare_sources(job, batch.kit, prepare_workplace(place / "build"), batch.doors)
    path = place / "repaired" / record.wheel.filename
    path.parent.mkdir()
    shutil.copyfile(kept, path)
    return path, record


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
            skips=job.options.recipe.skips,
        )
        reports += run_tests(plan, batch.kit, folder, batch.doors, supply)
    return tuple(reports)


def _publish(record: BuildRecord, job: Job, wheel: Path, batch: Batch) -> Built:
    """The wheel and its record in the output folder, or below ``rejected/`` when it must not be used."""
    path = (batch.output if record.shippable else batch.output / "rejected") / record.wheel.filename
    write_whole(path, wheel.read_bytes())
    write_whole(record_path(path), format_record(record))
    if record.shippable:
        batch.doors.store.put_json("job", job.id, {"record": format_record(record).decode()})
    return Built(path=path, record=record)


def _cached(job: Job, batch: Batch) -> Built | None:
    """The result of the same job, done before; None when there is none or its wheel was pruned."""
    store = batch.doors.store
    document = store.get_json("job", job.id)
    if document is None:
        return None
    record = parse_record(document["record"].encode(), where=f"the cached record of job {job.id[:12]}")
    wheel = store.object_path(record.wheel.sha256)
    if wheel is None:
        return None
    return replace(_publish(record, job, wheel, batch), cached=True)


class Requirements:
    """Jobs that other jobs wait for: their wheels, and what there is to say of them at the end."""

    def __init__(self, batch: Batch) -> None:
        self._batch = batch
        self._built: list[Built] = []

    @property
    def built(self) -> tuple[Built, ...]:
        """Wheels of the target that were made on the way, in the order they were ready."""
        return tuple(self._built)

    def supply(self, label: str) -> JobSupply:
        """The supply of the release that the user asked for."""
        batch = self._batch
        return JobSupply(
            make=self._make,
            doors=batch.doors,
            folders=(batch.output,),
            allowed=batch.build_requirements,
            chain=(label,),
        )

    def _make(self, source: Source, needed: Needed, supply: JobSupply) -> Path:
        """The wheel of a requirement: imported on each CPU model, but without its test command."""
        batch = self._batch
        options = Options(find_links=batch.links, test=batch.test)
        kit, doors = batch.kit, batch.doors
        options = options_for(
            source,
            options,
            own=batch.recipes,
            ports=kit.ports,
            store=doors.store,
            listener=doors.listener,
        )
        linked = linked_ids(options.recipe.ports, kit, doors, asked_by=source.label)
        whole = Job(
            source=source,
            identifier=Identifier(python=needed.python, target=kit.target),
            options=options,
            kit=tuple(sorted((kit.ids | linked).items())),
            roots=kit.built_ids(needed.python),
            lane="auto" if needed.side == "target" else NATIVE,
        )
        job = replace(whole, options=replace(whole.options, test_command=None, test_requires=()))
        if needed.side == "native":
            return native_wheel(job, batch.kit, batch.doors, supply)
        tested = _cached(replace(whole, lane="cross"), batch)  # with its test command, done before
        result = tested or run_job(job, replace(batch, force=False), supply)
        return self._usable(result, source)

    def _usable(self, result: Result, source: Source) -> Path:
        """Its wheel; BuildError where it must not be used."""
        if isinstance(result, Failed):
            log = f"\nthe whole log: {result.log}" if result.log else ""
            raise BuildError(result.error.message + log, hint=result.error.hint)
        if isinstance(result, Built) and not result.record.shippable:
            raise BuildError(
                f"the wheel {result.path.name} was made, but not accepted",
                hint=f"see why: manyloong build {source.location}",
            )
        if isinstance(result, Built):
            self._built.append(result)
        return result.path
