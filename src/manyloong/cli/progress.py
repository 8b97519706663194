"""Long work made visible: download bars in a terminal, one line a stage, warnings once."""

import threading
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn

from manyloong.cli import terminal
from manyloong.events import Downloading, Event, Noted, StageFinished, StageStarted, Warned


class ProgressListener:
    """A Listener that draws on stderr; threads may call it. Use it as a context manager."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            console=self._console,
            transient=True,
            disable=quiet or not self._console.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}
        self._warned: set[str] = set()
        self._quiet = quiet
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def __call__(self, event: Event) -> None:
        """Draw one event."""
        with self._lock:
            self._draw(event)

    def _draw(self, event: Event) -> None:
        match event:
            case Downloading():
                self._draw_download(event)
            case StageFinished():
                self._say(f"  {event.job}: {event.stage} {event.seconds:.1f} s {event.detail}".rstrip())
            case Noted():
                self._say(f"  {event.text}")
            case StageStarted():
                pass  # in a terminal the last finished line is enough; the next one follows soon
            case Warned():
                if event.text not in self._warned:
                    self._warned.add(event.text)
                    terminal.print_warning(event.text, hint=event.hint)

    def _draw_download(self, event: Downloading) -> None:
        if event.label not in self._tasks:
            self._tasks[event.label] = self._bars.add_task(event.label, total=event.total_bytes or None)
        done = event.total_bytes > 0 and event.done_bytes >= event.total_bytes
        self._bars.update(
            self._tasks[event.label],
            completed=event.done_bytes,
            total=event.total_bytes or None,
            visible=not done,
        )

    def _say(self, text: str) -> None:
        if not self._quiet:
            self._console.print(text, markup=False, soft_wrap=True)
