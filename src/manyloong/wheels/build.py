"""From sources to a raw wheel: the backend's hooks in the cross environment, without network."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from manyloong.errors import BuildError
from manyloong.events import Warned
from manyloong.roots import Port
from manyloong.sandbox import Bind, Command, Limits
from manyloong.store import Store
from manyloong.wheels import cross
from manyloong.wheels.added import Compilers, ensure_compilers, keep_compiled
from manyloong.wheels.backend import (
    HookRunner,
    Workplace,
    backend_name,
    call_hook,
    open_project,
    prepare_workplace,
    template_binds,
)
from manyloong.wheels.before import PYTHON_TOOLS, Stage, run_before
from manyloong.wheels.compilers import check_compilers
from manyloong.wheels.crates import HadCrate
from manyloong.wheels.declared import speaks_of_downloads
from manyloong.wheels.diagnosis import native_flags
from manyloong.wheels.doors import Doors
from manyloong.wheels.downloads import Download
from manyloong.wheels.environment import BuildEnvironment, described_variables
from manyloong.wheels.gate import Gate, asked, open_gate, replace_digests
from manyloong.wheels.gateway import Shelf
from manyloong.wheels.job import Job
from manyloong.wheels.kit import Kit
from manyloong.wheels.lane import CrossLane, Lane, open_lane
from manyloong.wheels.needs import apply_patches
from manyloong.wheels.promises import LOCAL, Promised, fill_python, open_promised
from manyloong.wheels.requirements import Supply
from manyloong.wheels.rounds import Stock, first_stock, next_stock, remember
from manyloong.wheels.source import git_folder, source_epoch, unpack_source

_HOOK_TIME_S = 4 * 3600.0  # SciPy takes two cores with other work on them half an hour


@dataclass(frozen=True, slots=True, kw_only=True)
class RawWheel:
    """What the backend made, and how."""

    path: Path
    requirements: tuple[str, ...]
    environment: BuildEnvironment
    variables: tuple[tuple[str, str], ...]
    commands: tuple[str, ...]
    dropped_flags: tuple[str, ...]
    translated_flags: tuple[str, ...]
    epoch: int
    downloads: tuple[Download, ...] = ()
    crates: tuple[HadCrate, ...] = ()
    relocked: tuple[str, ...] = ()  # versions that Cargo.lock does not name

    @property
    def pure(self) -> bool:
        """Whether it runs everywhere, so that nothing of this project is needed."""
        return self.path.name.endswith("-none-any.whl")


def build_raw_wheel(
    job: Job, kit: Kit, place: Path, doors: Doors, supply: Supply, *, libraries: Path | None = None
) -> RawWheel:
    """Unpack, resolve and install the build requirements, and run the backend's hooks at ``place``.

    ``supply`` makes the requirements that have no wheel; ``libraries`` is the prefix with the ports that the
    build links with. Raises IntegrityError for a bad archive, UnresolvableError for requirements that cannot
    be had, BuildError with the end of the log when the package's own build fails.
    """
    lane = open_lane(job, kit, doors, supply)
    return build_in_lane(job, kit, place, doors, lane, libraries=libraries)


def build_in_lane(
    job: Job, kit: Kit, place: Path, doors: Doors, lane: Lane, *, libraries: Path | None = None
) -> RawWheel:
    """As ``build_raw_wheel``, in a lane that is open: round after round, until nothing more is asked for."""
    stock = first_stock(job, doors)
    while True:
        workplace = prepare_workplace(place)
        try:
            epoch = prepare_sources(job, kit, workplace, doors)
            lane.prepare(workplace)
            added = ensure_compilers(job, kit, lane, workplace, doors)
            site = _open_site(job, lane, workplace, stock, doors, added, epoch=epoch, libraries=libraries)
            raw = _build_round(replace(site, ports=kit.ports), epoch=epoch)
        except BuildError as error:
            stock = next_stock(job, stock, workplace, error, doors=doors)
            shutil.rmtree(place)
        else:
            remember(job, raw.downloads, doors)
            keep_compiled(added, workplace, doors.store)
            for text in native_flags(raw.dropped_flags, workplace.source):
                doors.listener(Warned(text=text))
            for one in raw.downloads:
                if one.differs:
                    text = f"{job.source.label}: {one.url} was served by {one.origin}: {one.differs}"
                    doors.listener(Warned(text=text, hint=f"to have the original: --source {one.url}=FILE"))
            return raw


def _build_round(site: "_Site", *, epoch: int) -> RawWheel:
    """One go, with what it is served."""
    workplace = site.workplace
    site, taken = site.after_hooks()
    requirements, environment = site.environment()
    hooks = site.hooks(environment)
    project = open_project(workplace, hooks)
    wheel = call_hook(lambda: project.build("wheel", workplace.output, site.settings()))
    dropped, translated = read_toolchain_log(workplace.toolchain_log)
    served = {url for url, answered in asked(workplace) if answered}
    return RawWheel(
        path=_checked(Path(wheel), site.job),
        requirements=requirements,
        environment=environment,
        variables=hooks.template.environment,
        commands=tuple(command.replay_line() for command in hooks.commands),
        dropped_flags=dropped,
        translated_flags=translated,
        epoch=epoch,
        downloads=(*(one.download for one in site.stock.had if one.download.url in served), *taken),
        crates=site.added.crates,
        relocked=site.added.relocked,
    )


def native_wheel(job: Job, kit: Kit, doors: Doors, supply: Supply) -> Path:
    """A wheel for the build machine (lane ``native``), alone in its folder of the store."""

    def build(folder: Path) -> None:
        with doors.store.scratch("native") as place:
            raw = build_raw_wheel(job, kit, place / "build", doors, supply)
            shutil.copyfile(raw.path, folder / raw.path.name)

    return _only(doors.store.tree("wheel", job.id, build))


def keep_wheel(wheel: Path, job: Job, store: Store) -> Path:
    """A finished wheel that is not published, alone in its folder of the store."""

    def copy(folder: Path) -> None:
        shutil.copyfile(wheel, folder / wheel.name)

    return _only(store.tree("wheel", job.id, copy))


def _only(folder: Path) -> Path:
    (path,) = folder.iterdir()
    return path


def prepare_sources(job: Job, kit: Kit, workplace: Workplace, doors: Doors) -> int:
    """The working copy with the recipe's patches in it; its SOURCE_DATE_EPOCH."""
    unpack_source(job.source, workplace.source)
    epoch = source_epoch(job.source, workplace.source)
    apply_patches(
        job.options.recipe.patches,
        workplace.source,
        workplace.tools,
        root=kit.native_root,
        log=workplace.log,
        runner=doors.runner,
    )
    return epoch


