"""What images are made of: roots, toolchain, locked wheels, and the launcher that starts native programs."""

import hashlib
import json
import shutil
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from manyloong.errors import BuildError
from manyloong.events import Listener
from manyloong.roots.layout import TARGET_PATH
from manyloong.roots.model import Root
from manyloong.roots.sources import PinnedSource
from manyloong.roots.toolchain import Toolchain
from manyloong.roots.zig import Locate
from manyloong.sandbox import Bind, Command, Runner
from manyloong.store import Fetcher, RemoteFile, Store
from manyloong.targets import Host, Python, Target, known_pythons

_FILE = "images.toml"
_LAUNCHER = "launch.c"


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedWheel:
    """A wheel in an image's environments."""

    project: str
    version: str
    name: str
    licence: str
    sha256: str
    size_bytes: int
    places: tuple[str, ...]  # "tools", "interpreters"


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltPython:
    """A CPython from source, as an image has it: in a prefix of its own."""

    python: Python
    tree: Path  # what was installed, below ``usr``
    config: Path  # headers and build variables for that prefix


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageParts:
    """Everything on disk that goes into an image."""

    target: Target
    host: Host  # whose programs the image has besides its own
    base: Root  # the target's userland
    native: Root  # the host's
    toolchain: Toolchain
    launcher: Path
    sites: Mapping[str, Path]  # site-packages of each Python by its tag, and of "tools"
    distribution: tuple[Python, ...]  # CPythons of the userland, oldest first; the first starts the tools
    epoch: int  # seconds, UTC
    built: tuple[BuiltPython, ...] = ()
    sources: tuple[PinnedSource, ...] = ()  # of what in the image is built from source
    libraries: tuple[Path, ...] = ()  # folders of what programs of the target need and the userland lacks

    @property
    def configured(self) -> tuple[Python, ...]:
        """Those of the userland that are the target's; with another C library than its own, none is."""
        return () if self.target.from_source else self.distribution

    @property
    def pythons(self) -> tuple[Python, ...]:
        """Those below /opt/python, oldest first."""
        rows = (*self.configured, *(built.python for built in self.built))
        here = {python.tag: python for python in rows}
        return tuple(here[python.tag] for python in known_pythons() if python.tag in here)

    def tree(self, python: Python) -> Path:
        """Where a CPython is: below ``usr`` of this folder."""
        trees = {built.python.tag: built.tree for built in self.built}
        return trees.get(python.tag, self.base.path)


@cache
def image_document() -> dict[str, Any]:
    """The data file."""
    return tomllib.loads(files("manyloong.roots.images").joinpath(_FILE).read_text("utf-8"))


def native_programs() -> tuple[str, ...]:
    """Names in /usr/bin that run natively where the image is emulated."""
    return tuple(image_document()["native"])


def source_pythons(family: str) -> tuple[str, ...]:
    """Tags of the CPythons from source in the images of a family of platform tags."""
    return tuple(image_document()["from-source"][family])


def tool_commands() -> dict[str, str]:
    """Command -> module:function of the image's Python tools."""
    return dict(image_document()["commands"])


def locked_wheels() -> tuple[LockedWheel, ...]:
    """Every wheel, by project."""
    rows = image_document()["wheel"].items()
    return tuple(LockedWheel(project=name, **row | {"places": tuple(row["places"])}) for name, row in rows)


def fetch_wheels(*, fetcher: Fetcher, locate: Locate, listener: Listener) -> dict[str, tuple[Path, ...]]:
    """The locked wheels of each place; FetchError, IntegrityError."""
    wheels = locked_wheels()
    wanted = [
        RemoteFile(
            name=wheel.name,
            urls=locate(wheel.project, wheel.name),
            sha256=wheel.sha256,
            size_bytes=wheel.size_bytes,
        )
        for wheel in wheels
    ]
    paths = fetcher.fetch(wanted, label="tools of the image", listener=listener)
    places = sorted({place for wheel in wheels for place in wheel.places})
    return {
        place: tuple(paths[wheel.sha256] for wheel in wheels if place in wheel.places) for place in places
    }


def present_pythons(base: Root, pythons: tuple[Python, ...]) -> tuple[Python, ...]:
    """The CPythons that a root has."""
    return tuple(python for python in pythons if (base.path / python.executable[1:]).is_file())


def ensure_launcher(
    target: Target, host: Host, *, native: Root, toolchain: Toolchain, store: Store, runner: Runner
) -> Path:
    """The launcher for an image of a target, compiled for it by the toolchain. BuildError."""
    source = files("manyloong.roots.payload").joinpath(_LAUNCHER).read_text("utf-8")
    machines = ",".join(f'"{name}"' for name in (host.name, target.architecture.uname))
    document = {"source": source, "machines": machines, "toolchain": toolchain.id}
    key = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()

    def build(tree: Path) -> None:
        with store.scratch("launcher") as folder:
            work = folder / "build"
            work.mkdir()
            (work / _LAUNCHER).write_text(source, "utf-8")
            arguments = ("-O2", "-s", f"-DMACHINES={machines}", "-o", "launch", _LAUNCHER)
            done = runner.run(
                Command(
                    argv=(f"{TARGET_PATH}/bin/cc", *arguments),
                    root=native.path,
                    log=folder / "log",
                    environment=(("PATH", "/usr/bin:/bin"), ("HOME", "/home/builder"), ("LANG", "C.UTF-8")),
                    binds=(*toolchain.binds(), Bind(source=work, target="/build", writable=True)),
                    cwd="/build",
                )
            )
            if not done.succeeded:
                raise BuildError(f"the image's launcher does not compile:\n{done.last_lines()}")
            shutil.copy(work / "launch", tree / "launch")

    return store.tree("launcher", key, build) / "launch"
