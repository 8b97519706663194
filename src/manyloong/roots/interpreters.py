"""CPythons from source, for a target and for the build machine: ``cpython.toml`` -> recipe -> tree.

A target's is cross-built by the toolchain for its floor; it needs a CPython of the same minor version that
runs on the build machine: the native root's, or one from the same source.
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from manyloong.errors import NotFoundError
from manyloong.roots.compile import CompileDoors, Recipe, Workshop, ensure_compiled
from manyloong.roots.layout import PORTS_PATH, PYTHON_PATH, TARGET_PATH
from manyloong.roots.model import Root
from manyloong.roots.sources import PinnedSource, parse_source
from manyloong.roots.toolchain import Toolchain
from manyloong.sandbox import Bind, Emulator
from manyloong.targets import Python, Target

_STAGES = ("unpack", "configure", "make", "install")
_FILE = "cpython.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class CPythonBuild:
    """A row of ``cpython.toml``."""

    tag: str
    source: PinnedSource
    options: tuple[str, ...] = ()
    patches: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """A prefix that a build sees, and the id of all that decides it."""

    id: str
    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorParts:
    """What a CPython for a floor, and the root around it, are built with."""

    native_root: Root
    build_root: Root  # with a GCC for the target and one for the build machine
    target_root: Root  # the current one: what is not code, and the run-time library of GCC
    toolchain: Toolchain
    emulator: Emulator | None
    ports: Tree | None
    compiler: str  # digest of all of the toolchain that decides what it compiles


@cache
def _document() -> dict[str, Any]:
    return tomllib.loads(files("manyloong.roots").joinpath(_FILE).read_text("utf-8"))


def needed_ports() -> tuple[str, ...]:
    """Names of the ports that a complete standard library needs."""
    return tuple(_document()["ports"])


@cache
def all_builds() -> tuple[CPythonBuild, ...]:
    """Every CPython there is a recipe for."""
    document = _document()
    sources = {
        minor: parse_source(table, where=f"{_FILE}: source {minor}")
        for minor, table in document["source"].items()
    }
    return tuple(
        CPythonBuild(
            tag=tag,
            source=sources[row["source"]],
            options=tuple(row.get("options", ())),
            patches=tuple(row.get("patches", ())),
        )
        for tag, row in document["build"].items()
    )


def find_build(tag: str) -> CPythonBuild:
    """The recipe of a Python tag; NotFoundError with the known ones for any other."""
    for build in all_builds():
        if build.tag == tag:
            return build
    known = ", ".join(build.tag for build in all_builds())
    raise NotFoundError(f"there is no recipe for CPython {tag!r}", hint=f"known: {known}")


def native_recipe(python: Python, *, build_root: Root) -> Recipe:
    """A CPython for the build machine, by the compiler of a root of the same suite as the native one."""
    build = find_build(python.tag)
    return _recipe(
        python,
        build,
        label="native",
        triplet="",
        prefix=PYTHON_PATH,
        build_python="",
        inputs=(build_root.id,),
    )


def target_recipe(python: Python, target: Target, *, compiler: str, ports: Tree | None) -> Recipe:
    """A CPython for a target's floor, by the toolchain.

    As with ports, its bytes are decided by its sources and the compiler. The native root only runs the build;
    its CPython freezes modules, which depends on the minor version alone.
    """
    return _recipe(
        python,
        find_build(python.tag),
        label=target.tag.removesuffix(f"_{target.architecture.name}"),
        triplet=target.triplet,
        prefix="/usr",
        build_python=python.native_executable,
        inputs=(compiler, *([ports.id] if ports else [])),
        with_ports=ports is not None,
    )


def _recipe(
    python: Python,
    build: CPythonBuild,
    *,
    label: str,
    triplet: str,
    prefix: str,
    build_python: str,
    inputs: tuple[str, ...],
    with_ports: bool = False,
) -> Recipe:
    cross = bool(triplet)
    variables = {
        "TRIPLET": triplet,
        "NAME": python.name,
        "PREFIX": prefix,
        "OPTIONS": " ".join(build.options),
        "PATCHES": " ".join(build.patches),
        "BUILD_PYTHON": build_python,
        "PORTS": PORTS_PATH if with_ports else "",
        "PATH": f"{TARGET_PATH}/bin:/usr/bin:/bin" if cross else "/usr/bin:/bin",
    }
    return Recipe(
        name=f"CPython {build.source.version} {python.tag} {label}",
        kind="cpython" if cross else "cpython-native",
        program="cpython",
        stages=_STAGES,
        sources=(build.source,),
        variables=tuple(sorted(variables.items())),
        inputs=inputs,
        patches=build.patches,
    )


def ensure_native_python(python: Python, *, build_root: Root, doors: CompileDoors) -> Path:
    """The prefix of a CPython for the build machine; errors as ``ensure_compiled``."""
    tree = ensure_compiled(
        native_recipe(python, build_root=build_root), Workshop(root=build_root.path), doors
    )
    return tree / PYTHON_PATH[1:]


def native_bind(prefix: Path) -> Bind:
    """That prefix at its place in the sandbox."""
    return Bind(source=prefix, target=PYTHON_PATH)


def ensure_target_python(python: Python, target: Target, *, parts: FloorParts, doors: CompileDoors) -> Tree:
    """A CPython for a target, below ``usr``; errors as ``ensure_compiled``."""
    recipe = target_recipe(python, target, compiler=parts.compiler, ports=parts.ports)
    found = doors.store.tree_path(recipe.kind, recipe.key())
    if found is not None:
        return Tree(id=recipe.key(), path=found)
    binds = [*parts.toolchain.binds()]
    if parts.ports is not None:
        binds.append(Bind(source=parts.ports.path, target=PORTS_PATH))
    if needs_native(python):
        binds.append(native_bind(ensure_native_python(python, build_root=parts.build_root, doors=doors)))
    workshop = Workshop(root=parts.native_root.path, binds=tuple(binds))
    return Tree(id=recipe.key(), path=ensure_compiled(recipe, workshop, doors))


def needs_native(python: Python) -> bool:
    """Whether the build machine's interpreter for it is built from source too."""
    return python.native_executable.startswith(f"{PYTHON_PATH}/")
