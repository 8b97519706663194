"""C++ packages in the emulated lane and under full emulation: the same Python code, other compilers.

Full emulation is what an image of the target under qemu-user does: its compiler, linker, CMake, Ninja and
shells are the target's, from Debian. Both build the same sdist with the same requirements and downloads.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.builds import declared_requirements, find_source
from benchmarks.goals import FULL, LANE, build_key
from benchmarks.lanes import EQUAL_WORK, plain_variables

from manyloong.cli.doors import Outside
from manyloong.events import ignore
from manyloong.sandbox import Emulator
from manyloong.targets import Python
from manyloong.wheels import cross
from manyloong.wheels.backend import Workplace
from manyloong.wheels.build import build_in_lane
from manyloong.wheels.emulated import EmulatedLane, is_programs, lane_wheels, open_emulated
from manyloong.wheels.environment import BuildEnvironment
from manyloong.wheels.identifier import Identifier
from manyloong.wheels.job import Job, Options
from manyloong.wheels.kit import Kit, root_of
from manyloong.wheels.lane import Lane
from manyloong.wheels.resolve import fetch_wheels, target_platform
from manyloong.wheels.site import compile_site, install_site
from manyloong.wheels.source import unpack_source

CXX_PACKAGES = ("ninja", "contourpy", "pyzmq")


class NoSupply:
    """Builds no requirement: those of these packages have wheels."""

    def target_wheel(self, project: str, version: str, python: Python) -> Path:
        """Never."""
        raise ValueError(f"{project} {version} has no wheel for {python.tag}")

    native_wheel = target_wheel

    def links(self) -> tuple[Path, ...]:
        """None."""
        return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FullEmulation:
    """A lane of the benchmark: everything is the target's."""

    home: EmulatedLane  # for what both resolve alike
    root: Path
    place: Path
    made: dict[tuple[str, ...], BuildEnvironment]  # by the requirements; filled before the clock starts
    host_python: str = "/usr/bin/python3"

    @property
    def emulator(self) -> Emulator | None:
        """For every program."""
        return self.home.emulator

    def variables(self, *, epoch: int, jobs: int) -> dict[str, str]:
        """The root's own Python says which compiler."""
        del epoch, jobs
        return dict(plain_variables(self.home.doors))

    def prepare(self, workplace: Workplace) -> None:
        """Nothing."""

    def trees(self, workplace: Workplace, environment: BuildEnvironment) -> tuple[tuple[Path, str], ...]:
        """The environment."""
        del workplace
        return ((environment.path, cross.ENVIRONMENT),)

    def install(self, requirements: Sequence[str], job: Job) -> BuildEnvironment:
        """The emulated lane's wheels without those of native programs: the root has its own."""
        key = tuple(requirements)
        if key not in self.made:
            links = tuple(Path(folder) for folder in job.options.find_links)
            self.made[key] = self._made(requirements, links)
        return self.made[key]

    def _made(self, requirements: Sequence[str], links: tuple[Path, ...]) -> BuildEnvironment:
        home, doors, kit = self.home, self.home.doors, self.home.kit
        found = lane_wheels(
            requirements, python=home.python, kit=kit, doors=doors, links=links, supply=home.supply
        )
        wheels = tuple(wheel for wheel in found if not is_programs(wheel.filename, kit))
        files = fetch_wheels(wheels, fetcher=doors.fetcher, listener=ignore)
        place = self.place / f"environment-{len(self.made)}"
        platform = target_platform(kit.target)
        install_site(files, home.python, place, label="requirements", uv=doors.uv, platform=platform)
        compile_site(
            place, home.python, root=kit.native_root, log=self.place / "compile.log", runner=doors.runner
        )
        return BuildEnvironment(key="", path=place, python=home.python, wheels=wheels)

    def settings(self, backend: str, given: Mapping[str, str | list[str]]) -> dict[str, str | list[str]]:
        """Nothing to add."""
        del backend
        return dict(given)


def take_emulation(
    packages: Sequence[str], *, kit: Kit, python: Python, place: Path, outside: Outside
) -> Iterator[tuple[str, float]]:
    """Every package in both, one after the other; (name, seconds) from the archive to the raw wheel."""
    home = open_emulated(python, kit, outside.doors, NoSupply())
    root = root_of(f"bench-emulated-{kit.target.architecture.debian}", outside.doors)
    for number, package in enumerate(packages):
        folder = place / f"package-{number}"
        folder.mkdir()
        job = _job(package, kit=kit, python=python, outside=outside)
        full = FullEmulation(home=home, root=root.path, place=folder, made={})
        build_in_lane(job, kit, folder / "before", outside.doors, home)  # has its downloads from now on
        for name, lane in ((LANE, home), (FULL, full)):
            _prepare(lane, job, folder / f"sources-{name.replace(' ', '-')}")
            began = time.perf_counter()
            build_in_lane(job, kit, folder / name.replace(" ", "-"), outside.doors, lane)
            yield build_key(job.source.label, name), time.perf_counter() - began


def _prepare(lane: Lane, job: Job, place: Path) -> None:
    """Install the build requirements that the sources declare."""
    unpack_source(job.source, place)
    lane.install(declared_requirements(place), job)


def _job(package: str, *, kit: Kit, python: Python, outside: Outside) -> Job:
    return Job(
        source=find_source(package, outside),
        identifier=Identifier(python=python, target=kit.target),
        options=Options(environment=tuple(EQUAL_WORK.items())),
        kit=tuple(sorted(kit.ids.items())),
        lane="emulated",
    )
