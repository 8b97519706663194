"""What is built from source for a kit: floor roots to test in, and the Pythons that Debian's roots lack.

What cannot be had is a value with its reason, not an error: a wheel that was not tested on its floor says so.
"""

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Literal

from manyloong.errors import FetchError, GoneError, InputError, ManyloongError
from manyloong.events import Warned
from manyloong.roots import Root, Toolchain
from manyloong.roots.compile import CompileDoors
from manyloong.roots.floor import Floor, all_floors, ensure_floor
from manyloong.roots.index import Clock, utc_now
from manyloong.roots.interpreters import (
    FloorParts,
    Tree,
    ensure_native_python,
    ensure_target_python,
    find_build,
    native_bind,
    needed_ports,
    needs_native,
)
from manyloong.roots.layout import Layout
from manyloong.roots.ports import Workshop, ensure_ports, ensure_prefix, shipped_ports
from manyloong.roots.ports.ensure import compiler_digest
from manyloong.roots.pythons import read_built_python, write_python
from manyloong.roots.sources import PinnedSource
from manyloong.sandbox import Bind, Emulator
from manyloong.store import Store
from manyloong.targets import Host, Python, Target
from manyloong.wheels.cross import PYTHON_HOME
from manyloong.wheels.doors import Doors, port_doors

RootChoice = Literal["current", "floor", "imported"]
CHOICES: tuple[RootChoice, ...] = ("current", "floor", "imported")
ASK_AGAIN = timedelta(days=1)  # for a source that no address had
_NOTE = "unreachable"  # kind of JSON in the store


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorRoot:
    """The floor root for one Python, or why there is none."""

    python: Python
    name: str
    root: Root | None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcePython:
    """What wheels for a Python from source are built with, or why they cannot be."""

    python: Python
    home: Path | None = None  # headers and build variables
    native: Path | None = None  # prefix of the build machine's, where its root has none
    error: ManyloongError | None = None

    def binds(self) -> tuple[Bind, ...]:
        """The build machine's interpreter at its place."""
        return () if self.native is None else (native_bind(self.native),)

    def place_home(self, folder: Path) -> None:
        """Headers and build variables where a build in that folder looks for them."""
        if self.home is not None:
            shutil.copytree(self.home, folder / PurePosixPath(PYTHON_HOME).name)


def parse_test_roots(text: str) -> tuple[RootChoice, ...]:
    """``current``, ``floor``, ``imported``, several, or ``all``; InputError naming the word that is none."""
    words = [word.strip() for word in text.split(",") if word.strip()]
    unknown = [word for word in words if word not in {*CHOICES, "all"}]
    if unknown or not words:
        raise InputError(
            f"--test-roots {text!r}: unknown root {', '.join(unknown) or '(none given)'}",
            hint="choose from: current, floor, imported, all",
        )
    return tuple(choice for choice in CHOICES if choice in words or "all" in words)


def floor_parts(
    target: Target,
    host: Host,
    *,
    native_root: Root,
    build_root: Root,
    target_root: Root,
    toolchain: Toolchain,
    emulator: Emulator | None,
    doors: Doors,
) -> FloorParts:
    """What floor roots are built with; the ports are built where they are not there."""
    workshop = Workshop(
        target=target,
        host=host,
        toolchain=toolchain,
        native_root=native_root.path,
        runner=doors.runner,
        jobs=doors.cores,
    )
    return FloorParts(
        native_root=native_root,
        build_root=build_root,
        target_root=target_root,
        toolchain=toolchain,
        emulator=emulator,
        ports=_python_ports(workshop, doors),
        compiler=compiler_digest(toolchain, doors.store),
    )


def _python_ports(workshop: Workshop, doors: Doors) -> Tree:
    """The C libraries of a complete standard library, as one prefix."""
    trees = ensure_ports(
        needed_ports(), ports=shipped_ports(), workshop=workshop, doors=port_doors(doors), asked_by="CPython"
    )
    prefix = ensure_prefix(trees, store=doors.store)
    return Tree(id=prefix.name, path=prefix)


