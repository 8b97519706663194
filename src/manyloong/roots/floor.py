"""Floor roots: a target's oldest C library, and a CPython on it, all built from source.

A wheel that runs here runs on the floor that its tag names. One root holds one CPython; its name is that of
the target's ``floor_root``, with the Python tag behind it where that is not the usual one.
"""

import hashlib
import json
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from manyloong.errors import NotFoundError
from manyloong.events import StageFinished, StageStarted, Warned
from manyloong.roots.compile import CompileDoors, Recipe, Workshop, ensure_compiled
from manyloong.roots.floor_tree import assemble_floor
from manyloong.roots.interpreters import FloorParts, ensure_target_python, find_build, target_recipe
from manyloong.roots.layout import NATIVE_PATH, TARGET_PATH
from manyloong.roots.model import Root
from manyloong.roots.musl_tree import assemble_musl
from manyloong.roots.runtime import busybox_source, libc_source
from manyloong.roots.sources import PinnedSource, ensure_sources
from manyloong.store import Store
from manyloong.targets import Python, Target, all_targets, known_pythons

RECIPE = 1  # bump when the same parts would give another root
USUAL_PYTHON = "cp313"  # of the root whose name says no other
_STAGES = ("unpack", "configure", "make", "install")
_COMPILER = "gcc-14"  # of the build root; glibc 2.36 is older than the changes that newer ones ask for


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """What a floor root is made of: a target's C library and one CPython."""

    name: str
    target: Target
    python: Python

    @property
    def sources(self) -> tuple[PinnedSource, ...]:
        """What it is built from, besides the ports: all must be reachable."""
        return (libc_source(self.target), busybox_source(), find_build(self.python.tag).source)


@cache
def all_floors() -> tuple[Floor, ...]:
    """Every floor root there is a recipe for: each target's, with each CPython."""
    rows = [target for target in all_targets() if target.floor_root]
    return tuple(
        Floor(name=floor_name(target, python), target=target, python=target.python(python))
        for target in rows
        for python in known_pythons()
    )


def floor_name(target: Target, python: Python) -> str:
    """The name of a target's floor root with a CPython."""
    return target.floor_root if python.tag == USUAL_PYTHON else f"{target.floor_root}-{python.tag}"


def is_floor(name: str) -> bool:
    """Whether a root's name is that of a floor root."""
    return any(floor.name == name for floor in all_floors())


def find_floor(name: str) -> Floor:
    """The floor root of that name; NotFoundError for any other."""
    for floor in all_floors():
        if floor.name == name:
            return floor
    known = ", ".join(floor.name for floor in all_floors())
    raise NotFoundError(f"unknown floor root {name!r}", hint=f"known: {known}")


def libc_recipe(target: Target, *, build_root: Root) -> Recipe:
    """The C library of a target's floor, by the GCC of the build root: clang does not compile this one."""
    source = libc_source(target)
    variables = {
        "TRIPLET": target.triplet,
        "VERSION": source.version,
        "COMPILER": f"{target.triplet}-{_COMPILER}",
        "KERNEL": "{}.{}.{}".format(*target.architecture.glibc_kernel),
    }
    return Recipe(
        name=f"{target.libc} {source.version} {target.architecture.name}",
        kind="libc",
        program=target.libc,
        stages=_STAGES,
        sources=(source,),
        variables=tuple(sorted(variables.items())),
        inputs=(build_root.id,),
    )


def busybox_recipe(target: Target, *, compiler: str) -> Recipe:
    """The programs of a floor root, by the toolchain."""
    source = busybox_source()
    variables = {"HOST_COMPILER": f"{NATIVE_PATH}/bin/cc", "PATH": f"{TARGET_PATH}/bin:/usr/bin:/bin"}
    return Recipe(
        name=f"busybox {source.version} {target.tag}",
        kind="busybox",
        program="busybox",
        stages=_STAGES,
        sources=(source,),
        variables=tuple(sorted(variables.items())),
        inputs=(compiler,),
    )


