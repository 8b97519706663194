"""The three ways to build that are compared, as values: where, with what around, under which variables."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Protocol

from benchmarks.goals import CROSS, EMULATED, MUSL, NATIVE

from manyloong.roots import Root
from manyloong.sandbox import Emulator
from manyloong.targets import Python
from manyloong.wheels import cross
from manyloong.wheels.backend import Workplace
from manyloong.wheels.doors import Doors
from manyloong.wheels.environment import BuildEnvironment, ensure_environment
from manyloong.wheels.kit import Kit, root_of
from manyloong.wheels.lane import cross_trees, prepare_cross, source_trees
from manyloong.wheels.resolve import fetch_wheels, native_platform, resolve_wheels, target_platform
from manyloong.wheels.site import compile_site, install_site

# What all three get alike; the others of a cross build say where its compilers are.
_SHARED = (
    "HOME", "LANG", "TZ", "TMPDIR", "SOURCE_DATE_EPOCH", "PYTHONHASHSEED", "PYTHONDONTWRITEBYTECODE",
    "CMAKE_BUILD_PARALLEL_LEVEL", "MAKEFLAGS",
)  # fmt: skip
# Build variables of Debian's Pythons say -g, ours for cross builds do not; without this the cross lane would
# win by writing no debug information. The whole of the options: setuptools puts CFLAGS in place of its own.
_OPTIONS = "-fno-strict-overflow -Wsign-compare -DNDEBUG -O2 -Wall"
EQUAL_WORK = {"CFLAGS": _OPTIONS, "CXXFLAGS": _OPTIONS}
_EPOCH = 1_000_000_000  # any: no lane's work depends on it


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One way to build for one Python, with the build requirements installed."""

    name: str
    machine: str  # how the platform tag of its wheels ends
    root: Path
    trees: tuple[tuple[Path, str], ...]
    variables: tuple[tuple[str, str], ...]
    prepare: Callable[[Workplace], None]
    emulator: Emulator | None = None


class Opener(Protocol):
    """Makes lanes ready for some build requirements; ``place`` is an empty folder."""

    def __call__(self, requirements: tuple[str, ...], *, place: Path) -> tuple[Lane, ...]:
        """The lanes, in the order they build in."""
        ...


def open_libcs(
    requirements: tuple[str, ...], *, glibc: Kit, musl: Kit, python: Python, doors: Doors, place: Path
) -> tuple[Lane, ...]:
    """The cross lane for either libc."""
    del place
    other = _cross_lane(musl, requirements, python=python, doors=doors)
    return (_cross_lane(glibc, requirements, python=python, doors=doors), replace(other, name=MUSL))


def open_lanes(
    requirements: tuple[str, ...],
    *,
    kit: Kit,
    python: Python,
    place: Path,
    doors: Doors,
    emulated: bool = True,
) -> tuple[Lane, ...]:
    """Cross, native and emulated, made ready: roots, and environments with the requirements."""
    fast = (
        _cross_lane(kit, requirements, python=python, doors=doors),
        _native_lane(kit, requirements, python=python, doors=doors),
    )
    if not emulated:
        return fast
    return (*fast, _emulated_lane(kit, requirements, python=python, place=place, doors=doors))


def _cross_lane(kit: Kit, requirements: tuple[str, ...], *, python: Python, doors: Doors) -> Lane:
    python = kit.target.python(python)  # from source, where the target's root has none
    environment = _native_environment(kit.native_root, kit, requirements, python=python, doors=doors)
    return Lane(
        name=CROSS,
        machine=kit.target.architecture.name,
        root=kit.native_root.path,
        trees=(*cross_trees(kit, environment), *source_trees(kit, python)),
        variables=_sorted(cross.cross_variables(epoch=_EPOCH, jobs=doors.cores) | EQUAL_WORK),
        prepare=partial(_prepare_cross, kit=kit, environment=environment, python=python),
        emulator=kit.emulator(kit.target.architecture.qemu.cpu_full),
    )


def _prepare_cross(workplace: Workplace, *, kit: Kit, environment: BuildEnvironment, python: Python) -> None:
    prepare_cross(workplace, kit, python)
    cross.write_programs(workplace.tools, environment.path)


def _native_lane(kit: Kit, requirements: tuple[str, ...], *, python: Python, doors: Doors) -> Lane:
    root = root_of(f"bench-native-{kit.host.debian}", doors)
    environment = _native_environment(root, kit, requirements, python=python, doors=doors)
    return Lane(
        name=NATIVE,
        machine=kit.host.name,
        root=root.path,
        trees=((environment.path, cross.ENVIRONMENT),),
        variables=plain_variables(doors),
        prepare=_nothing,
    )


def _emulated_lane(
    kit: Kit, requirements: tuple[str, ...], *, python: Python, place: Path, doors: Doors
) -> Lane:
    root = root_of(f"bench-emulated-{kit.target.architecture.debian}", doors)
    platform = target_platform(kit.target)
    wheels = resolve_wheels(requirements, python=python, platform=platform, uv=doors.uv)
    files = fetch_wheels(wheels, fetcher=doors.fetcher, listener=doors.listener)
    install_site(files, python, place, label="build requirements", uv=doors.uv, platform=platform)
    compile_site(place, python, root=kit.native_root, log=place / "compile.log", runner=doors.runner)
    return Lane(
        name=EMULATED,
        machine=kit.target.architecture.name,
        root=root.path,
        trees=((place, cross.ENVIRONMENT),),
        variables=plain_variables(doors),
        prepare=_nothing,
        emulator=kit.emulator(kit.target.architecture.qemu.cpu_full),
    )


def _native_environment(
    root: Root, kit: Kit, requirements: tuple[str, ...], *, python: Python, doors: Doors
) -> BuildEnvironment:
    platform = native_platform(kit.host)
    wheels = resolve_wheels(requirements, python=python, platform=platform, uv=doors.uv)
    files = fetch_wheels(wheels, fetcher=doors.fetcher, listener=doors.listener)
    return ensure_environment(
        python, wheels, files, root=root, uv=doors.uv.binary, store=doors.store, runner=doors.runner
    )


def plain_variables(doors: Doors) -> tuple[tuple[str, str], ...]:
    """A build environment of the root's own: its Python says which compiler, and nothing else does."""
    known = cross.cross_variables(epoch=_EPOCH, jobs=doors.cores)
    path = {"PATH": f"{cross.ENVIRONMENT}/bin:/usr/bin:/bin"}
    return _sorted({name: known[name] for name in _SHARED} | path | EQUAL_WORK)


def _sorted(variables: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(variables.items()))


def _nothing(workplace: Workplace) -> None:
    """A build of the root's own needs nothing more."""
    del workplace