def _open_site(
    job: Job,
    lane: Lane,
    workplace: Workplace,
    stock: Stock,
    doors: Doors,
    added: Compilers,
    *,
    epoch: int,
    libraries: Path | None,
) -> "_Site":
    """Where hooks run: behind a gate if the sources speak of downloads, or an earlier round has."""
    template = _template(job, lane, workplace, added, epoch=epoch, jobs=doors.cores)
    hooks, gate = job.options.hooks, Gate()
    gated = stock.gated or speaks_of_downloads(workplace.source)
    if gated or hooks.runs:
        replace_digests(workplace.source, stock.had)
        gate = open_gate(
            workplace,
            stock.had,
            [one for one in job.options.sources if Path(one.path).is_dir()],
            host_python=lane.host_python,
            template=template,
            runner=doors.runner,
        )
    promised = _promise(job, lane, workplace, template) if hooks.wanted else None
    if promised is not None:
        path = dict(template.environment)["PATH"].replace(":/usr/bin", f":{LOCAL}/bin:/usr/bin", 1)
        template = over(replace(template, root=promised.root), {"PATH": path})
    return _Site(
        lane=lane,
        job=job,
        workplace=workplace,
        template=template,
        stock=stock,
        gate=gate,
        gated=gated,
        promised=promised,
        doors=doors,
        libraries=libraries,
        added=added,
    )


def _template(
    job: Job, lane: Lane, workplace: Workplace, added: Compilers, *, epoch: int, jobs: int
) -> Command:
    """What every command of the build has in common: root, log, variables, emulator."""
    variables = lane.variables(epoch=epoch, jobs=jobs) | dict(added.variables)
    variables |= dict(job.options.environment)
    return Command(
        argv=(),
        root=added.root,
        log=workplace.log,
        environment=tuple(sorted(variables.items())),
        emulator=lane.emulator,
        limits=Limits(time_s=_HOOK_TIME_S),
    )


def _promise(job: Job, lane: Lane, workplace: Workplace, template: Command) -> Promised:
    """What official images promise, over the lane's root."""
    return open_promised(
        template.root,
        workplace,
        job.identifier.python,
        git=git_folder(job.source),
        linked=job.options.recipe.ports,
        host_python=lane.host_python,
    )


