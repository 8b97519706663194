"""The ways to a wheel: what a build sees in each lane, and by which Python its hooks run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from manyloong.sandbox import Emulator
from manyloong.targets import Python, Target
from manyloong.wheels import cross
from manyloong.wheels.backend import Workplace
from manyloong.wheels.copies import target_copies
from manyloong.wheels.doors import Doors
from manyloong.wheels.emulated import open_emulated
from manyloong.wheels.environment import BuildEnvironment, Copy, ensure_environment
from manyloong.wheels.job import NATIVE, Job
from manyloong.wheels.kit import Kit
from manyloong.wheels.native import native_variables
from manyloong.wheels.requirements import Missing, Supply, Wanted, resolve_or_build
from manyloong.wheels.resolve import ResolvedWheel, fetch_wheels, native_platform


class Lane(Protocol):
    """One way to build: a root, an environment, and what is mounted where."""

    @property
    def root(self) -> Path:
        """The tree that is seen as ``/``."""
        ...

    @property
    def host_python(self) -> str:
        """Path inside of a CPython of the build machine."""
        ...

    @property
    def emulator(self) -> Emulator | None:
        """What runs programs of the target; None where the host does."""
        ...

    def variables(self, *, epoch: int, jobs: int) -> dict[str, str]:
        """The whole environment of the build."""
        ...

    def prepare(self, workplace: Workplace) -> None:
        """Write what the build needs in its own folder."""
        ...

    def trees(self, workplace: Workplace, environment: BuildEnvironment) -> tuple[tuple[Path, str], ...]:
        """What is seen read-only, and where."""
        ...

    def install(self, requirements: Sequence[str], job: Job) -> BuildEnvironment:
        """The environment with these build requirements; UnresolvableError, FetchError, BuildError."""
        ...

    def settings(self, backend: str, given: Mapping[str, str | list[str]]) -> dict[str, str | list[str]]:
        """Config settings for a backend: the lane's, then those given."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossLane:
    """The build machine's CPython of the same version presents itself as the target's."""

    kit: Kit
    doors: Doors
    supply: Supply
    python: Python

    @property
    def root(self) -> Path:
        """The native root."""
        return self.kit.native_root.path

    @property
    def host_python(self) -> str:
        """The root's own."""
        return "/usr/bin/python3"

    @property
    def emulator(self) -> Emulator | None:
        """For configure checks that run what they have compiled."""
        return self.kit.emulator(self.kit.target.architecture.qemu.cpu_full)

    def variables(self, *, epoch: int, jobs: int) -> dict[str, str]:
        """The cross environment's."""
        return cross.cross_variables(epoch=epoch, jobs=jobs)

    def prepare(self, workplace: Workplace) -> None:
        """Whom to present as."""
        prepare_cross(workplace, self.kit, self.python)

    def trees(self, workplace: Workplace, environment: BuildEnvironment) -> tuple[tuple[Path, str], ...]:
        """Both toolchains, the target's root as sysroot, the environment; a source Python's parts."""
        del workplace
        return (*cross_trees(self.kit, environment), *source_trees(self.kit, self.python))

    def install(self, requirements: Sequence[str], job: Job) -> BuildEnvironment:
        """Wheels of the build machine, with the target's headers and libraries over them."""
        return _install(requirements, job, self, target=self.kit.target)

    def settings(self, backend: str, given: Mapping[str, str | list[str]]) -> dict[str, str | list[str]]:
        """Meson is told by a cross file; the others by the environment."""
        return cross.backend_settings(backend, given)


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeLane(CrossLane):
    """For the build machine itself: tools that exist only as sources."""

    def variables(self, *, epoch: int, jobs: int) -> dict[str, str]:
        """The native compiler's."""
        return native_variables(epoch=epoch, jobs=jobs)

    def prepare(self, workplace: Workplace) -> None:
        """Nobody to present as."""

    def trees(self, workplace: Workplace, environment: BuildEnvironment) -> tuple[tuple[Path, str], ...]:
        """Both toolchains, and the environment."""
        del workplace
        return cross_trees(self.kit, environment)

    def install(self, requirements: Sequence[str], job: Job) -> BuildEnvironment:
        """Wheels of the build machine."""
        return _install(requirements, job, self, target=None)

    def settings(self, backend: str, given: Mapping[str, str | list[str]]) -> dict[str, str | list[str]]:
        """Little to add: the build is at home."""
        return cross.stable_settings(backend, given)


