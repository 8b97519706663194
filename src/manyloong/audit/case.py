"""What the rules look at together: the facts, the target's policy, and what the wheel brings along."""

from dataclasses import dataclass

from manyloong.audit.dispatch import Dispatch
from manyloong.audit.facts import ElfFacts, Facts, WheelFacts
from manyloong.targets import Abi, Policy, Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One audit. ``target`` is what was asked for, ``policy`` that of the floor the wheel claims."""

    facts: Facts
    target: Target
    policy: Policy
    abi: Abi
    dispatch: Dispatch
    brought: frozenset[str]  # file names and sonames of the ELF files
    exported: frozenset[str]  # symbols they define

    @property
    def wheel(self) -> WheelFacts | None:
        """The wheel, if the facts are of one."""
        return self.facts if isinstance(self.facts, WheelFacts) else None


def brought_names(elves: tuple[ElfFacts, ...]) -> frozenset[str]:
    """What a DT_NEEDED may name and find among these files."""
    names = {one.path.rsplit("/", 1)[-1] for one in elves}
    return frozenset(names | {one.soname for one in elves if one.soname})


def exported_symbols(elves: tuple[ElfFacts, ...]) -> frozenset[str]:
    """Every symbol that one of these files defines."""
    return frozenset().union(*(one.exported for one in elves))


def is_loadable(elf: ElfFacts) -> bool:
    """Whether a loader maps the file: programs and shared libraries, not object files."""
    return elf.file_type in {2, 3}


def is_ours(elf: ElfFacts, case: Case) -> bool:
    """Whether class, byte order and machine are the target's, so that the other rules make sense."""
    row = case.target.architecture
    return (elf.elf_class, elf.little_endian, elf.machine) == (
        row.elf_class,
        row.little_endian,
        row.elf_machine,
    )
