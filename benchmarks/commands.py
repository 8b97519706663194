"""The installed command as a user runs it: seconds, and the peak memory of its own process."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks.goals import ALL, HELP, ONE, peak_key

PROGRAM = Path(sys.executable).with_name("manyloong")
HELPS = 9  # in a round; their median counts
_SAMPLE_S = 0.01
_MB = 1_000_000


def take_command(
    what: str, *arguments: str, variables: Mapping[str, str] | None = None
) -> Iterator[tuple[str, float]]:
    """Run manyloong to its end: seconds, and the peak memory of the process itself, not of what it starts.

    RuntimeError with its words when it fails.
    """
    began = time.perf_counter()
    with subprocess.Popen(
        [str(PROGRAM), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, **(variables or {})},
    ) as process:
        peak = 0
        while process.poll() is None:
            peak = max(peak, _peak_bytes(process.pid))
            time.sleep(_SAMPLE_S)
        seconds = time.perf_counter() - began
        said = process.stdout.read() if process.stdout else b""
    if process.returncode != 0:
        raise RuntimeError(f"manyloong {' '.join(arguments)}: {said.decode('utf-8', 'replace')[-2000:]}")
    yield what, seconds
    yield peak_key(what), peak / _MB


def _peak_bytes(pid: int) -> int:
    """VmHWM: the kernel remembers the peak, so the last sample before the end is nearly the truth."""
    try:
        status = Path(f"/proc/{pid}/status").read_text("ascii")
    except (FileNotFoundError, ProcessLookupError):
        return 0
    for line in status.splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0  # a process that has ended and was not waited for


def take_builds_of_one_package(place: Path) -> Iterator[tuple[str, float]]:
    """One round: a whole build with its tests, for one Python and for all; roots are there already."""
    for what, python in ((ONE, "cp313"), (ALL, "all")):
        output = str(place / f"wheelhouse-{python}")
        yield from take_command(
            what, "build", "markupsafe", "--python", python, "--force", "--output", output
        )


def take_help() -> Iterator[tuple[str, float]]:
    """One round: milliseconds until the help is there, the median of some."""
    taken = []
    for _ in range(HELPS):
        began = time.perf_counter()
        subprocess.run([str(PROGRAM), "--help"], stdout=subprocess.DEVNULL, check=True)
        taken.append(1000 * (time.perf_counter() - began))
    yield HELP, statistics.median(taken)
