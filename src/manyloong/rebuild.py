"""A wheel made again from its record: the same sources, options, requirements and roots, or a refusal.

Nothing is resolved: what the record names by hash is had by hash. ``cli/rebuild_run.py`` runs it under
changed conditions.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from manyloong.errors import InputError, IntegrityError, NotFoundError
from manyloong.events import Stages
from manyloong.pipeline import Batch, make_wheel
from manyloong.record import BuildRecord, read_record, record_path
from manyloong.results import Pure
from manyloong.supply import JobSupply
from manyloong.targets import Python, target
from manyloong.wheels.compiler_ids import compiler_ids
from manyloong.wheels.compilers import asked_compilers
from manyloong.wheels.doors import Doors
from manyloong.wheels.given import GivenSource
from manyloong.wheels.given_crates import parse_given_crates
from manyloong.wheels.identifier import Identifier, parse_pythons
from manyloong.wheels.job import Job, Options, parse_lane
from manyloong.wheels.kit import Kit
from manyloong.wheels.linked import linked_ids
from manyloong.wheels.pinned import PinnedFile, ensure_pinned, kept_object
from manyloong.wheels.source import PureRelease, Source, resolve_source


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A record, and what the user gives where the cache and the index do not have it."""

    record: BuildRecord
    source: str | None = None  # archive or checkout
    given: tuple[GivenSource, ...] = ()  # for what the build downloads
    links: tuple[Path, ...] = ()
    crates: tuple[Path, ...] = ()  # folders


def read_wanted_record(path: Path) -> tuple[BuildRecord, Path | None]:
    """The record that a wheel or a record's file means, and the wheel where it is there and is that one.

    Raises NotFoundError, IntegrityError (broken, of another wheel, or a wheel that was changed).
    """
    wheel = path if path.suffix == ".whl" else path.with_name(path.name.removesuffix(".record.json"))
    file = record_path(path) if path.suffix == ".whl" else path
    record = read_record(
        file, hint="manyloong build writes it beside the wheel; name the record itself where it is elsewhere"
    )
    if not record.whole:
        raise InputError(
            f"{file} is of schema {record.schema}, which does not say all that a build needs",
            hint=f"build it again: manyloong build {record.source.location}",
        )
    return record, wheel if wheel != file and wheel.is_file() else None


def plan_rebuild(wanted: Wanted, kit: Kit, *, doors: Doors) -> Job:
    """The job of a record, with all that it needs in the store; nothing is built but ports and environments.

    Raises NotFoundError (an input is nowhere), IntegrityError (an input is another one).
    """
    record = wanted.record
    source = _source(wanted, doors)
    options = _options(wanted, doors)
    options = replace(options, compilers=asked_compilers(source, options.recipe.toolchain, doors.store))
    python = python_of(record)
    linked = linked_ids(options.recipe.ports, kit, doors, asked_by=source.label)
    ids = kit.ids | linked | compiler_ids(options.compilers, kit)
    built = tuple(pair for pair in kit.built_ids(python) if pair[0] == "python")
    check_kit(record, ids, dict(built).get("python", ""))
    pinned = ensure_pinned(
        record.requirements,
        [PinnedFile(filename=one.filename, sha256=one.sha256) for one in record.build_environment],
        [PinnedFile(filename=one.filename, sha256=one.sha256) for one in record.target_copies],
        links=wanted.links,
        doors=doors,
    )
    return Job(
        source=source,
        identifier=Identifier(python=python, target=target(record.platform)),
        options=options,
        kit=tuple(sorted(ids.items())),
        lane=parse_lane(record.lane),
        roots=built,
        fallback=record.fallback,
        pinned=pinned,
    )


def python_of(record: BuildRecord) -> Python:
    """The Python that a record's wheel was built for; IntegrityError where there is none of that name."""
    try:
        (python,) = parse_pythons(record.identifier.partition("-")[0]) or ()
    except (InputError, ValueError):
        raise IntegrityError(f"the record's identifier {record.identifier!r} names no Python") from None
    return target(record.platform).python(python)


def check_kit(record: BuildRecord, ids: dict[str, str], python_home: str) -> None:
    """IntegrityError that names each root, toolchain or port that is not the record's."""
    here = ids | ({"python": python_home} if python_home else {})
    there = record.kit | ({"python": record.python_home} if record.python_home else {})
    lines = [
        f"\n  {name}: the record has {there.get(name, 'none')[:16]}, here is {here.get(name, 'none')[:16]}"
        for name in sorted(here.keys() | there.keys())
        if here.get(name) != there.get(name)
    ]
    if lines:
        raise IntegrityError(
            f"{record.wheel.filename} was made with other roots or tools than those of this installation:"
            + "".join(lines),
            hint=f"use the release that made it: pip install manyloong=={record.manyloong}",
        )


