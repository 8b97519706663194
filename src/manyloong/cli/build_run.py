"""``manyloong build`` after its arguments: from a request to what is printed."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from manyloong.ci.plan import plan_tables
from manyloong.ci.reader import Ahead, reading_ahead, speaks_to_cibuildwheel
from manyloong.cli.build_report import print_plan, print_pure, print_results
from manyloong.cli.doors import Outside, open_outside
from manyloong.cli.progress import ProgressListener
from manyloong.cli.signing import signing_doors
from manyloong.events import Noted
from manyloong.jobs import plan_jobs, run_jobs
from manyloong.pipeline import Batch
from manyloong.results import Built, Result
from manyloong.roots.ports import all_ports
from manyloong.targets import Python, Target
from manyloong.wheels.compiler_ids import check_there, compiler_ids
from manyloong.wheels.doors import Doors
from manyloong.wheels.floors import RootChoice
from manyloong.wheels.identifier import admitted
from manyloong.wheels.job import Job, LaneName, Options
from manyloong.wheels.kit import ensure_kit, with_floors
from manyloong.wheels.linked import linked_ids
from manyloong.wheels.needs import options_for
from manyloong.wheels.recipes import Recipe, merged, read_recipes
from manyloong.wheels.source import PureRelease, Source, read_pyproject, resolve_source


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a user asked for, typed."""

    source: str
    pythons: tuple[Python, ...] | None
    targets: tuple[Target, ...]
    options: Options
    lane: LaneName
    test_roots: tuple[RootChoice, ...]
    recipes: tuple[Path, ...]
    ports: tuple[Path, ...]
    output: Path
    force: bool
    keep: bool
    build_deps: bool
    environ: Mapping[str, str]  # for the project's tables
    table: bool | None  # whether those are read; None: unless the source is a release of the index
    network_hooks: bool
    offline: bool
    locked: bool
    dry_run: bool
    as_json: bool


def run_request(request: Request) -> int:
    """Build what was asked for, print what came of it; the exit code."""
    folder = Path(request.source)
    if request.table is False or not folder.is_dir():
        return _run_request(request, None)
    with reading_ahead(folder, request.targets[0], request.environ) as ahead:
        return _run_request(request, ahead)


def _run_request(request: Request, ahead: Ahead | None) -> int:
    own = read_recipes(request.recipes)
    ports = all_ports(request.ports)
    with ProgressListener(quiet=request.as_json) as listener:
        outside = open_outside(listener, offline=request.offline, locked=request.locked)
        doors = signing_doors(outside.doors, os.environ)
        outside = replace(outside, doors=doors)
        found = _source(request, outside)
        if isinstance(found, PureRelease):
            print_pure(found, as_json=request.as_json)
            return 0
        options = options_for(
            found, request.options, own=own, ports=ports, store=doors.store, listener=listener
        )
        for target in request.targets:
            check_there(options.compilers, outside.host, target, label=found.label)
        plans = [_plan(request, target, found, options, doors, ahead) for target in request.targets]
        first = [job for plan in plans for job in plan.jobs(kit={})]
        if note := _table_note(request, read_pyproject(found, doors.store), found):
            listener(Noted(text=note))
        if request.dry_run:
            print_plan(first, as_json=request.as_json)
            return 0
        for note in dict.fromkeys(note for job in first for note in job.notes):
            listener(Noted(text=note))
        done = [_run(plan, found, request, own=own, outside=outside) for plan in plans]
    results = [result for row, _ in done for result in row]
    requirements = [built for _, row in done for built in row]
    return print_results(results, requirements, as_json=request.as_json)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Planned:
    """What will be built for one platform tag, once its kit is known."""

    target: Target
    jobs: Callable[..., tuple[Job, ...]]
    pythons: tuple[Python, ...] | None
    options: Options


def _plan(
    request: Request, target: Target, found: Source, options: Options, doors: Doors, ahead: Ahead | None
) -> _Planned:
    """The jobs, with what the project's own tables say of them."""
    tables = plan_tables(
        found,
        request.pythons,
        target,
        environ=request.environ if _reads_tables(request, found) else None,
        store=doors.store,
        network=request.network_hooks,
        recipe=options.recipe,
        ahead=ahead,
    )
    options = _with_ports(options, tables.ports)
    jobs = partial(
        plan_jobs,
        found,
        tables.pythons,
        target,
        options=options,
        lane=request.lane,
        special=tables.special(request.options, options.recipe),
    )
    return _Planned(target=target, jobs=jobs, pythons=tables.pythons, options=options)


def _reads_tables(request: Request, found: Source) -> bool:
    """A checkout is built as its table says, a release of the index as its metadata and our recipe do."""
    if request.table is not None:
        return request.table
    return found.kind != "index" or any(name.startswith("CIBW_") for name in request.environ)


def _table_note(request: Request, pyproject: str, found: Source) -> str:
    """What a user may have expected of a table: that it is read, or that there is one."""
    speaks = speaks_to_cibuildwheel(pyproject, {})
    if speaks and request.table is None and not _reads_tables(request, found):
        return f"{found.label} has a cibuildwheel table, which is not read; --table reads it"
    if request.table and not speaks_to_cibuildwheel(pyproject, request.environ):
        return f"{found.label} has no cibuildwheel table in its pyproject.toml"
    return ""


def _run(
    plan: _Planned, source: Source, request: Request, *, own: tuple[Recipe, ...], outside: Outside
) -> tuple[tuple[Result, ...], tuple[Built, ...]]:
    """All jobs of one platform tag, and what was built for them first."""
    doors = outside.doors
    wanted = admitted(plan.pythons, source.requires_python, project=source.label)
    pythons = tuple(plan.target.python(python) for python in wanted)
    with doors.store.looking_later():  # a job whose wheel is kept uses none of the trees
        kit = ensure_kit(plan.target, outside.host, doors=doors, ports=all_ports(request.ports))
        kit = with_floors(kit, pythons, request.test_roots if request.options.test else (), doors=doors)
    linked = linked_ids(plan.options.recipe.ports, kit, doors, asked_by=source.label)
    made_with = kit.ids | linked | compiler_ids(plan.options.compilers, kit)
    batch = Batch(
        kit=kit,
        doors=doors,
        output=request.output,
        force=request.force,
        keep=request.keep,
        recipes=own,
        build_requirements=request.build_deps,
        links=request.options.find_links,
        test=request.options.test,
    )
    return run_jobs(plan.jobs(kit=made_with, built=kit.built_ids), batch)


def _with_ports(options: Options, ports: tuple[str, ...]) -> Options:
    """With the ports of system packages that hooks install."""
    if not ports:
        return options
    recipe = merged(Recipe(ports=ports, origins=("system packages of hooks",)), options.recipe)
    return replace(options, recipe=recipe)


def _source(request: Request, outside: Outside) -> Source | PureRelease:
    doors = outside.doors
    return resolve_source(
        request.source,
        registry=outside.registry,
        fetcher=doors.fetcher,
        store=doors.store,
        listener=doors.listener,
    )
