"""From sources to a raw wheel: the backend's hooks in the cross environment, without network."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from manyloong.errors import BuildError
from manyloong.sandbox import Command
from manyloong.store import Store
from manyloong.wheels import cross, native
from manyloong.wheels.backend import (
    HookRunner,
    Workplace,
    backend_name,
    call_hook,
    open_project,
    prepare_workplace,
    template_binds,
)
from manyloong.wheels.copies import target_copies
from manyloong.wheels.doors import Doors
from manyloong.wheels.environment import BuildEnvironment, ensure_environment
from manyloong.wheels.job import Job
from manyloong.wheels.kit import Kit
from manyloong.wheels.needs import apply_patches
from manyloong.wheels.requirements import Missing, Supply, Wanted, resolve_or_build
from manyloong.wheels.resolve import fetch_wheels, native_platform
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


def build_raw_wheel(job: Job, kit: Kit, place: Path, doors: Doors, supply: Supply) -> RawWheel:
    """Unpack, resolve and install the build requirements, and run the backend's hooks at ``place``.

    ``supply`` makes the requirements that have no wheel. Raises IntegrityError for a bad archive,
    UnresolvableError for requirements that cannot be had, BuildError with the end of the log when the
    package's own build fails.
    """
    workplace = prepare_workplace(place)
    epoch = prepare_sources(job, kit, workplace, doors)
    builder = _Builder(job=job, kit=kit, workplace=workplace, doors=doors, supply=supply, epoch=epoch)
    requirements, environment = builder.environment()
    hooks = builder.hooks(environment)
    project = open_project(workplace, hooks)
    wheel = call_hook(lambda: project.build("wheel", workplace.output, builder.settings()))
    dropped, translated = read_toolchain_log(workplace.toolchain_log)
    return RawWheel(
        path=_checked(Path(wheel), job),
        requirements=requirements,
        environment=environment,
        variables=hooks.template.environment,
        commands=tuple(command.replay_line() for command in hooks.commands),
        dropped_flags=dropped,
        translated_flags=translated,
        epoch=epoch,
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


def prepare_cross(workplace: Workplace, kit: Kit, environment: BuildEnvironment) -> None:
    """What a cross build needs in its own folder: whom to present as, and what Meson may run."""
    (workplace.tools / "cross.json").write_text(cross.cross_config_text(kit.target), "utf-8")
    cross.write_programs(workplace.tools, environment.path)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Builder:
    """One build on its way: for the target, or (lane ``native``) for the build machine itself."""

    job: Job
    kit: Kit
    workplace: Workplace
    doors: Doors
    supply: Supply
    epoch: int

    @property
    def native(self) -> bool:
        return self.job.lane == native.LANE

    def settings(self) -> dict[str, str | list[str]]:
        given = self.job.options.settings()
        return given if self.native else cross.backend_settings(backend_name(self.workplace), given)

    def variables(self, environment: BuildEnvironment) -> dict[str, str]:
        make = native.native_variables if self.native else cross.cross_variables
        found = make(epoch=self.epoch, jobs=self.doors.cores)
        folders = environment.folders_of("*.pc")
        return (
            found
            | ({"PKG_CONFIG_PATH": ":".join(folders)} if folders else {})
            | dict(self.job.options.environment)
        )

    def hooks(self, environment: BuildEnvironment) -> HookRunner:
        """The hooks of the backend, as commands in a sandbox with that environment."""
        kit = self.kit
        if not self.native:
            prepare_cross(self.workplace, kit, environment)
        template = Command(
            argv=(),
            root=kit.native_root.path,
            log=self.workplace.log,
            environment=tuple(sorted(self.variables(environment).items())),
            binds=template_binds(self.workplace, cross_trees(kit, environment), git_folder(self.job.source)),
            emulator=kit.emulator(kit.target.architecture.qemu.cpu_full),
        )
        return HookRunner(template, self.workplace, self.doors.runner)

    def environment(self) -> tuple[tuple[str, ...], BuildEnvironment]:
        """The environment with what pyproject.toml asks for, then with what the backend asks for besides."""
        static = tuple(sorted(open_project(self.workplace, _no_hooks).build_system_requires))
        environment = self.install(static)
        asking = open_project(self.workplace, self.hooks(environment))
        dynamic = call_hook(lambda: asking.get_requires_for_build("wheel", self.settings()))
        wanted = tuple(sorted({*static, *dynamic}))
        return wanted, (environment if wanted == static else self.install(wanted))

    def install(self, requirements: Sequence[str]) -> BuildEnvironment:
        """An environment of native wheels, with the target's headers and libraries over them."""
        python, doors = self.job.identifier.python, self.doors
        wanted = Wanted(
            python=python,
            platform=native_platform(self.kit.host),
            links=tuple(Path(folder) for folder in self.job.options.find_links),
            doors=doors,
        )

        def build(missing: Missing) -> Path:
            return self.supply.native_wheel(missing.project, missing.version, python)

        wheels = resolve_or_build(requirements, wanted, build)
        files = fetch_wheels(wheels, fetcher=doors.fetcher, listener=doors.listener)
        copies = (
            ()
            if self.native
            else target_copies(wheels, files, wanted=wanted, target=self.kit.target, supply=self.supply)
        )
        return ensure_environment(
            python,
            wheels,
            files,
            copies,
            root=self.kit.native_root,
            uv=doors.uv.binary,
            store=doors.store,
            runner=doors.runner,
        )


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
