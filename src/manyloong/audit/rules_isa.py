"""Rules on instructions: ML070 to ML074."""

from collections.abc import Iterator
from fnmatch import fnmatchcase

from manyloong.audit.case import Case
from manyloong.audit.facts import ElfFacts
from manyloong.audit.verdict import Evidence, Finding, finding

DISPATCHABLE = frozenset({"ML070", "ML071"})


def instructions(elf: ElfFacts, case: Case) -> Iterator[Finding]:
    """One finding for each class of instructions that is outside the baseline and not dispatched."""
    for one in case.abi.isa:
        if not one.rule:
            continue
        uses = [
            use
            for use in elf.isa
            if use.isa == one.name
            and not (one.rule in DISPATCHABLE and is_dispatched(use.function, case.dispatched))
        ]
        if uses:
            count = sum(use.count for use in uses)
            names = ", ".join(use.function or f"{use.first:#x}" for use in uses[:3])
            more = f" and {len(uses) - 3} more" if len(uses) > 3 else ""
            places = [
                Evidence(
                    file=elf.path, symbol=use.function, offset=use.first, value=f"{use.count} {one.name}"
                )
                for use in uses
            ]
            yield finding(one.rule, f"{elf.path}: {count} {one.name} instructions in {names}{more}", *places)


def is_dispatched(function: str, names: frozenset[str]) -> bool:
    """Whether a recipe names the function, exactly or by a pattern such as ``*_lasx``."""
    return bool(function) and (function in names or any(fnmatchcase(function, one) for one in names))


RULES = (instructions,)