def floor_recipes(floor: Floor, parts: FloorParts) -> tuple[Recipe, ...]:
    """C library (where the toolchain does not hold it), programs, CPython."""
    libc = () if floor.target.from_source else (libc_recipe(floor.target, build_root=parts.build_root),)
    return (
        *libc,
        busybox_recipe(floor.target, compiler=parts.compiler),
        target_recipe(floor.python, floor.target, compiler=parts.compiler, ports=parts.ports),
    )


def ensure_floor(floor: Floor, parts: FloorParts, doors: CompileDoors) -> Root:
    """The finished floor root; what is missing of it is fetched and built, all parts at once.

    FetchError "source not reachable" with name and hash, BuildError with the log's end.
    """
    recipes = floor_recipes(floor, parts)
    identity = floor_id(floor, parts, [recipe.key() for recipe in recipes])
    path = doors.store.tree_path("root", identity)
    if path is None:
        ensure_sources(
            floor.sources, fetcher=doors.fetcher, mirrors=doors.mirrors, listener=doors.listener
        )  # all, before any is built
        text = f"{floor.name} is built from source, once; that takes minutes"
        doors.listener(Warned(text=text, hint="to do without it: manyloong build --test-roots current"))
        trees = _ensure_parts(floor, parts, doors)
        path = doors.store.tree("root", identity, lambda tree: _assemble(tree, trees, floor, parts, doors))
    doors.store.put_json("floor", floor.name, {"id": identity})
    return Root(name=floor.name, id=identity, path=path)


def last_floor(floor: Floor, store: Store) -> Root | None:
    """The floor root of that name that was made last, if it is still in the store."""
    known = store.get_json("floor", floor.name)
    path = store.tree_path("root", str(known["id"])) if known else None
    return Root(name=floor.name, id=str(known["id"]), path=path) if known and path else None


def _assemble(
    tree: Path, trees: Sequence[Path], floor: Floor, parts: FloorParts, doors: CompileDoors
) -> None:
    doors.listener(StageStarted(job=floor.name, stage="assemble"))
    began = time.monotonic()
    ports = parts.ports.path if parts.ports else None
    current, toolchain = parts.target_root.path, parts.toolchain.target
    if floor.target.from_source:
        assemble_musl(tree, trees, target=floor.target, current=current, toolchain=toolchain, ports=ports)
    else:
        assemble_floor(
            tree,
            trees,
            target=floor.target,
            current=current,
            toolchain=toolchain,
            ports=ports,
            emulator=parts.emulator,
            doors=doors,
        )
    doors.listener(StageFinished(job=floor.name, stage="assemble", seconds=time.monotonic() - began))


def _assembler(target: Target) -> str:
    return "musl_tree.py" if target.from_source else "floor_tree.py"


def floor_id(floor: Floor, parts: FloorParts, trees: Sequence[str]) -> str:
    """SHA-256 over all that decides a floor root."""
    document = {
        "recipe": RECIPE,
        "name": floor.name,
        "trees": list(trees),
        "current": parts.target_root.id,
        "compiler": parts.compiler,
        "ports": parts.ports.id if parts.ports else "",
        "program": files("manyloong.roots").joinpath(_assembler(floor.target)).read_text("utf-8"),
    }
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _ensure_parts(floor: Floor, parts: FloorParts, doors: CompileDoors) -> list[Path]:
    """C library, programs and CPython, at once: while one is configured, another one compiles."""
    *libc, busybox, _ = floor_recipes(floor, parts)
    here = Workshop(root=parts.native_root.path, binds=parts.toolchain.binds())
    with ThreadPoolExecutor(3, thread_name_prefix="floor") as pool:
        there = Workshop(root=parts.build_root.path)
        futures = [
            *(pool.submit(ensure_compiled, recipe, there, doors) for recipe in libc),
            pool.submit(ensure_compiled, busybox, here, doors),
            pool.submit(_python, floor, parts, doors),
        ]
        return [future.result() for future in futures]


def _python(floor: Floor, parts: FloorParts, doors: CompileDoors) -> Path:
    return ensure_target_python(floor.python, floor.target, parts=parts, doors=doors).path