def _checked(wheel: Path, job: Job) -> Path:
    if not wheel.is_file():
        raise BuildError(
            f"the backend said it made {wheel.name} for {job.source.label}, but there is no such file"
        )
    return wheel


@dataclass(frozen=True, slots=True, kw_only=True)
class _Site:
    """One build while it runs: the lane, and the folder that it works in."""

    lane: Lane
    job: Job
    workplace: Workplace
    template: Command
    stock: Stock
    gate: Gate
    gated: bool  # whether the backend's hooks are behind the gate too
    promised: Promised | None
    doors: Doors
    libraries: Path | None
    added: Compilers
    ports: Mapping[str, Port] | None = None  # all there are, for the words of errors

    def after_hooks(self) -> tuple["_Site", tuple[Download, ...]]:
        """The site once the project's own hooks have run, and what they took from the package index."""
        hooks = self.job.options.hooks
        if self.promised is None or not hooks.runs:
            return self, ()
        environment = self.lane.install(PYTHON_TOOLS, self.job)
        fill_python(self.promised, environment, native=isinstance(self.lane, CrossLane))
        stage = Stage(
            template=replace(self.template, binds=self.binds(environment)),
            gate=self.gate,
            shelf=Shelf(registry=self.doors.registry, fetcher=self.doors.fetcher),
            runner=self.doors.runner,
            place=self.workplace,
            outside={"PIP_INDEX_URL": self.doors.uv.index_url, "UV_DEFAULT_INDEX": self.doors.uv.index_url},
        )
        prepared = run_before(hooks, self.promised, stage, identifier=self.job.identifier)
        values = prepared.variables | dict(self.job.options.environment)
        return replace(self, template=over(self.template, values)), prepared.downloads

    def settings(self) -> dict[str, str | list[str]]:
        """Config settings for the backend."""
        return self.lane.settings(backend_name(self.workplace), self.job.options.settings())

    def hooks(self, environment: BuildEnvironment) -> HookRunner:
        """What runs the backend's hooks in an environment."""
        gate = self.gate if self.gated else Gate()
        variables = dict(self.template.environment) | dict(gate.variables)
        described = described_variables(environment, variables)
        template = replace(
            self.template,
            binds=(*self.binds(environment), *gate.binds),
            environment=tuple(sorted(described.items())),
        )
        cross.write_programs(self.workplace.tools, environment.path, dict(self.added.compilers))
        return HookRunner(template, self.workplace, self.doors.runner, prefix=gate.prefix, ports=self.ports)

    def binds(self, environment: BuildEnvironment) -> tuple[Bind, ...]:
        """The mounts of a build, those of the promised tree first."""
        trees = self.lane.trees(self.workplace, environment)
        if self.libraries is not None:
            trees = (*trees, (self.libraries, cross.PORTS))
        binds = template_binds(self.workplace, trees, git_folder(self.job.source))
        binds = (*binds, *(Bind(source=source, target=target) for source, target in self.added.trees))
        return (*(self.promised.binds if self.promised else ()), *binds)

    def environment(self) -> tuple[tuple[str, ...], BuildEnvironment]:
        """The environment with what pyproject.toml asks for, then with what the backend asks for besides."""
        project = open_project(self.workplace, _no_hooks)
        static = tuple(sorted({*project.build_system_requires, *self.job.options.recipe.build_requires}))
        environment = self.lane.install(static, self.job)
        asking = open_project(self.workplace, self.hooks(environment))
        dynamic = call_hook(lambda: asking.get_requires_for_build("wheel", self.settings()))
        wanted = tuple(sorted({*static, *dynamic}))
        if wanted != static:
            environment = self.lane.install(wanted, self.job)
        check_compilers(wanted, self.job.options.compilers, label=self.job.source.label)
        return wanted, environment


def over(template: Command, variables: Mapping[str, str]) -> Command:
    """The template with more variables, which win."""
    return replace(template, environment=tuple(sorted({**dict(template.environment), **variables}.items())))


def _no_hooks(*_: object, **__: object) -> None:
    raise BuildError("no hook runs before the build environment is made")


def read_toolchain_log(log: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Every flag that the compiler wrappers dropped, and every one they translated; sorted, each once."""
    dropped: set[str] = set()
    translated: set[str] = set()
    if log.is_file():
        for line in log.read_text("utf-8", "replace").splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue  # a package's build may write here too; it can only spoil its own record
            if isinstance(entry, dict):
                dropped.update(str(flag) for flag in entry.get("dropped", ()))
                translated.update(str(flag) for flag in entry.get("translated", ()))
    return tuple(sorted(dropped)), tuple(sorted(translated))
