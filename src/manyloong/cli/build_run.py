"""``manyloong build`` after its arguments: from a request to what is printed."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from manyloong.cli.build_report import print_plan, print_pure, print_results
from manyloong.cli.doors import Outside, open_outside
from manyloong.cli.progress import ProgressListener
from manyloong.jobs import plan_jobs, run_jobs
from manyloong.pipeline import Batch
from manyloong.roots.ports import all_ports
from manyloong.targets import Python, Target
from manyloong.wheels.compiler_ids import compiler_ids
from manyloong.wheels.floors import RootChoice
from manyloong.wheels.identifier import admitted
from manyloong.wheels.job import LaneName, Options
from manyloong.wheels.kit import ensure_kit, with_floors
from manyloong.wheels.linked import linked_ids
from manyloong.wheels.needs import options_for
from manyloong.wheels.recipes import read_recipes
from manyloong.wheels.source import PureRelease, Source, resolve_source


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a user asked for, typed."""

    source: str
    pythons: tuple[Python, ...] | None
    target: Target
    options: Options
    lane: LaneName
    test_roots: tuple[RootChoice, ...]
    recipes: tuple[Path, ...]
    ports: tuple[Path, ...]
    output: Path
    force: bool
    keep: bool
    build_deps: bool
    offline: bool
    locked: bool
    dry_run: bool
    as_json: bool


def run_request(request: Request) -> int:
    """Build what was asked for, print what came of it; the exit code."""
    own = read_recipes(request.recipes)
    ports = all_ports(request.ports)
    with ProgressListener(quiet=request.as_json) as listener:
        outside = open_outside(listener, offline=request.offline, locked=request.locked)
        doors = outside.doors
        found = _source(request, outside)
        if isinstance(found, PureRelease):
            print_pure(found, as_json=request.as_json)
            return 0
        options = options_for(
            found, request.options, own=own, ports=ports, store=doors.store, listener=listener
        )
        plan = partial(plan_jobs, found, request.pythons, request.target, options=options, lane=request.lane)
        if request.dry_run:
            print_plan(plan(kit={}), as_json=request.as_json)
            return 0
        kit = ensure_kit(request.target, outside.host, doors=doors, ports=ports)
        wanted = admitted(request.pythons, found.requires_python, project=found.label)
        kit = with_floors(kit, wanted, request.test_roots if options.test else (), doors=doors)
        linked = linked_ids(options.recipe.ports, kit, doors, asked_by=found.label)
        made_with = kit.ids | linked | compiler_ids(options.compilers, kit)
        jobs = plan(kit=made_with, built=kit.built_ids)
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
        results, requirements = run_jobs(jobs, batch)
    return print_results(results, requirements, as_json=request.as_json)


def _source(request: Request, outside: Outside) -> Source | PureRelease:
    doors = outside.doors
    return resolve_source(
        request.source,
        registry=outside.registry,
        fetcher=doors.fetcher,
        store=doors.store,
        listener=doors.listener,
    )
