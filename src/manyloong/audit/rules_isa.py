"""Rules on instructions: ML070 to ML074."""

from collections.abc import Iterator
from fnmatch import fnmatchcase

from manyloong.audit.case import Case
from manyloong.audit.facts import ElfFacts
from manyloong.audit.isa import DATA, DISPATCHABLE
from manyloong.audit.verdict import Evidence, Finding, finding


def instructions(elf: ElfFacts, case: Case) -> Iterator[Finding]:
    """One finding for each class of instructions that is outside the baseline and not dispatched."""
    for one in case.abi.isa:
        if not one.rule:
            continue
        uses = [
            use
            for use in elf.isa
            if use.isa == one.name
            and not (one.rule in DISPATCHABLE and is_dispatched(elf.path, use.function, case.dispatched))
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


def words_in_data(elf: ElfFacts, case: Case) -> Iterator[Finding]:
    """ML075."""
    del case
    uses = [use for use in elf.isa if use.isa.endswith(DATA)]
    if uses:
        count = sum(use.count for use in uses)
        names = ", ".join(sorted({use.isa.removesuffix(DATA) for use in uses}))
        places = [
            Evidence(file=elf.path, symbol=use.function, offset=use.first, value=f"{use.count} {use.isa}")
            for use in uses
        ]
        yield finding("ML075", f"{elf.path}: {count} words look like {names}, on no direct path", *places)


def is_dispatched(file: str, function: str, names: frozenset[str]) -> bool:
    """Whether a recipe names the function: ``NAME`` or ``FILE:NAME``, either with ``*``.

    Code that no function symbol covers (a stripped library's) can be named by its file only: ``libblas*:*``.
    """
    for one in names:
        where, colon, what = one.rpartition(":")
        if colon and not fnmatchcase(file.rsplit("/", 1)[-1], where):
            continue
        if (function or colon) and fnmatchcase(function, what):
            return True
    return False


RULES = (instructions, words_in_data)
