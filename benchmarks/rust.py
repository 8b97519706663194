"""A project with Rust: nothing of it compiled yet, the same again, and its own code changed."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.commands import take_command
from benchmarks.goals import RUST_COLD, RUST_EDITED, RUST_WARM, peak_key
from evidence.crates import packaged_crates

_PROJECTS = Path(__file__).parents[1] / "tests/system/rust"
_PROJECT = _PROJECTS / "abi3"  # one function on PyO3, whose 15 crates are most of the work


def take_rust(number: int, place: Path) -> Iterator[tuple[str, float]]:
    """One round: `manyloong build` without tests; the crates are had before, and nothing is compiled of them.

    A variable of the round's own makes its first build one that no earlier has compiled anything for.
    """
    crates = packaged_crates(_PROJECTS / "crates.toml")
    source = place / "project"
    shutil.copytree(_PROJECT, source)
    own = ("-e", f"BENCH_ROUND={number}-{time.time_ns()}")
    options = ("--python", "cp313", "--force", "--no-test", "--relock", "--crates", str(crates), *own)
    for what in (RUST_COLD, RUST_WARM, RUST_EDITED):
        if what == RUST_EDITED:
            _edit(source / "src/lib.rs")
        output = ("--output", str(place / f"wheelhouse-{what}"))
        for name, value in take_command(what, "build", str(source), *options, *output):
            if name != peak_key(what):
                yield name, value


def _edit(file: Path) -> None:
    file.write_text(file.read_text("utf-8").replace('"no threads"', '"no thread"'), "utf-8")
