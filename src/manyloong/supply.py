"""Requirements that are nowhere: each is built once, by a job of its own, before the job that needs it.

The graph is found while it is walked: what a release needs to build is known when its backend was asked.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from manyloong.errors import BuildError, ManyloongError
from manyloong.events import Noted
from manyloong.targets import Python
from manyloong.wheels.doors import Doors
from manyloong.wheels.requirements import BuildForbiddenError, CyclicRequirementsError
from manyloong.wheels.source import PureRelease, Source, resolve_source

Side = Literal["target", "native"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Needed:
    """One wheel that somebody needs and nobody has."""

    project: str
    version: str
    python: Python
    side: Side

    @property
    def label(self) -> str:
        """How messages call it."""
        return f"{self.project} {self.version}"


class Made:
    """What was made in one run, by need; asked for at once by several, it is made once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._guards: dict[Needed, threading.Lock] = {}
        self._wheels: dict[Needed, Path | ManyloongError] = {}

    def once(self, needed: Needed, make: Callable[[], Path]) -> Path:
        """The wheel, made by the first who asks; all get the same error when that fails."""
        with self._lock:
            guard = self._guards.setdefault(needed, threading.Lock())
        with guard:
            if needed not in self._wheels:
                try:
                    self._wheels[needed] = make()
                except ManyloongError as error:
                    self._wheels[needed] = error
            found = self._wheels[needed]
        if isinstance(found, ManyloongError):
            raise found
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSupply:
    """The Supply of one job; ``chain``: the releases that wait for it, the user's wish first."""

    make: Callable[[Source, Needed, "JobSupply"], Path]
    doors: Doors
    folders: tuple[Path, ...]  # of wheels for the target
    allowed: bool
    chain: tuple[str, ...]
    made: Made = field(default_factory=Made)

    def target_wheel(self, project: str, version: str, python: Python) -> Path:
        """A wheel for the target, by a job of its own."""
        return self._wheel(Needed(project=project, version=version, python=python, side="target"))

    def native_wheel(self, project: str, version: str, python: Python) -> Path:
        """A wheel for the build machine, by a job of its own."""
        return self._wheel(Needed(project=project, version=version, python=python, side="native"))

    def links(self) -> tuple[Path, ...]:
        """Folders with wheels for the target."""
        return tuple(folder for folder in self.folders if folder.is_dir())

    def _wheel(self, needed: Needed) -> Path:
        asker = self.chain[-1]
        machine = "the target" if needed.side == "target" else "this machine"
        if needed.label in self.chain:
            way = (*self.chain[self.chain.index(needed.label) :], needed.label)
            raise CyclicRequirementsError(
                "cyclic build requirements: " + " -> ".join(one.split(" ")[0] for one in way),
                hint="break the circle with a wheel of one of them: --find-links FOLDER",
            )
        if not self.allowed:
            raise BuildForbiddenError(
                f"{asker} needs {needed.label}, of which there is no wheel for {machine}, "
                "and --no-build-deps forbids to build it first",
                hint=f"manyloong build {needed.project}=={needed.version} --python {needed.python.tag}",
            )
        return self.made.once(needed, lambda: self._build(needed, asker, machine))

    def _build(self, needed: Needed, asker: str, machine: str) -> Path:
        doors = self.doors
        doors.listener(Noted(text=f"{asker} needs {needed.label} for {machine}: it is built first"))
        below = JobSupply(
            make=self.make,
            doors=doors,
            folders=self.folders,
            allowed=self.allowed,
            chain=(*self.chain, needed.label),
            made=self.made,
        )
        try:
            return self.make(self._source(needed, asker), needed, below)
        except CyclicRequirementsError:
            raise
        except ManyloongError as error:
            raise BuildError(
                f"{needed.label}, which {asker} requires, could not be built for {machine}: {error.message}",
                hint=error.hint,
            ) from error

    def _source(self, needed: Needed, asker: str) -> Source:
        doors = self.doors
        found = resolve_source(
            f"{needed.project}=={needed.version}",
            registry=doors.registry,
            fetcher=doors.fetcher,
            store=doors.store,
            listener=doors.listener,
        )
        if isinstance(found, PureRelease):
            raise BuildError(f"{needed.label} has {found.wheel}, which does not fit what {asker} requires")
        return found
