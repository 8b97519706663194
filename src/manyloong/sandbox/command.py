"""A process to run as a value, and what became of it. House style 10 and 11: one door, named Runner."""

import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from manyloong.targets import Qemu

MIB = 1 << 20
GIB = 1 << 30
Outcome = Literal["exited", "timeout", "memory", "processes"]  # the last three: killed for it


@dataclass(frozen=True, slots=True, kw_only=True)
class Bind:
    """A path of the host that is seen inside the sandbox."""

    source: Path
    target: str  # absolute path inside
    writable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Emulator:
    """A static qemu-user binary of the host, and how the kernel recognises what it runs."""

    binary: Path  # path on the host
    qemu: Qemu
    cpu: str  # value of QEMU_CPU


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a command may use before it is killed, with all its children."""

    time_s: float = 3600.0
    memory_bytes: int = 16 * GIB  # resident, all processes together
    file_bytes: int = 8 * GIB  # largest single file it may write
    processes: int = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One process in a sandbox: no network, empty home, read-only root, own /tmp and PIDs.

    ``environment`` is the whole environment; nothing is inherited. ``root`` is the tree seen as ``/``.
    Output of the command (stdout and stderr together) is appended to ``log``.
    """

    argv: tuple[str, ...]
    root: Path
    log: Path
    environment: tuple[tuple[str, str], ...] = ()
    binds: tuple[Bind, ...] = ()
    cwd: str = "/"
    emulator: Emulator | None = None
    network: bool = False
    limits: Limits = field(default_factory=Limits)

    def replay_line(self) -> str:
        """The inner command as a shell line, for logs and records."""
        words = [f"{name}={value}" for name, value in self.environment]
        return shlex.join(["env", "-i", *words, *self.argv])


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What became of a command. ``returncode`` is negative for a signal, as in ``subprocess``."""

    returncode: int
    seconds: float
    outcome: Outcome
    peak_memory_bytes: int
    log: Path

    @property
    def succeeded(self) -> bool:
        """Whether it ran to its end and said zero."""
        return self.outcome == "exited" and self.returncode == 0

    def last_lines(self, count: int = 30) -> str:
        """The end of its log, for error messages."""
        lines = self.log.read_text("utf-8", "replace").splitlines()
        return "\n".join(lines[-count:])


class Runner(Protocol):
    """The one door to processes that run foreign code."""

    def run(self, command: Command) -> Done:
        """Run to the end, within the limits; raises HostError where this host cannot."""
        ...
