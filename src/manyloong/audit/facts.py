"""What was read from a wheel, a directory or an ELF file: plain values, no opinion."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionNeed:
    """One entry of the version-needs section: ``version`` of ``library`` must exist."""

    library: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Symbol:
    """One undefined dynamic symbol; version and library are empty where the file names none."""

    name: str
    version: str = ""
    library: str = ""
    weak: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One program header; offsets and sizes in bytes."""

    kind: int
    flags: int  # PF_X 1, PF_W 2, PF_R 4
    offset: int
    vaddr: int
    file_size: int
    memory_size: int
    align: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IsaUse:
    """Instructions of one class in one function; "" where no function symbol covers them."""

    isa: str
    function: str
    place: str  # the first of them as SECTION+OFFSET: all that tells code without symbols apart
    count: int
    first: int  # virtual address of the first of them


@dataclass(frozen=True, slots=True, kw_only=True)
class ElfFacts:
    """One ELF file. With ``problem`` set, the fields after it are what could be read before the fault."""

    path: str  # inside the wheel or directory
    size_bytes: int
    problem: str = ""
    elf_class: int = 0  # 32 or 64
    little_endian: bool = True
    machine: int = 0
    e_flags: int = 0
    file_type: int = 0  # ET_REL 1, ET_EXEC 2, ET_DYN 3
    program: bool = False  # a shared object that is started, not loaded: DF_1_PIE
    segments: tuple[Segment, ...] = ()
    interpreter: str = ""
    soname: str = ""
    needed: tuple[str, ...] = ()
    rpath: tuple[str, ...] = ()
    runpath: tuple[str, ...] = ()
    text_relocations: bool = False
    relr: bool = False
    versions_needed: tuple[VersionNeed, ...] = ()
    versions_defined: tuple[str, ...] = ()
    undefined: tuple[Symbol, ...] = ()
    exported: frozenset[str] = frozenset()
    relocations: tuple[tuple[int, int], ...] = ()  # (type, count), sorted
    abi_tag: tuple[int, ...] = ()  # (os, major, minor, patch) of NT_GNU_ABI_TAG
    build_id: str = ""
    producers: tuple[str, ...] = ()  # compilers, from .comment and DW_AT_producer
    code_bytes: int = 0  # bytes of executable sections
    isa_totals: tuple[tuple[str, int], ...] = ()  # (class, instructions), sorted
    isa: tuple[IsaUse, ...] = ()
    libc_names: tuple[str, ...] = ()  # defined here, and nowhere but in C libraries
    libc_code: tuple[int, ...] = ()  # addresses of a kernel call and of a use of what only a C library knows


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something wrong with the archive or its metadata: which rule, which member, what exactly."""

    rule: str
    path: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that was read below one path; ``elves`` in the order they lie there."""

    path: str
    elves: tuple[ElfFacts, ...] = ()
    problems: tuple[Problem, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The same as a JSON document."""
        return asdict(self) | {"elves": [_elf_json(elf) for elf in self.elves]}


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelFacts(Facts):
    """A wheel. Empty ``tags``: the file name does not parse."""

    distribution: str = ""
    version: str = ""
    tags: tuple[tuple[str, str, str], ...] = ()  # (python, abi, platform), file name expanded
    wheel_tags: tuple[str, ...] = ()  # the Tag lines of WHEEL
    metadata: tuple[tuple[str, str], ...] = ()  # headers of METADATA, keys in lower case
    files: tuple[tuple[str, int], ...] = ()  # (name, size in bytes) of each member, as the directory says
    members: int = 0
    size_bytes: int = 0
    unpacked_bytes: int = 0

    @property
    def platforms(self) -> tuple[str, ...]:
        """The platform tags of the file name, each once."""
        return tuple(dict.fromkeys(platform for _, _, platform in self.tags))


def _elf_json(elf: ElfFacts) -> dict[str, Any]:
    return asdict(elf) | {"exported": sorted(elf.exported)}
