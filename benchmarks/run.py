"""Speed and memory, measured side by side in one run: ``make bench``, or ``python -m benchmarks.run``.

In each round everything is measured once, so that whatever else the machine does falls on all alike. What is
measured, how, and the newest figures: docs/reference/benchmarks.md.
"""

import argparse
import json
import os
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from benchmarks import containers
from benchmarks.builds import LARGE, LIBCS, PACKAGES, compare, find_source, take_builds
from benchmarks.commands import take_builds_of_one_package, take_help
from benchmarks.emulation import CXX_PACKAGES, take_emulation
from benchmarks.fresh_roots import take_roots
from benchmarks.goals import IMAGE, LANE, PART, table_rows
from benchmarks.lanes import Opener, open_lanes, open_libcs
from benchmarks.machine import machine_document, remark
from benchmarks.part import RELEASE, take_part
from benchmarks.report import document, format_markdown, format_table, replaced, value_text
from benchmarks.rust import take_rust
from benchmarks.sandbox_start import take_starts
from benchmarks.tables import take_tables

from manyloong.cli.doors import Outside, open_outside
from manyloong.events import Event, Warned
from manyloong.targets import Python, Target, all_pythons
from manyloong.targets import target as find_target
from manyloong.wheels.kit import Kit, ensure_kit, with_floors

PAGE = Path(__file__).parents[1] / "docs/reference/benchmarks.md"
PARTS = (
    "builds",
    "large",
    "scipy",
    "libcs",
    "emulation",
    "containers",
    "tables",
    "rust",
    "roots",
    "commands",
    "start",
)
NAMED = ("containers", "scipy")  # only when asked for: root and podman, and many minutes
TARGET, MUSL_TARGET = "manylinux_2_36", "musllinux_1_2"

Taken = Iterator[tuple[str, float]]
Part = Callable[[int, Path], Taken]  # round, empty folder


def parse_arguments(words: list[str]) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="repetitions (default 3)")
    parser.add_argument(
        "--emulated-rounds",
        type=int,
        metavar="N",
        help="repetitions of the builds under emulation, which take most of the time (default: as --rounds)",
    )
    parser.add_argument("--only", choices=PARTS, action="append", help="one part; may be repeated")
    parser.add_argument("--package", action="append", help=f"instead of {', '.join(PACKAGES)}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every sample there too")
    parser.add_argument("--docs", action="store_true", help=f"put the table into {PAGE.name} of the docs")
    return parser.parse_args(words)


def main(words: list[str]) -> None:
    """Measure and print."""
    arguments = parse_arguments(words)
    machine = machine_document()
    outside = open_outside(_listen, offline=False, locked=False)
    samples: dict[str, dict[int, float]] = defaultdict(dict)
    with outside.doors.store.scratch("bench") as place, ExitStack() as stack:
        parts, labels = _open_parts(arguments, outside, place, stack)
        for number in range(arguments.rounds):
            for part in parts:
                folder = place / f"round-{number}-{part.__name__}"
                folder.mkdir()
                for what, value in part(number, folder):
                    samples[what][number] = value
                    _say(f"round {number + 1}: {what}: {value_text(value, '').strip()}")
    machine["load_after"] = round(os.getloadavg()[0], 1)
    more = (
        key.removesuffix(f", {end}") for key in samples for end in (LANE, IMAGE) if key.endswith(f", {end}")
    )
    rows = table_rows(samples, dict.fromkeys((*labels, *more)))
    print(f"{remark(machine)}\n\n{format_table(rows)}", end="")
    if arguments.json:
        arguments.json.write_text(json.dumps(document(rows, machine), indent=2) + "\n", "utf-8")
    if arguments.docs:
        page = PAGE.read_text("utf-8")
        PAGE.write_text(replaced(page, format_markdown(rows, remark(machine))), "utf-8")


