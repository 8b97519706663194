"""What diffoscope, where it is installed, says of files that should be the same."""

import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

_MOST_PAIRS = 3
_MOST_BYTES = 20_000  # of each report
_TIMEOUT_S = 600


def diffoscope_lines(pairs: Iterable[tuple[Path, Path]]) -> tuple[str, ...]:
    """Its report on the first pairs of files, line by line; none where it is not installed."""
    program = shutil.which("diffoscope")
    if program is None:
        return ()
    return tuple(line for old, new in list(pairs)[:_MOST_PAIRS] for line in _report(program, old, new))


def _report(program: str, old: Path, new: Path) -> list[str]:
    words = [program, "--no-progress", "--text", "-", "--max-text-report-size", str(_MOST_BYTES)]
    try:
        done = subprocess.run(
            [*words, str(old), str(new)], capture_output=True, text=True, check=False, timeout=_TIMEOUT_S
        )
    except subprocess.TimeoutExpired:
        return [f"diffoscope took more than {_TIMEOUT_S} s"]
    if done.returncode not in {0, 1}:  # 1: the files differ
        return [f"diffoscope ended with {done.returncode}: {done.stderr.strip()[-300:]}"]
    return done.stdout.splitlines()
