"""Progress events: what long work tells whoever watches it. The library emits, ``cli/`` draws."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class StageStarted:
    """A named step of a job begins, e.g. ``build`` of ``cp313-manylinux_loongarch64``."""

    job: str
    stage: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StageFinished:
    """The step ended; ``detail`` is one short line for people."""

    job: str
    stage: str
    seconds: float
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Downloading:
    """Bytes so far of all files of one fetch; emitted often, cheap to ignore."""

    label: str
    done_bytes: int
    total_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """Something the user should see although work goes on; also written into records."""

    text: str
    hint: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """A turn that the work takes and the user should know of."""

    text: str


Event = Noted | StageStarted | StageFinished | Downloading | Warned
Listener = Callable[[Event], None]


def ignore(event: Event) -> None:
    """The listener that listens to nothing."""


class Stages:
    """The stages of one job: tells the listener of each, and remembers how long it took."""

    def __init__(self, job: str, listener: Listener) -> None:
        self._job = job
        self._listener = listener
        self.finished: list[StageFinished] = []

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time one stage; a stage that raises is not counted as finished."""
        self._listener(StageStarted(job=self._job, stage=name))
        began = time.monotonic()
        yield
        event = StageFinished(job=self._job, stage=name, seconds=round(time.monotonic() - began, 3))
        self.finished.append(event)
        self._listener(event)
