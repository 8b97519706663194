"""The same sdists built in every lane: from the unpacked archive to the raw wheel, hooks in the sandbox."""

import time
import tomllib
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import build
from benchmarks.goals import CROSS, EMULATED, MUSL, build_key
from benchmarks.lanes import Lane, Opener

from manyloong.cli.doors import Outside
from manyloong.sandbox import Command
from manyloong.wheels import cross
from manyloong.wheels.backend import (
    HookRunner,
    backend_name,
    call_hook,
    open_project,
    prepare_workplace,
    template_binds,
)
from manyloong.wheels.doors import Doors
from manyloong.wheels.job import Options
from manyloong.wheels.recipes import choose_recipe
from manyloong.wheels.source import PureRelease, Source, resolve_source, unpack_source

PACKAGES = ("msgpack==1.2.4", "regex", "psutil")
Settings = dict[str, str | list[str]]
LIBCS = ("kiwisolver==1.5.1",)  # C++, in the cross lane for each libc
LARGE = ("numpy==2.5.5",)  # in the cross and the native lane only: emulated, each would take hours


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One package with its lanes."""

    source: Source
    settings: Settings  # of its recipe
    lanes: tuple[Lane, ...]


def compare(
    packages: Sequence[str], *, open_all: Opener, place: Path, outside: Outside
) -> tuple[Compared, ...]:
    """The packages with everything fetched, resolved and installed, so that only building is left."""
    found = []
    for number, package in enumerate(packages):
        source = find_source(package, outside)
        settings = Options(config_settings=choose_recipe(source.name, source.version, ()).config_settings)
        folder = place / f"ask-{source.name}-{number}"
        folder.mkdir(parents=True)
        unpack_source(source, folder / "src")
        wanted = declared_requirements(folder / "src")
        lanes = open_all(wanted, place=folder / "site")
        more = set[str]().union(
            *(
                _asked(lane, source, settings.settings(), folder / f"asked-{count}", outside.doors)
                for count, lane in enumerate(lanes)
                if lane.name != EMULATED
            )
        )  # a lane whose root has no Ninja asks for it; all get the same
        if more - set(wanted):
            lanes = open_all(tuple(sorted({*wanted, *more})), place=folder / "whole")
        found.append(Compared(source=source, settings=settings.settings(), lanes=lanes))
    return tuple(found)


def take_builds(
    compared: Sequence[Compared], *, number: int, emulated_rounds: int, place: Path, doors: Doors
) -> Iterator[tuple[str, float]]:
    """One round: every package in every lane, one lane after the other; (name, seconds).

    Lanes that emulate the whole build are left out from round ``emulated_rounds`` on.
    """
    for package in compared:
        for lane in package.lanes:
            if lane.name == EMULATED and number >= emulated_rounds:
                continue
            folder = place / f"{package.source.name}-{lane.name.replace(' ', '-')}-{number}"
            began = time.perf_counter()
            wheel = _build(lane, package, folder, doors)
            yield build_key(package.source.label, lane.name), time.perf_counter() - began
            _check(wheel, lane)


def find_source(package: str, outside: Outside) -> Source:
    """The source archive of a release; ValueError where it has nothing to compile."""
    doors = outside.doors
    found = resolve_source(
        package,
        registry=outside.registry,
        fetcher=doors.fetcher,
        store=doors.store,
        listener=doors.listener,
    )
    if isinstance(found, PureRelease):
        raise ValueError(f"{package} is a pure release; there is nothing to compile")  # noqa: TRY004
    return found


def declared_requirements(source: Path) -> tuple[str, ...]:
    """``build-system.requires`` (PEP 518), or what stands for it."""
    file = source / "pyproject.toml"
    document = tomllib.loads(file.read_text("utf-8")) if file.is_file() else {}
    return tuple(sorted(document.get("build-system", {}).get("requires", ["setuptools"])))


def _asked(lane: Lane, source: Source, settings: Settings, place: Path, doors: Doors) -> set[str]:
    """What the backend asks for besides what the sources declare (PEP 517)."""
    project, given = _open(lane, source, settings, place, doors)
    return set(call_hook(lambda: project.get_requires_for_build("wheel", given)))


def _build(lane: Lane, package: Compared, place: Path, doors: Doors) -> Path:
    """From the archive to the raw wheel."""
    project, given = _open(lane, package.source, package.settings, place, doors)
    call_hook(lambda: project.get_requires_for_build("wheel", given))
    return Path(call_hook(lambda: project.build("wheel", place / "out", given)))


def _open(
    lane: Lane, source: Source, settings: Settings, place: Path, doors: Doors
) -> tuple[build.ProjectBuilder, Settings]:
    """A working copy with the hooks that run in a lane, and the config settings there."""
    workplace = prepare_workplace(place)
    unpack_source(source, workplace.source)
    lane.prepare(workplace)
    template = Command(
        argv=(),
        root=lane.root,
        log=workplace.log,
        environment=lane.variables,
        binds=template_binds(workplace, lane.trees, None),
        emulator=lane.emulator,
    )
    crossed = lane.name in {CROSS, MUSL}
    given = cross.backend_settings(backend_name(workplace), settings) if crossed else settings
    return open_project(workplace, HookRunner(template, workplace, doors.runner)), dict(given)


def _check(wheel: Path, lane: Lane) -> None:
    """ValueError for a wheel that is not what the lane should make: then its seconds mean nothing."""
    with zipfile.ZipFile(wheel) as archive:
        compiled = [name for name in archive.namelist() if name.endswith(".so")]
    if not wheel.name.endswith(f"_{lane.machine}.whl") or not compiled:
        raise ValueError(f"{lane.name}: {wheel.name} has no extension modules for {lane.machine}")
