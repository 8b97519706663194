"""The build record: everything that went into a wheel and everything that was seen of it, as JSON.

One file beside each wheel, named ``WHEEL.record.json``. What it does not say was not done. It is sealed: a
record of which a byte changed is refused.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from manyloong import __version__
from manyloong.audit import Dispatch, Verdict
from manyloong.errors import IntegrityError, NotFoundError
from manyloong.events import StageFinished
from manyloong.store import seal_holds, seal_of, seal_text
from manyloong.store.objects import file_sha256
from manyloong.wheels.build import RawWheel
from manyloong.wheels.crates import HadCrate
from manyloong.wheels.downloads import Download
from manyloong.wheels.environment import BuildEnvironment
from manyloong.wheels.hooks import Hooks
from manyloong.wheels.job import Job
from manyloong.wheels.kit import Kit
from manyloong.wheels.recipe_keys import Skip
from manyloong.wheels.recipes import Recipe, built_part
from manyloong.wheels.repair import Repaired
from manyloong.wheels.source import Source
from manyloong.wheels.test import TestReport, passed_on

SCHEMA = 2
_UNSEALED = 1  # records of this schema carry no seal
SUFFIX = ".record.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRecord:
    """What was built."""

    kind: str
    location: str
    name: str | None
    version: str | None
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelRecord:
    """One wheel: the product, or a build requirement."""

    filename: str
    sha256: str
    size_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CrateRecord:
    """A Rust crate that the build had, by its archive's digest, and where it came from."""

    name: str
    version: str
    sha256: str
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchRecord:
    """A change to the sources, and where it stands upstream."""

    name: str
    status: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeRecord:
    """What the release needed beyond its own metadata; empty when nothing."""

    sha256: str  # of all that decided the build
    origins: tuple[str, ...]  # where it was read
    ports: tuple[str, ...]
    dispatched: tuple[str, ...]
    skips: tuple[Skip, ...]
    patches: tuple[PatchRecord, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionsRecord:
    """What was asked for, with what the recipe adds: a build of the same sources needs it again."""

    config_settings: dict[str, str | tuple[str, ...]]
    environment: dict[str, str]
    sources: dict[str, str]  # address -> SHA-256 of the file that the user gave for it
    hooks: Hooks = field(default_factory=Hooks)  # of the project's own tables
    recipe: Recipe | None = None  # whole, but for what is about tests; patches with their text
    relock: bool = False  # versions of crates were chosen anew


@dataclass(frozen=True, slots=True, kw_only=True)
class StageRecord:
    """How long one stage took."""

    name: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildRecord:
    """One wheel from source to test."""

    schema: int = SCHEMA
    manyloong: str
    job: str
    identifier: str
    platform: str
    lane: str
    host: str
    source: SourceRecord
    kit: dict[str, str]  # part -> id
    lock_drift: tuple[str, ...]
    requirements: tuple[str, ...]
    build_environment: tuple[WheelRecord, ...]
    variables: dict[str, str]
    commands: tuple[str, ...]
    dropped_flags: tuple[str, ...]
    translated_flags: tuple[str, ...]
    grafted: tuple[str, ...]
    carried: tuple[str, ...] = ()  # name and version of each port (or part of the compiler) that they are of
    stages: tuple[StageRecord, ...]
    warnings: tuple[str, ...]
    accepted: bool  # what the verdict comes to
    verdict: Verdict
    tests: tuple[TestReport, ...]
    wheel: WheelRecord
    downloads: tuple[Download, ...] = ()  # that the build was served
    target_copies: tuple[WheelRecord, ...] = ()  # of build requirements that it was compiled against
    fallback: str = ""  # why it is not a cross build, where that was tried first
    recipe: RecipeRecord | None = None
    crates: tuple[CrateRecord, ...] = ()
    relocked: tuple[str, ...] = ()  # crates in other versions than Cargo.lock names
    notes: tuple[str, ...] = ()  # options of the project's own tables that had no effect, and why
    hermetic: bool = True  # False: hooks could reach the network
    options: OptionsRecord | None = None  # None in records of schema 1
    builder: str = ""  # URI of who built it, for provenance; empty where nobody said
    python_home: str = ""  # what identifies the build variables of a Python from source

    @property
    def whole(self) -> bool:
        """Whether it says all that a build needs; records of schema 1 do not."""
        return self.options is not None and self.options.recipe is not None

    @property
    def dispatch(self) -> Dispatch:
        """What permits code above the baseline: the recipe's functions, and CPUs that all tests passed on."""
        functions = self.recipe.dispatched if self.recipe else ()
        return Dispatch(functions=functions, ran_on=passed_on(self.tests))

    @property
    def tested(self) -> str:
        """``passed``, ``failed``, ``dependency not available`` or ``not tested``, over all CPU models."""
        outcomes = {report.outcome for report in self.tests}
        for outcome in ("failed", "dependency not available", "passed"):
            if outcome in outcomes:
                return outcome
        return "not tested"

    @property
    def shippable(self) -> bool:
        """Whether the wheel may be used: accepted by the audit, and not failed by a test."""
        return self.accepted and self.tested != "failed"

    @property
    def seconds(self) -> float:
        """The whole build."""
        return sum(stage.seconds for stage in self.stages)


def _wheels(environment: BuildEnvironment) -> tuple[WheelRecord, ...]:
    return tuple(
        WheelRecord(filename=one.filename, sha256=one.sha256, size_bytes=one.size_bytes)
        for one in environment.wheels
    )


def assemble_record(
    job: Job,
    kit: Kit,
    raw: RawWheel,
    wheel: Repaired,
    *,
    sha256: str,
) -> BuildRecord:
    """The record of a wheel that was neither judged nor tested yet, from what its steps returned."""
    return BuildRecord(
        manyloong=__version__,
        job=job.id,
        identifier=str(job.identifier),
        platform=kit.target.tag,
        lane=job.lane,
        fallback=job.fallback,
        downloads=raw.downloads,
        host=kit.host.name,
        source=_source_record(job.source),
        kit=dict(job.kit),
        lock_drift=kit.drift,
        requirements=raw.requirements,
        build_environment=_wheels(raw.environment),
        variables=dict(raw.variables),
        commands=raw.commands,
        dropped_flags=raw.dropped_flags,
        translated_flags=raw.translated_flags,
        grafted=wheel.grafted,
        carried=wheel.carried,
        stages=(),
        warnings=job.source.warnings,
        accepted=False,
        verdict=Verdict(path=wheel.path.name, target=kit.target.tag, findings=()),
        tests=(),
        wheel=WheelRecord(filename=wheel.path.name, sha256=sha256, size_bytes=wheel.path.stat().st_size),
        recipe=_recipe_record(job.options.recipe),
        options=_options_record(job),
        python_home=dict(job.roots).get("python", ""),
        relocked=raw.relocked,
        crates=tuple(_crate_record(one) for one in raw.crates),
        target_copies=tuple(
            WheelRecord(filename=one.filename, sha256=one.sha256) for one in raw.environment.copies
        ),
    )


def finish_record(
    made: BuildRecord,
    job: Job,
    *,
    verdict: Verdict,
    tests: tuple[TestReport, ...],
    stages: Sequence[StageFinished],
    builder: str = "",
) -> BuildRecord:
    """The record of a finished job: how its wheel was made, perhaps by another job, and what became of it."""
    return replace(
        made,
        job=job.id,
        fallback=job.fallback,
        warnings=job.source.warnings,
        notes=job.notes,
        hermetic=not (job.options.hooks.network or job.options.test_hooks.network),
        recipe=_recipe_record(job.options.recipe),
        options=_options_record(job),
        python_home=dict(job.roots).get("python", ""),
        schema=SCHEMA,
        builder=builder,
        accepted=verdict.accepted,
        verdict=verdict,
        tests=tests,
        stages=tuple(StageRecord(name=stage.stage, seconds=stage.seconds) for stage in stages),
    )


def _crate_record(had: HadCrate) -> CrateRecord:
    crate = had.crate
    return CrateRecord(name=crate.name, version=crate.version, sha256=crate.checksum, origin=had.origin)


def _source_record(source: Source) -> SourceRecord:
    return SourceRecord(
        kind=source.kind,
        location=source.location,
        name=source.name,
        version=source.version,
        sha256=source.sha256,
    )


def _recipe_record(recipe: Recipe) -> RecipeRecord | None:
    if not recipe.origins:
        return None
    return RecipeRecord(
        sha256=recipe.digest,
        origins=recipe.origins,
        ports=recipe.ports,
        dispatched=recipe.dispatched,
        skips=recipe.skips,
        patches=tuple(
            PatchRecord(name=one.name, status=one.status, sha256=one.sha256) for one in recipe.patches
        ),
    )


def _options_record(job: Job) -> OptionsRecord:
    options = job.options
    return OptionsRecord(
        config_settings=dict(options.config_settings),
        environment=dict(options.environment),
        sources={one.url: one.sha256 for one in options.sources},
        hooks=options.hooks,
        recipe=built_part(options.recipe),
        relock=options.crates.relock,
    )


def format_record(record: BuildRecord) -> bytes:
    """The record as canonical, indented JSON with its seal."""
    return seal_text(msgspec.to_builtins(record, order="sorted"))


def parse_record(data: bytes, *, where: str) -> BuildRecord:
    """The inverse of ``format_record``; raises IntegrityError naming what is wrong and where."""
    try:
        record = msgspec.json.decode(data, type=BuildRecord)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise IntegrityError(f"{where} is no build record: {error}", hint="build it again: --force") from None
    unsealed = record.schema == _UNSEALED and seal_of(data) is None
    if not unsealed and not seal_holds(data):
        raise IntegrityError(
            f"{where} was changed after it was written: its seal does not hold",
            hint="get the record again, or build the wheel again: --force",
        )
    return record


def record_path(wheel: Path) -> Path:
    """Where the record of a wheel file is."""
    return wheel.with_name(wheel.name + SUFFIX)


def read_record(path: Path, *, hint: str = "manyloong build writes it beside the wheel") -> BuildRecord:
    """The record in a file; NotFoundError where there is none, and as ``parse_record``."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise NotFoundError(f"no build record {path}: {error.strerror}", hint=hint) from None
    return parse_record(data, where=str(path))


def record_of(wheel: Path, *, hint: str = "manyloong build writes it beside the wheel") -> BuildRecord:
    """The record beside a wheel; errors as ``read_record``, IntegrityError where it is of another wheel."""
    path = record_path(wheel)
    record = read_record(path, hint=hint)
    if (found := file_sha256(wheel)) != record.wheel.sha256:
        raise IntegrityError(
            f"{path} is of another wheel: it says SHA-256 {record.wheel.sha256}, {wheel} has {found}",
            hint="get both again, or build the wheel again: --force",
        )
    return record
