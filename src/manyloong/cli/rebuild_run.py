"""``manyloong rebuild`` after its arguments: gather every input, build in another process, compare."""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from manyloong.cli import terminal
from manyloong.cli.changed import Conditions, changed_conditions, run_under
from manyloong.cli.diffoscope import diffoscope_lines
from manyloong.cli.doors import Outside, open_outside
from manyloong.cli.progress import ProgressListener
from manyloong.errors import BuildError, ManyloongError, error_classes
from manyloong.pipeline import Batch
from manyloong.rebuild import Wanted, no_supply, plan_rebuild, python_of, read_wanted_record, wheel_of
from manyloong.record import BuildRecord, format_record
from manyloong.roots.ports import all_ports
from manyloong.store import write_whole
from manyloong.store.objects import file_sha256
from manyloong.targets import target
from manyloong.wheels.compare import compare_wheels
from manyloong.wheels.given import GivenSource
from manyloong.wheels.job import Job
from manyloong.wheels.kit import ensure_kit, with_floors
from manyloong.wheels.lane import open_lane
from manyloong.wheels.linked import ensure_linked


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """What a user asked for, typed."""

    record: Path
    source: str | None
    given: tuple[GivenSource, ...]
    ports: tuple[Path, ...]
    links: tuple[Path, ...]
    crates: tuple[Path, ...]
    output: Path | None
    offline: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What came of it; ``stabilised`` is None where the first wheel is nowhere and its hash is not met."""

    wheel: str
    strict: bool
    stabilised: bool | None
    recorded_sha256: str
    rebuilt_sha256: str
    differences: tuple[str, ...]
    ignored: tuple[str, ...]
    conditions: str


def run_again(request: Again, *, quiet: bool) -> Seen:
    """Gather, build under changed conditions, compare. Raises what the second process raised."""
    record, beside = read_wanted_record(request.record)
    with ProgressListener(quiet=quiet) as listener:
        outside = open_outside(listener, offline=request.offline, locked=False)
        first = wheel_of(record, beside, outside.doors)
        gather(request, record, outside)
        with outside.doors.store.scratch("rebuild") as place:
            conditions = changed_conditions(place)
            second = _second(request, record, place, conditions, outside.doors.store.path)
            if request.output is not None:
                write_whole(request.output / second.name, second.read_bytes())
            return _compared(record, first, second, conditions)


def gather(request: Again, record: BuildRecord, outside: Outside) -> tuple[Job, Batch]:
    """The job of a record and what it is run with; every input is in the store then."""
    doors = outside.doors
    wanted = Wanted(
        record=record,
        source=request.source,
        given=request.given,
        links=request.links,
        crates=request.crates,
    )
    kit = ensure_kit(target(record.platform), outside.host, doors=doors, ports=all_ports(request.ports))
    kit = with_floors(kit, (python_of(record),), (), doors=doors)
    job = plan_rebuild(wanted, kit, doors=doors)
    if job.options.recipe.ports:
        ensure_linked(job.options.recipe.ports, kit, doors, asked_by=job.source.label)
    open_lane(job, kit, doors, no_supply(doors)).install(record.requirements, job)
    return job, Batch(kit=kit, doors=doors, output=doors.store.path, test=False, build_requirements=False)


def _second(request: Again, record: BuildRecord, place: Path, conditions: Conditions, below: Path) -> Path:
    """The wheel that a process of its own made; ManyloongError with what it said."""
    kept = place / "record.json"
    kept.write_bytes(format_record(record))
    document = {
        "record": str(kept),
        "below": str(below),
        "source": _whole_path(request.source),
        "given": [asdict(one) for one in request.given],
        "ports": [str(path.resolve()) for path in request.ports],
        "links": [str(path) for path in request.links],
        "crates": [str(path.resolve()) for path in request.crates],
        "offline": request.offline or not record.crates,  # cargo alone may fetch, by Cargo.lock's hashes
    }
    done = run_under(conditions, ("manyloong.cli.rebuild_process",), text=json.dumps(document))
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        last = "\n".join((done.stderr or done.stdout).splitlines()[-30:])
        raise BuildError(f"the second process ended with {done.returncode}:\n{last}") from None
    if "error" in answer:
        raise _raised(answer["error"])
    return Path(answer["wheel"])


def _whole_path(source: str | None) -> str | None:
    return str(Path(source).resolve()) if source is not None and Path(source).exists() else source


def _raised(error: dict[str, str]) -> ManyloongError:
    """The error of the second process, of the same class."""
    known = {cls.__name__: cls for cls in error_classes()}
    return known.get(error["class"], BuildError)(error["message"], hint=error["hint"])


def _compared(record: BuildRecord, first: Path | None, second: Path, conditions: Conditions) -> Seen:
    found = file_sha256(second)
    strict = found == record.wheel.sha256 and second.name == record.wheel.filename
    seen = Seen(
        wheel=record.wheel.filename,
        strict=strict,
        stabilised=True if strict else None,
        recorded_sha256=record.wheel.sha256,
        rebuilt_sha256=found,
        differences=(),
        ignored=(),
        conditions=str(conditions),
    )
    if strict or first is None:
        return seen
    comparison = compare_wheels(first, second)
    return replace(
        seen,
        stabilised=comparison.stabilised and second.name == record.wheel.filename,
        differences=(*comparison.differences, *diffoscope_lines([(first, second)])),
        ignored=comparison.ignored,
    )


def print_again(seen: Seen, *, as_json: bool) -> None:
    """The outcome, for people or for machines."""
    if as_json:
        terminal.print_json(asdict(seen))
        return
    words = {True: "identical", False: "DIFFERENT", None: "not known: the wheel itself is not here"}
    print(f"{seen.wheel}: {words[seen.strict]}")
    print(f"  recorded   {seen.recorded_sha256}\n  rebuilt    {seen.rebuilt_sha256}")
    print(f"  stabilised {words[seen.stabilised]} (order, times and compression of members ignored)")
    if seen.ignored:
        print(f"  ignored    {', '.join(seen.ignored)}")
    print(f"  conditions {seen.conditions}")
    for line in seen.differences:
        print(f"  {line}")