def _open_parts(
    arguments: argparse.Namespace, outside: Outside, place: Path, stack: ExitStack
) -> tuple[tuple[Part, ...], tuple[str, ...]]:
    """What each round does, with all it needs made first, and the names of the packages."""
    doors, target = outside.doors, find_target(TARGET)
    kit = ensure_kit(target, outside.host, doors=doors)
    wanted = arguments.only or [part for part in PARTS if part not in NAMED]
    most = arguments.rounds if arguments.emulated_rounds is None else arguments.emulated_rounds
    packages = (arguments.package or PACKAGES) if "builds" in wanted else ()
    large = LARGE if "large" in wanted and not arguments.package else ()
    opener = partial(open_lanes, kit=kit, python=_oldest_python(), doors=doors)
    measure = partial(compare, outside=outside)
    small = measure(packages, open_all=opener, place=place / "small")
    fast = partial(opener, emulated=False)
    big = measure(large, open_all=fast, place=place / "big")
    scipy = measure((RELEASE,), open_all=fast, place=place / "scipy") if "scipy" in wanted else ()
    two = (arguments.package or LIBCS) if "libcs" in wanted else ()
    both = measure(two, open_all=_libcs(kit, outside), place=place / "libcs") if two else ()

    def builds(number: int, folder: Path) -> Taken:
        return take_builds(small, number=number, emulated_rounds=most, place=folder, doors=doors)

    def large_builds(number: int, folder: Path) -> Taken:
        return take_builds(big, number=number, emulated_rounds=0, place=folder, doors=doors)

    def part_of_scipy(number: int, folder: Path) -> Taken:
        for one in scipy:
            yield from take_part(one, number=number, python=_oldest_python(), place=folder, doors=doors)

    def libcs(number: int, folder: Path) -> Taken:
        return take_builds(both, number=number, emulated_rounds=0, place=folder, doors=doors)

    def roots(number: int, folder: Path) -> Taken:
        del number
        return take_roots(target, outside=outside, place=folder)

    cxx = (arguments.package or CXX_PACKAGES) if "emulation" in wanted else ()

    def emulation(number: int, folder: Path) -> Taken:
        if number < most:
            yield from take_emulation(cxx, kit=kit, python=_oldest_python(), place=folder, outside=outside)

    parts = {
        "builds": builds,
        "large": large_builds,
        "scipy": part_of_scipy,
        "libcs": libcs,
        "emulation": emulation,
        "containers": _containers(target, outside, stack, arguments.package)
        if "containers" in wanted
        else _nothing,
        "tables": take_tables,
        "rust": take_rust,
        "roots": roots,
        "commands": _commands,
        "start": _starts(kit, outside),
    }
    chosen = tuple(parts[name] for name in PARTS if name in wanted)
    labels = tuple(package.source.label for package in (*small, *big, *both))
    return chosen, (*labels, PART) if scipy else labels


def _libcs(glibc: Kit, outside: Outside) -> Opener:
    """The cross lane of each libc; musl's root and Python are made first."""
    doors, python, target = outside.doors, _oldest_python(), find_target(MUSL_TARGET)
    kit = ensure_kit(target, outside.host, doors=doors)
    musl = with_floors(kit, (target.python(python),), (), doors=doors)
    return partial(open_libcs, glibc=glibc, musl=musl, python=python, doors=doors)


def _containers(target: Target, outside: Outside, stack: ExitStack, asked: Sequence[str] | None) -> Part:
    sources = [find_source(package, outside) for package in asked or containers.CXX_PACKAGES]
    take = stack.enter_context(containers.open_containers(target, outside))

    def in_containers(number: int, folder: Path) -> Taken:
        del number
        for source in sources:
            yield from take(source, folder)

    return in_containers


def _nothing(number: int, folder: Path) -> Taken:
    del number, folder
    yield from ()


def _commands(number: int, folder: Path) -> Taken:
    del number
    return take_builds_of_one_package(folder)


def _starts(kit: Kit, outside: Outside) -> Part:
    def start(number: int, folder: Path) -> Taken:
        del number
        yield from take_help()
        yield from take_starts(kit, runner=outside.doors.runner, place=folder)

    return start


def _oldest_python() -> Python:
    return next(python for python in all_pythons() if not python.from_source)


def _listen(event: Event) -> None:
    if isinstance(event, Warned):
        _say(f"warning: {event.text}")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