def _source(wanted: Wanted, doors: Doors) -> Source:
    """The sources with the record's hash: given, kept in the cache, or of the index."""
    record = wanted.record.source
    if wanted.source is None:
        path = kept_object(record.sha256, record.location, doors) if record.kind != "directory" else None
        if path is not None:
            return Source(
                kind="index" if record.kind == "index" else "archive",
                location=record.location,
                name=record.name,
                version=record.version,
                sha256=record.sha256,
                path=path,
                requires_python=None,
                warnings=wanted.record.warnings,
            )
        if record.kind != "index":
            raise NotFoundError(
                f"the sources {record.location} (SHA-256 {record.sha256}) are not in the cache",
                hint="name the archive or the checkout: manyloong rebuild RECORD SOURCE",
            )
    registry, store = doors.registry, doors.store
    named = wanted.source or record.location
    found = resolve_source(
        named, registry=registry, fetcher=doors.fetcher, store=store, listener=doors.listener
    )
    if isinstance(found, PureRelease) or found.sha256 != record.sha256:
        has = "no sources" if isinstance(found, PureRelease) else f"SHA-256 {found.sha256}"
        raise IntegrityError(
            f"{named} is not what the record was made from: it has {has}, the record says {record.sha256}",
            hint="name the archive or the checkout that was used: manyloong rebuild RECORD SOURCE",
        )
    return found


def _options(wanted: Wanted, doors: Doors) -> Options:
    """The record's own options, recipe and hooks."""
    asked = wanted.record.options
    if asked is None or asked.recipe is None:
        raise InputError("the record does not say with which options it was made")
    return Options(
        test=False,
        config_settings=tuple(asked.config_settings.items()),
        environment=tuple(asked.environment.items()),
        find_links=tuple(str(folder) for folder in wanted.links),
        sources=tuple(_given(url, sha256, wanted, doors) for url, sha256 in sorted(asked.sources.items())),
        hooks=asked.hooks,
        crates=parse_given_crates(wanted.crates, relock=asked.relock),
        recipe=asked.recipe,
    )


def _given(url: str, sha256: str, wanted: Wanted, doors: Doors) -> GivenSource:
    """The file that was given for an address; by the user, or in the cache."""
    found = next((one for one in wanted.given if one.url == url), None)
    if found is None:
        path = kept_object(sha256, url, doors)
        if path is None:
            raise NotFoundError(
                f"what was given for {url} (SHA-256 {sha256}) is not in the cache",
                hint=f"give it again: --source {url}=FILE",
            )
        return GivenSource(url=url, path=str(path), sha256=sha256)
    if found.sha256 != sha256:
        raise IntegrityError(f"--source {url}: SHA-256 is {found.sha256}, the record says {sha256}")
    return found


def run_rebuild(job: Job, batch: Batch, place: Path, record: BuildRecord) -> tuple[Path, BuildRecord]:
    """The wheel of a planned job, and its record; IntegrityError where it asked for other inputs."""
    stages = Stages(f"{job.source.label} {job.identifier} again", batch.doors.listener)
    made = make_wheel(job, batch, no_supply(batch.doors), place, stages)
    if isinstance(made, Pure):
        raise IntegrityError(f"{made.filename} came out, which runs everywhere; the record has another wheel")
    path, found = made
    check_inputs(record, found)
    return path, found


def no_supply(doors: Doors) -> JobSupply:
    """The supply of a build for which everything is there."""
    return JobSupply(make=_make_nothing, doors=doors, folders=(), allowed=False, chain=("the record",))


def _make_nothing(source: Source, *_: object) -> Path:
    raise NotFoundError(f"{source.label} is needed, and the record does not name it")


def check_inputs(record: BuildRecord, found: BuildRecord) -> None:
    """IntegrityError that names what a build asked for and its record does not have."""
    other = sorted(set(found.requirements) - set(record.requirements))  # it may ask less: all is there
    if other:
        raise IntegrityError(f"the build asked for other requirements than the record's: {', '.join(other)}")
    served = [{(one.url, one.sha256) for one in row.downloads} for row in (record, found)]
    if served[0] != served[1]:
        urls = ", ".join(sorted(url for url, _ in served[0] ^ served[1]))
        raise IntegrityError(f"the build was served other downloads than the record's: {urls}")
    crates = [{(one.name, one.version, one.sha256) for one in row.crates} for row in (record, found)]
    if crates[0] != crates[1]:
        names = ", ".join(sorted(f"{name} {version}" for name, version, _ in crates[0] ^ crates[1]))
        raise IntegrityError(f"the build had other crates than the record's: {names}")


def wheel_of(record: BuildRecord, beside: Path | None, doors: Doors) -> Path | None:
    """The record's own wheel: beside the record, or in the cache. IntegrityError for one that was changed."""
    if beside is None:
        return kept_object(record.wheel.sha256, record.wheel.filename, doors)
    doors.store.add_file(beside, record.wheel.sha256)
    return beside


def links_of(folders: Sequence[Path]) -> tuple[Path, ...]:
    """Folders of wheels; InputError for one that is none."""
    for folder in folders:
        if not folder.is_dir():
            raise InputError(f"--find-links {folder}: not a folder", hint="name a folder with wheels")
    return tuple(folder.resolve() for folder in folders)
