"""Trees compiled from pinned sources in the sandbox: stages of one shell program, without network.

A recipe names every input by hash, so its key is the tree's. The program (``payload/NAME.sh``) is run once
for each stage as ``sh NAME.sh STAGE``, in ``/build``; archives lie in ``/io`` under their sources' names,
patches too, and what it leaves in ``/tmp/out`` is the tree.
"""

import hashlib
import json
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from manyloong.errors import BuildError
from manyloong.events import Listener, StageFinished, StageStarted
from manyloong.roots.sources import PinnedSource, ensure_sources
from manyloong.sandbox import Bind, Command, Done, Emulator, Runner
from manyloong.store import Fetcher, Store, save_log
from manyloong.store.normalise import normalise_tree

RECIPE = 1  # bump when the same recipe would give another tree
EPOCH = 315532800  # 1980-01-01, the first that zip archives can say
_LAST_LINES = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A tree before it is built: all that decides its bytes."""

    name: str  # shown while it is built, e.g. glibc 2.36
    kind: str  # of the tree in the store
    program: str  # payload/NAME.sh
    stages: tuple[str, ...]
    sources: tuple[PinnedSource, ...]
    variables: tuple[tuple[str, str], ...]
    inputs: tuple[str, ...]  # ids of the roots and trees it is built in and with
    patches: tuple[str, ...] = ()  # names of files in patches/

    def key(self) -> str:
        """SHA-256 over the recipe, the program and the patches."""
        document = {
            "recipe": RECIPE,
            "name": self.name,
            "program": program_text(self.program),
            "stages": self.stages,
            "sources": [source.sha256 for source in self.sources],
            "variables": [list(pair) for pair in self.variables],
            "inputs": self.inputs,
            "patches": [hashlib.sha256(patch_bytes(name)).hexdigest() for name in self.patches],
        }
        text = json.dumps(document, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """Where a recipe is built: the root seen as ``/``, and what is mounted in it."""

    root: Path
    binds: tuple[Bind, ...] = ()
    emulator: Emulator | None = None  # where the build runs programs of the target


@dataclass(frozen=True, slots=True, kw_only=True)
class CompileDoors:
    """What compiling needs of the outside."""

    store: Store
    fetcher: Fetcher
    mirrors: tuple[str, ...]
    runner: Runner
    listener: Listener


def program_text(name: str) -> str:
    """The shell program of that name."""
    return files("manyloong.roots").joinpath("payload", f"{name}.sh").read_text("utf-8")


def patch_bytes(name: str) -> bytes:
    """One of our patches."""
    return files("manyloong.roots").joinpath("patches", name).read_bytes()


def ensure_compiled(recipe: Recipe, workshop: Workshop, doors: CompileDoors) -> Path:
    """The tree, built on first use.

    FetchError where a source is not reachable, BuildError with the log's end where a stage fails.
    """
    key = recipe.key()
    found = doors.store.tree_path(recipe.kind, key)
    if found is not None:
        return found
    archives = ensure_sources(
        recipe.sources, fetcher=doors.fetcher, mirrors=doors.mirrors, listener=doors.listener
    )
    return doors.store.tree(recipe.kind, key, lambda tree: _build(tree, recipe, workshop, archives, doors))


def _build(
    tree: Path, recipe: Recipe, workshop: Workshop, archives: Mapping[str, Path], doors: CompileDoors
) -> None:
    with doors.store.scratch("compile") as scratch:
        for name in ("build", "io"):
            (scratch / name).mkdir()
        for name, path in archives.items():
            shutil.copyfile(path, scratch / "io" / name)
        for name in recipe.patches:
            (scratch / "io" / name).write_bytes(patch_bytes(name))
        (scratch / "io" / f"{recipe.program}.sh").write_text(program_text(recipe.program), "utf-8")
        for stage in recipe.stages:
            _run_stage(stage, tree, scratch, recipe, workshop, doors)
    normalise_tree(tree, epoch=EPOCH)


def _run_stage(
    stage: str, tree: Path, scratch: Path, recipe: Recipe, workshop: Workshop, doors: CompileDoors
) -> None:
    doors.listener(StageStarted(job=recipe.name, stage=stage))
    began = time.monotonic()
    done = doors.runner.run(_stage_command(stage, tree, scratch, recipe, workshop))
    if not done.succeeded:
        log = save_log(doors.store.path, done.log, name=f"{recipe.kind}-{recipe.key()[:12]}-{stage}")
        raise _failure(stage, recipe, done, log)
    doors.listener(StageFinished(job=recipe.name, stage=stage, seconds=time.monotonic() - began))


def _stage_command(stage: str, tree: Path, scratch: Path, recipe: Recipe, workshop: Workshop) -> Command:
    variables = {
        "PATH": "/usr/bin:/bin",
        "HOME": "/home/builder",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "SOURCE_DATE_EPOCH": str(EPOCH),
        "PYTHONHASHSEED": "0",
        **dict(recipe.variables),
    }
    return Command(
        argv=("/bin/sh", "-eu", f"/io/{recipe.program}.sh", stage),
        root=workshop.root,
        log=scratch / f"{stage}.log",
        environment=tuple(sorted(variables.items())),
        cwd="/build",
        binds=(
            Bind(source=scratch / "build", target="/build", writable=True),
            Bind(source=scratch / "io", target="/io"),
            Bind(source=tree, target="/tmp/out", writable=True),  # noqa: S108 - the sandbox's own
            *workshop.binds,
        ),
        emulator=workshop.emulator,
    )


def _failure(stage: str, recipe: Recipe, done: Done, log: Path | None) -> BuildError:
    how = f"exit code {done.returncode}" if done.outcome == "exited" else f"killed: {done.outcome} limit"
    return BuildError(
        f"{recipe.name}: stage {stage!r} failed ({how}):\n{done.last_lines(_LAST_LINES)}",
        hint=f"the whole output is in {log}" if log else "see what this host can do: manyloong doctor",
    )
