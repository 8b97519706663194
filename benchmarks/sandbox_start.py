"""How long the sandbox takes to start: medians of many starts of a program that does nothing, as JSON.

    python benchmarks/sandbox_start.py [QEMU]

With the path of a static qemu-loongarch64, also with that registered in the sandbox's namespace.
"""

import json
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from manyloong.sandbox import BubblewrapRunner, Command, Emulator, probe_host
from manyloong.targets import all_targets

STARTS = 100


def start_ms(runner: BubblewrapRunner, command: Command) -> dict[str, float]:
    """Median and slowest tenth, in milliseconds of the clock."""
    taken = []
    for _ in range(STARTS):
        began = time.perf_counter()
        assert runner.run(command).succeeded
        taken.append(1000 * (time.perf_counter() - began))
    return {"median": round(statistics.median(taken), 1), "p90": round(sorted(taken)[STARTS * 9 // 10], 1)}


def main() -> None:
    """Print the figures."""
    began = time.perf_counter()
    facts = probe_host(cache_dir=Path("/var/tmp"))  # noqa: S108 - only its free space is asked
    document: dict[str, object] = {"probe_ms": round(1000 * (time.perf_counter() - began), 1)}
    runner = BubblewrapRunner(facts)
    with tempfile.TemporaryDirectory() as folder:
        command = Command(argv=("/bin/true",), root=Path("/"), log=Path(folder) / "log")
        document["native_ms"] = start_ms(runner, command)
        if len(sys.argv) > 1:
            emulator = Emulator(
                binary=Path(sys.argv[1]), qemu=all_targets()[0].architecture.qemu, cpu="la464"
            )
            document["registered_ms"] = start_ms(runner, replace(command, emulator=emulator))
    print(json.dumps(document, indent=2))


if __name__ == "__main__":
    main()
