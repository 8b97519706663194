"""From sources to a raw wheel: the backend's hooks in the cross environment, without network."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from manyloong.errors import BuildError
from manyloong.sandbox import Command
from manyloong.wheels import cross
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
from manyloong.wheels.environment import BuildEnvironment, ensure_environment
from manyloong.wheels.job import Job
from manyloong.wheels.kit import Kit
from manyloong.wheels.needs import apply_patches
from manyloong.wheels.resolve import fetch_wheels, native_platform, resolve_wheels
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
    prepare_cross(workplace, kit)
    variables = cross.cross_variables(epoch=epoch, jobs=doors.cores) | dict(job.options.environment)
    template = Command(
        argv=(),
        root=kit.native_root.path,
        log=workplace.log,
        environment=tuple(sorted(variables.items())),
        emulator=kit.emulator(kit.target.architecture.qemu.cpu_full),
    )
    requirements, environment = _environment_for(job, kit, workplace, template, doors)
    hooks = _hooks(environment, job, kit, workplace, template, doors)
    project = open_project(workplace, hooks)
    settings = cross.backend_settings(backend_name(workplace), job.options.settings())
    wheel = call_hook(lambda: project.build("wheel", workplace.output, dict(settings)))
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


def prepare_cross(workplace: Workplace, kit: Kit) -> None:
    """What a cross build needs in its own folder: whom to present as."""
    (workplace.tools / "cross.json").write_text(cross.cross_config_text(kit.target), "utf-8")


def cross_trees(kit: Kit, environment: BuildEnvironment) -> tuple[tuple[Path, str], ...]:
    """What a cross build sees read-only, and where."""
    return (
        (kit.toolchain.zig, cross.ZIG),
        (kit.toolchain.target, cross.TARGET),
        (kit.toolchain.native, cross.NATIVE),
        (kit.target_root.path, cross.SYSROOT),
        (environment.path, cross.ENVIRONMENT),
    )


def _checked(wheel: Path, job: Job) -> Path:
    if not wheel.is_file():
        raise BuildError(
            f"the backend said it made {wheel.name} for {job.source.label}, but there is no such file"
        )
    return wheel


def _hooks(
    environment: BuildEnvironment, job: Job, kit: Kit, workplace: Workplace, template: Command, doors: Doors
) -> HookRunner:
    binds = template_binds(workplace, cross_trees(kit, environment), git_folder(job.source))
    return HookRunner(replace(template, binds=binds), workplace, doors.runner)


def _environment_for(
    job: Job, kit: Kit, workplace: Workplace, template: Command, doors: Doors
) -> tuple[tuple[str, ...], BuildEnvironment]:
    """The environment with what pyproject.toml asks for, then with what the backend asks for besides."""
    project = open_project(workplace, _no_hooks)
    static = tuple(sorted(project.build_system_requires))
    environment = _install(static, job, kit, doors)
    hooks = _hooks(environment, job, kit, workplace, template, doors)
    asking = open_project(workplace, hooks)
    settings = cross.backend_settings(backend_name(workplace), job.options.settings())
    dynamic = call_hook(lambda: asking.get_requires_for_build("wheel", dict(settings)))
    wanted = tuple(sorted({*static, *dynamic}))
    if wanted != static:
        environment = _install(wanted, job, kit, doors)
    return wanted, environment


def _no_hooks(*_: object, **__: object) -> None:
    raise BuildError("no hook runs before the build environment is made")


def _install(requirements: Sequence[str], job: Job, kit: Kit, doors: Doors) -> BuildEnvironment:
    python = job.identifier.python
    links = tuple(Path(folder) for folder in job.options.find_links)
    wheels = resolve_wheels(
        requirements, python=python, platform=native_platform(kit.host), uv=doors.uv, find_links=links
    )
    files = fetch_wheels(wheels, fetcher=doors.fetcher, listener=doors.listener)
    return ensure_environment(
        python,
        wheels,
        files,
        root=kit.native_root,
        uv=doors.uv.binary,
        store=doors.store,
        runner=doors.runner,
    )


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
