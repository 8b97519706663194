"""Which rows the table has and what each shall reach; the goals of the project's first milestone. Pure."""

from collections.abc import Iterable

from benchmarks.figures import Figure, Goal, Row, Samples, figure, ratio

CROSS, NATIVE, EMULATED = "cross", "native gcc", "emulated gcc"
MUSL = "cross for musl"
LANE, FULL = "emulated lane", "full emulation"
HELP, START, EMULATED_START = "manyloong --help", "native program", "emulated program"
ROOTS, TOOLCHAIN = "native and target root", "toolchain"
ONE, ALL = "markupsafe, cp313", "markupsafe, all Pythons"
PEAK = "peak memory"
PLAIN, FIRST, TABLE = "small project", "small project, new table", "small project, known table"
PART = "a part of scipy 1.18.1"
RUST_COLD, RUST_WARM, RUST_EDITED = "PyO3 project, cold", "PyO3 project, unchanged", "PyO3 project, edited"
IMAGE, FULL_IMAGE = "our image", "emulated compiler"

_TO_NATIVE = Goal(limit=1.2, aim=1.0)
_PART_TO_NATIVE = Goal(limit=1.3)
_TO_EMULATED = Goal(limit=15, aim=20, at_least=True)
_TO_GLIBC = Goal(limit=1.2)
_TO_FULL = Goal(limit=4, at_least=True)
_PEAK = Goal(limit=300)
_START = Goal(limit=50)
_TABLE = Goal(limit=1.05)
_IN_IMAGE = Goal(limit=4, at_least=True)

_Wanted = tuple[tuple[str, str, Goal | None], ...]  # what, unit, goal


def build_key(label: str, lane: str) -> str:
    """The name of one package's build in one lane."""
    return f"{label}, {lane}"


def table_rows(samples: Samples, labels: Iterable[str]) -> tuple[Row, ...]:
    """Every row for which there are samples; ``labels`` name the packages, in their order."""
    rows = [row for label in labels for row in _build_rows(samples, label)]
    made = ((ROOTS, "s", Goal(limit=60, aim=30)), (TOOLCHAIN, "s", None))
    rows += _rows("roots from warm downloads", samples, made)
    rows += _rows("manyloong build", samples, ((ONE, "s", Goal(limit=8)), (ALL, "s", None)))
    rows += _rows("cibuildwheel table", samples, tuple((what, "s", None) for what in (PLAIN, FIRST, TABLE)))
    for what in (FIRST, TABLE):
        rows += _row("cibuildwheel table", f"{what} / none", ratio(samples, what, PLAIN), _TABLE)
    rust = (RUST_COLD, RUST_WARM, RUST_EDITED)
    rows += _rows("Rust", samples, tuple((what, "s", None) for what in rust))
    for what in (RUST_WARM, RUST_EDITED):
        rows += _row("Rust", f"{what} / cold", ratio(samples, what, RUST_COLD), None)
    peaks = tuple((peak_key(what), "MB", _PEAK) for what in (ROOTS, ONE, ALL))
    rows += _rows("own process", samples, peaks)
    starts = ((HELP, "ms", Goal(limit=150)), *((what, "ms", _START) for what in (START, EMULATED_START)))
    rows += _rows("start", samples, starts)
    return tuple(rows)


def peak_key(what: str) -> str:
    """The name of the memory that our own process had at most while it did that."""
    return f"{PEAK}, {what}"


def _build_rows(samples: Samples, label: str) -> list[Row]:
    cross, native, emulated = (build_key(label, lane) for lane in (CROSS, NATIVE, EMULATED))
    rows = _rows("raw build", samples, tuple((key, "s", None) for key in (cross, native, emulated)))
    goal = _PART_TO_NATIVE if label == PART else _TO_NATIVE
    rows += _row("raw build", f"{label}, cross / native", ratio(samples, cross, native), goal)
    rows += _row("raw build", f"{label}, emulated / cross", ratio(samples, emulated, cross), _TO_EMULATED)
    musl = build_key(label, MUSL)
    rows += _rows("musl", samples, ((musl, "s", None),))
    rows += _row("musl", f"{label}, musllinux / manylinux", ratio(samples, musl, cross), _TO_GLIBC)
    lane, full = (build_key(label, name) for name in (LANE, FULL))
    rows += _rows("emulated lane", samples, tuple((key, "s", None) for key in (lane, full)))
    rows += _row("emulated lane", f"{label}, full / lane", ratio(samples, full, lane), _TO_FULL)
    ours, emulated = (build_key(label, name) for name in (IMAGE, FULL_IMAGE))
    rows += _rows("stock cibuildwheel", samples, tuple((key, "s", None) for key in (ours, emulated)))
    rows += _row("stock cibuildwheel", f"{label}, emulated / ours", ratio(samples, emulated, ours), _IN_IMAGE)
    return rows


def _rows(part: str, samples: Samples, wanted: _Wanted) -> list[Row]:
    return [row for what, unit, goal in wanted for row in _row(part, what, figure(samples, what, unit), goal)]


def _row(part: str, what: str, found: Figure | None, goal: Goal | None) -> list[Row]:
    return [] if found is None else [Row(part=part, what=what, figure=found, goal=goal)]