def compile_doors(doors: Doors) -> CompileDoors:
    """Those of a build that compiling from source needs."""
    return CompileDoors(
        store=doors.store,
        fetcher=doors.fetcher,
        mirrors=doors.mirrors,
        runner=doors.runner,
        listener=doors.listener,
    )


def ensure_floor_root(
    python: Python, target: Target, parts: FloorParts, doors: Doors, *, clock: Clock = utc_now
) -> FloorRoot:
    """The floor root for a Python, or the reason that there is none: no recipe, or a source not reachable."""
    floor = next((row for row in all_floors() if row.target == target and row.python == python), None)
    if floor is None:
        return FloorRoot(
            python=python, name="floor", root=None, reason=f"{target.tag} has no floor root of its own"
        )
    reason = missing_reason(floor, doors.store, doors.mirrors, since=clock() - ASK_AGAIN)
    if not reason:
        try:
            root = ensure_floor(floor, parts, compile_doors(doors))
            return FloorRoot(python=python, name=floor.name, root=root)
        except FetchError as error:
            reason = _note_missing(floor, doors, clock if isinstance(error.__cause__, GoneError) else None)
            doors.listener(Warned(text=f"{floor.name}: {reason}", hint=error.hint))
    return FloorRoot(python=python, name=floor.name, root=None, reason=reason)


def missing_reason(
    floor: Floor, store: Store, mirrors: Sequence[str], *, since: datetime | None = None
) -> str:
    """Which source of a floor root these mirrors did not have when they were last asked; "" for none.

    ``since`` leaves out what is older.
    """
    for source in floor.sources:
        known = store.get_json(_NOTE, _note(source, mirrors))
        if known is not None and (since is None or datetime.fromisoformat(known["asked"]) > since):
            return f"source of {source.name} {source.version} not reachable"
    return ""


def _note(source: PinnedSource, mirrors: Sequence[str]) -> str:
    return hashlib.sha256("\n".join((source.sha256, *mirrors)).encode()).hexdigest()


def _note_missing(floor: Floor, doors: Doors, clock: Clock | None) -> str:
    """Which sources are not in the store now.

    Where the mirrors say that they have them not (``clock`` is given), that is noted, so that the next builds
    do not ask again at once.
    """
    missing = [source for source in floor.sources if doors.store.object_path(source.sha256) is None]
    if clock is not None:
        for source in missing:
            doors.store.put_json(_NOTE, _note(source, doors.mirrors), {"asked": clock().isoformat()})
    names = ", ".join(f"{source.name} {source.version}" for source in missing)
    return f"source of {names} not reachable" if names else "its sources are not reachable"


def ensure_source_python(python: Python, target: Target, parts: FloorParts, doors: Doors) -> SourcePython:
    """Headers, build variables and the build machine's interpreter of a Python that Debian's roots lack."""
    inside = compile_doors(doors)
    try:
        native = None
        if needs_native(python):
            native = ensure_native_python(python, build_root=parts.build_root, doors=inside)
        tree = ensure_target_python(python, target, parts=parts, doors=inside)
    except FetchError as error:
        source = find_build(python.tag).source
        text = f"{python.tag}: source of CPython {source.version} not reachable: {error.message}"
        failed = FetchError(text, hint=error.hint)
        return SourcePython(python=python, error=failed)
    built = read_built_python(tree.path, python.tag, python.name, target.triplet)
    key = hashlib.sha256(json.dumps([tree.id, PYTHON_HOME, 1]).encode()).hexdigest()
    layout = Layout(triplet=target.triplet)

    def fill(directory: Path) -> None:
        write_python(built, directory, layout, removed=(), include=f"{PYTHON_HOME}/include")

    home = doors.store.tree("python-home", key, fill)
    return SourcePython(python=python, home=home, native=native)
