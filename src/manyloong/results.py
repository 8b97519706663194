"""What comes of a job: a wheel with its record, or why there is none; and what is known of earlier jobs."""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from manyloong.errors import ManyloongError
from manyloong.provenance import format_statement, provenance_path, wheel_statement
from manyloong.record import BuildRecord, format_record, parse_record, record_path
from manyloong.store import Store, write_whole
from manyloong.wheels.doors import Doors
from manyloong.wheels.job import Job
from manyloong.wheels.pinned import kept_object


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


def made_before(job: Job, place: Path, *, doors: Doors) -> tuple[Path, BuildRecord] | None:
    """The wheel of an earlier job with the same build, copied to ``place``, and its record."""
    known = doors.store.get_json("made", job.build_id)
    if known is None:
        return None
    record = parse_record(known["record"].encode(), where=f"the record of build {job.build_id[:12]}")
    kept = _kept_wheel(record, doors)
    if kept is None:
        return None
    path = place / "repaired" / record.wheel.filename
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(kept, path)
    return path, record


def _kept_wheel(record: BuildRecord, doors: Doors) -> Path | None:
    """A record's wheel in the store, hashed again; None where it is gone, or was damaged and is removed."""
    return kept_object(record.wheel.sha256, record.wheel.filename, doors)


def remember_made(record: BuildRecord, job: Job, *, store: Store) -> None:
    """For jobs that differ from this one in their tests only."""
    store.put_json("made", job.build_id, {"record": format_record(record).decode()})


def publish(record: BuildRecord, job: Job, wheel: Path, *, output: Path, doors: Doors) -> Built:
    """Wheel, record and provenance in the output folder; below ``rejected/`` if it must not be used.

    Where nobody can sign, nothing is written there; the wheel stays in the store, so the next run only signs.
    """
    if record.shippable:
        doors.store.put_json("job", job.id, {"record": format_record(record).decode()})
    provenance = provenance_file(record, doors)
    path = (output if record.shippable else output / "rejected") / record.wheel.filename
    write_whole(path, wheel.read_bytes())
    write_whole(record_path(path), format_record(record))
    write_whole(provenance_path(path), provenance)
    return Built(path=path, record=record)


def provenance_file(record: BuildRecord, doors: Doors) -> bytes:
    """What a build says of where its wheel comes from: signed, where there is somebody to sign."""
    statement = format_statement(wheel_statement(record))
    return doors.signer(statement) if doors.signer else statement + b"\n"


def cached(job: Job, *, output: Path, doors: Doors) -> Built | None:
    """The result of the same job, done before; None when there is none or its wheel was pruned."""
    document = doors.store.get_json("job", job.id)
    if document is None:
        return None
    record = parse_record(document["record"].encode(), where=f"the cached record of job {job.id[:12]}")
    wheel = _kept_wheel(record, doors)
    if wheel is None or not record.whole:  # an older one is written again
        return None
    return replace(publish(record, job, wheel, output=output, doors=doors), cached=True)
