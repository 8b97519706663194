"""Facts to verdict: pure, and the only judge of the house."""

from collections.abc import Iterator

from manyloong.audit import rules_file, rules_isa, rules_loader, rules_need
from manyloong.audit.case import Case, brought_names, exported_symbols, is_loadable, is_ours
from manyloong.audit.dispatch import Dispatch
from manyloong.audit.facts import ElfFacts, Facts, WheelFacts
from manyloong.audit.rules_tag import extension_name, is_elsewhere, lowest_claim, tag_rules
from manyloong.audit.verdict import Evidence, Finding, Verdict, finding, sorted_findings
from manyloong.targets import Target, abi, judged_targets, policy

_NOTHING = Dispatch()
# Object files inside static libraries are not loaded: these rules alone make sense for them.
_OBJECT_RULES = (rules_file.unreadable, rules_file.e_flags, rules_file.old_compiler, *rules_isa.RULES)
_ELF_RULES = (
    *rules_file.RULES,
    extension_name,
    *rules_need.RULES,
    *rules_loader.RULES,
    *rules_isa.RULES,
)


def judge(facts: Facts, target: Target, *, dispatch: Dispatch = _NOTHING) -> Verdict:
    """The verdict on facts against a target.

    ``dispatch``: functions whose LASX and v1.1 code is chosen at run time, and CPU models the wheel ran on.
    """
    case = Case(
        facts=facts,
        target=target,
        policy=policy(_claimed(facts, target)),
        abi=abi(target.architecture.name),
        dispatch=dispatch,
        brought=brought_names(facts.elves),
        exported=exported_symbols(facts.elves),
    )
    return Verdict(path=facts.path, target=target.tag, findings=sorted_findings(list(_findings(case))))


def _claimed(facts: Facts, target: Target) -> Target:
    """The floor the wheel claims, when it is older than the one asked for: a promise is to be kept."""
    claim = lowest_claim(facts, target) if isinstance(facts, WheelFacts) else None
    for row in judged_targets():
        if (row.family, row.architecture, row.floor) == (target.family, target.architecture, claim):
            return min(row, target, key=lambda one: one.floor)
    return target


def _findings(case: Case) -> Iterator[Finding]:
    for one in case.facts.problems:
        place = Evidence(file=one.path, value=one.detail)
        yield finding(one.rule, f"{one.path}: {one.detail}" if one.path else one.detail, place)
    wheel = case.wheel
    if wheel is not None and is_elsewhere(wheel, case.target):
        text = " ".join(wheel.platforms)
        yield finding("ML025", f"not {case.target.architecture.name}: {text}", Evidence(value=text))
        return
    yield from tag_rules(case)
    for elf in case.facts.elves:
        yield from _elf_findings(elf, case)


def _elf_findings(elf: ElfFacts, case: Case) -> Iterator[Finding]:
    if elf.elf_class and not is_ours(elf, case):
        yield rules_file.wrong_machine(elf, case)
        return
    if not elf.elf_class:
        yield from rules_file.unreadable(elf, case)
        return
    for rule in _ELF_RULES if is_loadable(elf) else _OBJECT_RULES:
        yield from rule(elf, case)
