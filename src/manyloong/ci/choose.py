"""Which Pythons a project's selectors come to here."""

from collections.abc import Sequence
from dataclasses import dataclass

from manyloong.ci.reader import Table
from manyloong.errors import InputError
from manyloong.targets import Python, Target, all_pythons, known_pythons
from manyloong.wheels.identifier import Identifier, admitted


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The Pythons to build for, and what there is to say of them."""

    pythons: tuple[Python, ...]
    notes: tuple[str, ...] = ()
    stable_only: str = ""  # the selector, where only a wheel for every Python serves it


def choose_pythons(
    asked: Sequence[Python] | None, table: Table, target: Target, *, requires_python: str | None, project: str
) -> Choice:
    """The user's own choice, else what the selectors name; InputError where they name nothing."""
    if asked is not None:
        given = [name for name in ("build", "skip") if name in dict(table.origins)]
        note = f"{' and '.join(given)}: not used, --python says for which Pythons"
        return Choice(pythons=tuple(asked), notes=(note,) if given else ())
    chosen = [row for row in known_pythons() if _identifier(row, target) in table.selected]
    usual = [row for row in chosen if not row.from_source]
    if usual:
        named = "build" in dict(table.origins)
        later = ",".join(row.tag for row in chosen if row.from_source and named)
        note = f"selected too; these are built only when they are named: --python {later}"
        return Choice(pythons=tuple(usual), notes=(note,) if later else ())
    if chosen:
        return Choice(pythons=tuple(chosen))
    if not table.selected:
        skipped = f", without {table.skip!r}," if table.skip else ""
        raise InputError(
            f"{project}: build {table.build!r}{skipped} names no Python for {target.tag}",
            hint="choose for yourself: --python " + ",".join(row.tag for row in all_pythons()),
        )
    lowest = admitted(None, requires_python, project=project)[0]
    names = ", ".join(name.partition("-")[0] for name in table.selected)
    note = (
        f"build {table.build!r} names {names}, which is not here; {lowest.tag}, the lowest that is, makes "
        "the wheel, which must be one for every Python (py3-none or abi3)"
    )
    return Choice(pythons=(lowest,), notes=(note,), stable_only=table.build)


def _identifier(python: Python, target: Target) -> str:
    return str(Identifier(python=python, target=target))
