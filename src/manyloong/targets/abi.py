"""The ABI specification as typed values: rows of ``spec/*.toml``, each with its source."""

from dataclasses import dataclass

from manyloong.targets.model import Target

Version = tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One value of the specification, what it means, and where it comes from."""

    name: str
    value: str | int | bool
    says: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IsaClass:
    """One class of instruction words: ``word & mask == match``, or inside a ``[first, end)`` range."""

    name: str
    says: str
    rule: str  # id of the rule that speaks when such code is found; "" for the baseline
    masks: tuple[tuple[int, int], ...]
    ranges: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """How to see jumps: ``word & mask == match``; offsets in words, 16 low bits at bit 10, more at bit 0."""

    unconditional: tuple[tuple[int, int], ...]
    branches: tuple[tuple[int, int, int], ...]  # (mask, match, bits of the offset)
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanGroup:
    """Bytes of a word by (mask, match): the highest, the one below it, and the third."""

    first: tuple[tuple[int, int], ...]
    second: tuple[tuple[int, int], ...]
    third: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EFlags:
    """How to read ``e_flags``; psABI "e_flags"."""

    base_abi_mask: int
    object_abi_mask: int
    base_abi: dict[int, str]
    object_abi: dict[int, str]
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OldWorld:
    """Signs of the old world (ABI 1.0), which shares the architecture's name."""

    interpreters: tuple[str, ...]
    loaders: tuple[str, ...]
    libraries: tuple[str, ...]
    glibc_first: Version
    glibc_last: Version
    kernel_below: Version
    gcc_below: int
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Relocations:
    """Dynamic relocation types that a loader knows, by number."""

    known: dict[int, str]
    tls_descriptor: int
    stack_machine: tuple[int, int]  # first and last number of the object ABI v0 types
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Abi:
    """What is common to all platform tags of one architecture."""

    architecture: str
    statements: tuple[Statement, ...]
    e_flags: EFlags
    loader_wrong: dict[str, str]  # paths that toolchains write by mistake, and why
    old_world: OldWorld
    relocations: Relocations
    isa: tuple[IsaClass, ...]  # in order: the last class that matches a word wins
    flow: Flow
    scan: tuple[ScanGroup, ...]  # at most eight; a hint for speed, see audit.words


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One family of symbol versions, e.g. GLIBCXX, and its cap under one policy."""

    name: str
    first: Version
    cap: Version
    named: tuple[str, ...]  # versions that are not numbers and allowed, e.g. ABI_DT_RELR
    only_from: dict[str, str]  # versions allowed from one library only
    source: str

    def allows(self, version: str, library: str) -> bool:
        """Whether ``FAMILY_version`` of this library is at or below the cap."""
        if version in self.only_from:
            return self.only_from[version] == library
        number = version_number(version)
        if number is None:
            return version in self.named
        return self.first <= number <= self.cap


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a wheel of one platform tag may need from the system."""

    target: Target
    families: tuple[Family, ...]
    allowed: tuple[str, ...]  # sonames
    versioned: tuple[str, ...]  # those of them that give every symbol a version
    absent: dict[str, str]  # sonames no system of this platform has, and why
    foreign: tuple[str, ...]  # sonames of other libcs
    private: dict[str, tuple[str, ...]]  # symbols that not every build of an allowed library exports
    tls_descriptors: bool
    min_floor: tuple[int, int]
    why_floor: str
    legacy_aliases: tuple[str, ...]
    source: str
    library_source: str

    def family(self, name: str) -> Family | None:
        """The family of that name, if the policy has a cap for it."""
        return next((family for family in self.families if family.name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule of the auditor: a stable id and what to say."""

    id: str
    title: str
    kind: str
    severity: str  # error, warning or note
    why: str
    fix: str
    source: str


def version_number(text: str) -> Version | None:
    """``2.36`` as ``(2, 36)``; None for what is not a dotted number."""
    parts = text.split(".")
    if not all(part.isascii() and part.isdigit() and len(part) < 6 for part in parts):
        return None
    return tuple(map(int, parts))


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnLibc:
    """How to see that a shared library holds a C library; words: ``word & mask == match``."""

    libraries: tuple[str, ...]  # how the names of C libraries start
    names: frozenset[str]  # that only C libraries define
    kernel: tuple[tuple[int, int], ...]  # instructions that call the kernel
    thread: tuple[tuple[int, int], ...]  # instructions that reach below the thread pointer
