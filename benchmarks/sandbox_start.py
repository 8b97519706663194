"""How long the sandbox takes to start: a program that does nothing, native and emulated."""

import statistics
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.goals import EMULATED_START, START

from manyloong.sandbox import Command, Runner
from manyloong.wheels.kit import Kit

STARTS = 30  # in a round; their median counts


def take_starts(kit: Kit, *, runner: Runner, place: Path) -> Iterator[tuple[str, float]]:
    """One round: milliseconds from the call to the answer, the work of qemu's own start included."""
    native = Command(argv=("/usr/bin/true",), root=kit.native_root.path, log=place / "start.log")
    yield START, _start_ms(native, runner)
    emulated = Command(
        argv=("/usr/bin/true",),
        root=kit.target_root.path,
        log=place / "start.log",
        emulator=kit.emulator(kit.target.architecture.qemu.cpu_full),
    )
    yield EMULATED_START, _start_ms(emulated, runner)


def _start_ms(command: Command, runner: Runner) -> float:
    taken = []
    for _ in range(STARTS):
        began = time.perf_counter()
        done = runner.run(command)
        taken.append(1000 * (time.perf_counter() - began))
        if not done.succeeded:
            raise RuntimeError(f"the sandbox did not start: {done.last_lines()}")
    return statistics.median(taken)
