"""From sources to a raw wheel: the backend's hooks in the cross environment, without network."""

import json
from dataclasses import dataclass, replace
from pathlib import Path

from manyloong.errors import BuildError
from manyloong.sandbox import Command
from manyloong.wheels.backend import (
    HookRunner,
    Workplace,
    backend_name,
    call_hook,
    open_project,
    prepare_workplace,
    template_binds,
)
from manyloong.wheels.doors import Doors
from manyloong.wheels.environment import BuildEnvironment
from manyloong.wheels.job import Job
from manyloong.wheels.kit import Kit
from manyloong.wheels.lane import Lane, open_lane
from manyloong.wheels.needs import apply_patches
from manyloong.wheels.source import git_folder, source_epoch, unpack_source


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

    @property
    def pure(self) -> bool:
        """Whether it runs everywhere, so that nothing of this project is needed."""
        return self.path.name.endswith("-none-any.whl")


def build_raw_wheel(job: Job, kit: Kit, place: Path, doors: Doors) -> RawWheel:
    """Unpack, resolve and install the build requirements, and run the backend's hooks at ``place``.

    Raises IntegrityError for a bad archive, UnresolvableError for requirements that have no wheels,
    BuildError with the end of the log when the package's own build fails.
    """
    workplace = prepare_workplace(place)
    epoch = prepare_sources(job, kit, workplace, doors)
    lane = open_lane(job, kit, doors)
    lane.prepare(workplace)
    variables = lane.variables(epoch=epoch, jobs=doors.cores) | dict(job.options.environment)
    template = Command(
        argv=(),
        root=lane.root,
        log=workplace.log,
        environment=tuple(sorted(variables.items())),
        emulator=lane.emulator,
    )
    site = _Site(lane=lane, job=job, workplace=workplace, template=template, doors=doors)
    requirements, environment = site.environment()
    hooks = site.hooks(environment)
    project = open_project(workplace, hooks)
    wheel = call_hook(lambda: project.build("wheel", workplace.output, site.settings()))
    dropped, translated = read_toolchain_log(workplace.toolchain_log)
    return RawWheel(
        path=_checked(Path(wheel), job),
        requirements=requirements,
        environment=environment,
        variables=template.environment,
        commands=tuple(command.replay_line() for command in hooks.commands),
        dropped_flags=dropped,
        translated_flags=translated,
        epoch=epoch,
    )


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
    doors: Doors

    def settings(self) -> dict[str, str | list[str]]:
        """Config settings for the backend."""
        return self.lane.settings(backend_name(self.workplace), self.job.options.settings())

    def hooks(self, environment: BuildEnvironment) -> HookRunner:
        """What runs the backend's hooks in an environment."""
        trees = self.lane.trees(self.workplace, environment)
        binds = template_binds(self.workplace, trees, git_folder(self.job.source))
        return HookRunner(replace(self.template, binds=binds), self.workplace, self.doors.runner)

    def environment(self) -> tuple[tuple[str, ...], BuildEnvironment]:
        """The environment with what pyproject.toml asks for, then with what the backend asks for besides."""
        project = open_project(self.workplace, _no_hooks)
        static = tuple(sorted(project.build_system_requires))
        environment = self.lane.install(static, self.job)
        asking = open_project(self.workplace, self.hooks(environment))
        dynamic = call_hook(lambda: asking.get_requires_for_build("wheel", self.settings()))
        wanted = tuple(sorted({*static, *dynamic}))
        if wanted != static:
            environment = self.lane.install(wanted, self.job)
        return wanted, environment


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