def _install(
    requirements: Sequence[str], job: Job, lane: CrossLane, *, target: Target | None
) -> BuildEnvironment:
    """An environment of native wheels; ``target``: for whom there is something to compile against in it."""
    kit, doors, supply = lane.kit, lane.doors, lane.supply
    if job.pinned is not None:
        files = {wheel.filename: wheel.path for wheel in job.pinned.wheels if wheel.path}
        return _made(lane, job.pinned.wheels, files, job.pinned.copies)
    wanted = Wanted(
        python=lane.python.for_build,
        platform=native_platform(kit.host),
        links=tuple(Path(folder) for folder in job.options.find_links),
        doors=doors,
    )

    def build(missing: Missing) -> Path:
        return supply.native_wheel(missing.project, missing.version, lane.python.for_build)

    wheels = resolve_or_build(requirements, wanted, build)
    files = fetch_wheels(wheels, fetcher=doors.fetcher, listener=doors.listener)
    there = replace(wanted, python=lane.python)
    copies = target_copies(wheels, files, wanted=there, target=target, supply=supply) if target else ()
    keep_local(wheels, doors)
    return _made(lane, wheels, files, copies)


def keep_local(wheels: Sequence[ResolvedWheel], doors: Doors) -> None:
    """Wheels of folders go into the store, so that a build can be repeated when the folders are gone."""
    for wheel in wheels:
        if wheel.path is not None:
            doors.store.add_file(wheel.path, wheel.sha256)


def _made(
    lane: CrossLane,
    wheels: tuple[ResolvedWheel, ...],
    files: Mapping[str, Path],
    copies: tuple[Copy, ...],
) -> BuildEnvironment:
    doors, source = lane.doors, lane.kit.source_python(lane.python)
    return ensure_environment(
        lane.python.for_build,
        wheels,
        files,
        copies,
        root=lane.kit.native_root,
        uv=doors.uv.binary,
        store=doors.store,
        runner=doors.runner,
        binds=source.binds() if source else (),
    )


def prepare_cross(workplace: Workplace, kit: Kit, python: Python) -> None:
    """What a cross build needs in its folder: whom to present as, and headers that the toolchain lacks."""
    (workplace.tools / "cross.json").write_text(cross.cross_config_text(kit.target, python), "utf-8")
    source = kit.source_python(python)
    if source is not None:
        source.place_home(workplace.path)
    cross.write_answers(workplace.tools, kit.target)


def source_trees(kit: Kit, python: Python) -> tuple[tuple[Path, str], ...]:
    """What a build for a Python from source sees besides: the build machine's interpreter."""
    source = kit.source_python(python)
    return tuple((bind.source, bind.target) for bind in source.binds()) if source else ()


def cross_trees(kit: Kit, environment: BuildEnvironment) -> tuple[tuple[Path, str], ...]:
    """What a cross build sees read-only, and where."""
    return (
        (kit.toolchain.zig, cross.ZIG),
        (kit.toolchain.target, cross.TARGET),
        (kit.toolchain.native, cross.NATIVE),
        (kit.sysroot, cross.SYSROOT),
        (environment.path, cross.ENVIRONMENT),
    )


def open_lane(job: Job, kit: Kit, doors: Doors, supply: Supply) -> Lane:
    """The lane that a job names."""
    if job.lane == "emulated":
        return open_emulated(job.identifier.python, kit, doors, supply)
    lane = NativeLane if job.lane == NATIVE else CrossLane
    return lane(kit=kit, doors=doors, supply=supply, python=job.identifier.python)
