"""One release, top to bottom: jobs -> raw wheel -> repair -> verdict -> tests -> record -> output folder.

The page a newcomer reads first: each step is a call into the room that knows how.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from manyloong.audit import judge, read_facts
from manyloong.errors import BuildError, ManyloongError
from manyloong.events import Stages, Warned
from manyloong.record import BuildRecord, assemble_record, format_record, parse_record, record_path
from manyloong.sandbox import Remembering, moved_command, write_script
from manyloong.store import keep_directory, save_log, write_whole
from manyloong.targets import Python, Target
from manyloong.wheels.build import build_raw_wheel
from manyloong.wheels.doors import Doors
from manyloong.wheels.fallback import cross_reason
from manyloong.wheels.identifier import Identifier, admitted, serves
from manyloong.wheels.job import Job, LaneName, Options
from manyloong.wheels.kit import Kit
from manyloong.wheels.linked import ensure_linked
from manyloong.wheels.repair import plan_repair, run_repair
from manyloong.wheels.source import Source
from manyloong.wheels.test import TestPlan, TestReport, run_tests


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


def run_jobs(
    jobs: Sequence[Job], *, kit: Kit, doors: Doors, output: Path, force: bool, keep: bool
) -> tuple[Result, ...]:
    """All jobs, as many at once as there are cores; a job whose wheel another one served is left out."""

    def run(job: Job) -> Result:
        return run_job(job, kit=kit, doors=doors, output=output, force=force, keep=keep)

    first = (run(jobs[0]),) if jobs[0].siblings else ()
    rest = [job for job in jobs[len(first) :] if not any(_served(result, job) for result in first)]
    with ThreadPoolExecutor(doors.cores) as pool:
        try:
            return (*first, *pool.map(run, rest))
        except BaseException:
            doors.stop()  # Ctrl-C reaches this thread only; end what the others wait for
            raise


def _served(result: Result, job: Job) -> bool:
    """Whether a result makes a later job needless."""
    if isinstance(result, Built):
        return serves(result.path.name, job.identifier.python)
    return isinstance(result, Pure)


def run_job(job: Job, *, kit: Kit, doors: Doors, output: Path, force: bool, keep: bool) -> Result:
    """The wheel of a job: from the cache, or built; errors become a Failed."""
    run = partial(_run_in_lane, kit=kit, doors=doors, output=output, force=force, keep=keep)
    if job.lane != "auto":
        return run(job)
    cross = replace(job, lane="cross")
    known = None if force else doors.store.get_json("fallback", cross.id)
    if known is None:
        result = run(cross)
        if not isinstance(result, Failed) or result.cross_reason is None:
            return result
        known = {"reason": result.cross_reason}
        doors.store.put_json("fallback", cross.id, known)
    reason = str(known["reason"])
    doors.listener(Warned(text=f"{job.source.label} {job.identifier}: emulated lane, because {reason}"))
    return run(replace(job, lane="emulated", fallback=reason))


def _run_in_lane(job: Job, *, kit: Kit, doors: Doors, output: Path, force: bool, keep: bool) -> Result:
    if not force and (done := _cached(job, doors=doors, output=output)):
        return done
    runner = Remembering(doors.runner)
    with doors.store.scratch("build") as place:
        try:
            return build_wheel(job, kit=kit, doors=replace(doors, runner=runner), output=output, place=place)
        except ManyloongError as error:
            log = save_log(doors.store.path, place / "build" / "build.log", name=job.id[:16])
            kept = _keep(place, job, runner, doors=doors) if keep else None
            reason = _cross_reason(job, error, place / "build", kit)
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


def build_wheel(job: Job, *, kit: Kit, doors: Doors, output: Path, place: Path) -> Built | Pure:
    """One job at ``place``: build, repair, judge what ships, test it, record it, publish it."""
    stages = Stages(f"{job.source.label} {job.identifier}", doors.listener)
    prefix = None
    if job.options.recipe.ports:
        with stages.stage("ports"):
            prefix = ensure_linked(job.options.recipe.ports, kit, doors, asked_by=job.source.label)
    with stages.stage("build"):
        raw = build_raw_wheel(job, kit, place / "build", doors, libraries=prefix)
    if raw.pure:
        return Pure(identifier=str(job.identifier), filename=raw.path.name)
    with stages.stage("repair"):
        system = (kit.toolchain.target / "lib", kit.target_root.path / "usr/lib" / kit.target.triplet)
        plan = plan_repair(
            raw.path,
            place / "repaired",
            target=kit.target,
            library_paths=system,
            ports=prefix,
            epoch=raw.epoch,
        )
        wheel = run_repair(plan, environment=doors.uv.environment)
    with stages.stage("audit"):
        facts = replace(read_facts(wheel.path), path=wheel.path.name)  # records name no path of this machine
        verdict = judge(facts, kit.target)
    tests: tuple[TestReport, ...] = ()
    if verdict.accepted and job.options.test:
        with stages.stage("test"):
            tests = _test(job, wheel.path, kit=kit, doors=doors, place=place, output=output)
    record = assemble_record(
        job,
        kit,
        raw,
        wheel,
        verdict=verdict,
        tests=tests,
        stages=stages.finished,
        sha256=doors.store.add_file(wheel.path),
    )
    return _publish(record, job, wheel.path, doors=doors, output=output)


def _test(
    job: Job, wheel: Path, *, kit: Kit, doors: Doors, place: Path, output: Path
) -> tuple[TestReport, ...]:
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
            find_links=(
                *(Path(link) for link in job.options.find_links),
                *([output] if output.is_dir() else []),
            ),
            project=place / "build" / "src",
        )
        reports += run_tests(plan, kit, folder, doors)
    return tuple(reports)


def _publish(record: BuildRecord, job: Job, wheel: Path, *, doors: Doors, output: Path) -> Built:
    """The wheel and its record in the output folder, or below ``rejected/`` when it must not be used."""
    path = (output if record.shippable else output / "rejected") / record.wheel.filename
    write_whole(path, wheel.read_bytes())
    write_whole(record_path(path), format_record(record))
    if record.shippable:
        doors.store.put_json("job", job.id, {"record": format_record(record).decode()})
    return Built(path=path, record=record)


def _cached(job: Job, *, doors: Doors, output: Path) -> Built | None:
    """The result of the same job, done before; None when there is none or its wheel was pruned."""
    document = doors.store.get_json("job", job.id)
    if document is None:
        return None
    record = parse_record(document["record"].encode(), where=f"the cached record of job {job.id[:12]}")
    wheel = doors.store.object_path(record.wheel.sha256)
    if wheel is None:
        return None
    return replace(_publish(record, job, wheel, doors=doors, output=output), cached=True)
