"""Which target an audit is against when nobody says."""

from manyloong.audit.facts import Facts, WheelFacts
from manyloong.audit.rules_tag import lowest_claim
from manyloong.targets import Target, judged_targets

_MUSL_SIGNS = ("libc.musl-", "ld-musl-")


def choose_target(facts: Facts) -> Target:
    """The oldest floor that the wheel's tags claim; else the oldest floor of the libc its files need.

    A directory or ELF file has no tags: there the newest floor is taken, which asks the least, because what
    lies on a system was built for that system.
    """
    rows = judged_targets()
    for target in rows:
        if isinstance(facts, WheelFacts) and lowest_claim(facts, target) == target.floor:
            return target
    family = "musllinux" if _is_musl(facts) else "manylinux"
    own = sorted((one for one in rows if one.family == family), key=lambda one: one.floor)
    return own[0] if isinstance(facts, WheelFacts) else own[-1]


def _is_musl(facts: Facts) -> bool:
    if isinstance(facts, WheelFacts) and any("musllinux" in one for one in facts.platforms):
        return True
    return any(
        name == "libc.so" or name.startswith(_MUSL_SIGNS) for elf in facts.elves for name in elf.needed
    )
