"""All jobs of one command: planned, run side by side, each in the lane that it asks for.

What one wheel goes through is in ``pipeline.py``.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from manyloong.errors import BuildError, ManyloongError
from manyloong.events import Warned
from manyloong.pipeline import Batch, build_wheel
from manyloong.results import Built, Failed, Pure, Result, cached
from manyloong.sandbox import Remembering, moved_command, write_script
from manyloong.store import keep_directory, save_folder, save_log
from manyloong.supply import JobSupply, Needed
from manyloong.targets import Python, Target
from manyloong.wheels.build import native_wheel
from manyloong.wheels.compiler_ids import compiler_ids
from manyloong.wheels.diagnosis import moved_crash
from manyloong.wheels.doors import Doors
from manyloong.wheels.fallback import cross_reason
from manyloong.wheels.identifier import Identifier, admitted, serves
from manyloong.wheels.job import NATIVE, Job, LaneName, Options
from manyloong.wheels.kit import Kit
from manyloong.wheels.linked import linked_ids
from manyloong.wheels.needs import options_for
from manyloong.wheels.requirements import Supply
from manyloong.wheels.source import Source


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
    special: Callable[[Identifier], tuple[Options, tuple[str, ...]]] | None = None,
) -> tuple[Job, ...]:
    """One job for each Python that was chosen (None: all here) and that the project admits.

    ``kit`` and ``built`` give the ids of what they are made and tested with: in common, and for one Python.
    ``special`` gives the options of an identifier, and what there is to say of them, instead of ``options``.
    """
    found = admitted(pythons, source.requires_python, project=source.label)
    chosen = tuple(target.python(python) for python in found)

    def job(python: Python) -> Job:
        identifier = Identifier(python=python, target=target)
        own, notes = special(identifier) if special else (options, ())
        return Job(
            source=source,
            identifier=identifier,
            options=own,
            kit=tuple(sorted(kit.items())),
            lane=lane,
            roots=built(python),
            notes=notes,
        )

    jobs = tuple(job(python) for python in chosen)
    if source.one_wheel_a_python:
        return jobs
    served = tuple(pair for job in jobs for pair in job.roots)
    return (replace(jobs[0], siblings=chosen[1:], roots=tuple(dict.fromkeys(served))), *jobs[1:])


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
    if not batch.force and (done := cached(job, output=batch.output, doors=doors)):
        return done
    runner = Remembering(doors.runner)
    with doors.store.scratch("build") as place:
        try:
            return build_wheel(job, replace(batch, doors=replace(doors, runner=runner)), supply, place)
        except ManyloongError as error:
            log = save_log(doors.store.path, place / "build" / "build.log", name=job.id[:16])
            crash = save_folder(doors.store.path, place / "build" / "crash", name=f"{job.id[:16]}.crash")
            if crash is not None and isinstance(error, BuildError):
                error = moved_crash(error, crash)
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
            kit=tuple(sorted((kit.ids | linked | compiler_ids(options.compilers, kit)).items())),
            roots=kit.built_ids(needed.python),
            lane="auto" if needed.side == "target" else NATIVE,
        )
        job = replace(whole, options=replace(whole.options, test_command=None, test_requires=()))
        if needed.side == "native":
            return native_wheel(job, batch.kit, batch.doors, supply)
        cross = replace(whole, lane="cross")
        tested = cached(cross, output=batch.output, doors=batch.doors)  # with its test command, done before
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
