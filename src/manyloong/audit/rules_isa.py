"""Rules on instructions: ML070 to ML074."""

from collections.abc import Iterator

from manyloong.audit.case import Case
from manyloong.audit.facts import ElfFacts, IsaUse
from manyloong.audit.isa import DATA
from manyloong.audit.verdict import Evidence, Finding, finding
from manyloong.audit.words import DISPATCHABLE


def instructions(elf: ElfFacts, case: Case) -> Iterator[Finding]:
    """A finding for each class of instructions outside the baseline, and each reason why it may not stay."""
    for one in case.abi.isa:
        uses = [use for use in elf.isa if use.isa == one.name]
        if not one.rule or not uses:
            continue
        for told, some in _refused(elf, case, uses) if one.rule in DISPATCHABLE else (("", uses),):
            count = sum(use.count for use in some)
            names = ", ".join(use.function or use.place for use in some[:3])
            more = f" and {len(some) - 3} more" if len(some) > 3 else ""
            message = f"{elf.path}: {count} {one.name} instructions in {names}{more}{told}"
            yield finding(one.rule, message, *_places(elf, some))


def _refused(elf: ElfFacts, case: Case, uses: list[IsaUse]) -> Iterator[tuple[str, list[IsaUse]]]:
    """Why code that may be dispatched is refused, and which: each use under one reason."""
    nameless = [use for use in uses if not use.function]
    named = [use for use in uses if case.dispatch.is_named(elf.path, use.function)]
    other = [use for use in uses if use.function and use not in named]
    cpu = case.target.architecture.qemu.cpu_baseline
    if other:
        yield ": no recipe names them as dispatched", other
    if nameless:
        yield ": no function symbol covers them, so no recipe can name them", nameless
    if named and not case.dispatch.is_proven(case.target):
        yield f": named as dispatched, but no test report shows a run on {cpu}", named


def _places(elf: ElfFacts, uses: list[IsaUse]) -> list[Evidence]:
    return [
        Evidence(
            file=elf.path, symbol=use.function or use.place, offset=use.first, value=f"{use.count} {use.isa}"
        )
        for use in uses
    ]


def words_in_data(elf: ElfFacts, case: Case) -> Iterator[Finding]:
    """ML075."""
    del case
    uses = [use for use in elf.isa if use.isa.endswith(DATA)]
    if uses:
        count = sum(use.count for use in uses)
        names = ", ".join(sorted({use.isa.removesuffix(DATA) for use in uses}))
        yield finding(
            "ML075", f"{elf.path}: {count} words look like {names}, on no direct path", *_places(elf, uses)
        )


RULES = (instructions, words_in_data)
