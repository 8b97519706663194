"""Progress events: what long work tells whoever watches it. The library emits, ``cli/`` draws."""

from collections.abc import Callable
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


Event = StageStarted | StageFinished | Downloading | Warned
Listener = Callable[[Event], None]


def ignore(event: Event) -> None:
    """The listener that listens to nothing."""
