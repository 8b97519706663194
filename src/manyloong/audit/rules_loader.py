"""Rules on how the file is mapped and relocated: ML050 to ML066."""

from collections.abc import Iterator
from posixpath import dirname, normpath

from manyloong.audit.case import Case
from manyloong.audit.facts import ElfFacts
from manyloong.audit.image import PF_W, PF_X, PT_GNU_STACK, PT_LOAD
from manyloong.audit.verdict import Evidence, Finding, finding

ET_EXEC = 2


def relocations(elf: ElfFacts, case: Case) -> Iterator[Finding]:
    """ML050 and ML051."""
    table = case.abi.relocations
    for kind, count in elf.relocations:
        name = table.known.get(kind)
        place = Evidence(file=elf.path, symbol=name or f"type {kind}", value=str(count))
        if kind == table.tls_descriptor and not case.policy.tls_descriptors:
            told = f"{count} TLS descriptor relocations, which {case.policy.target.tag} does not resolve"
            yield finding("ML050", f"{elf.path}: {told}", place)
        elif name is None:
            first, last = table.stack_machine
            told = "an object ABI v0 relocation" if first <= kind <= last else "not a dynamic relocation"
            yield finding("ML051", f"{elf.path}: {count} relocations of type {kind}, {told}", place)


def alignment(elf: ElfFacts, case: Case) -> Iterator[Finding]:
    """ML060 and ML061; the worst segment speaks."""
    row = case.target.architecture
    loads = [one for one in elf.segments if one.kind == PT_LOAD and one.memory_size]
    if not loads:
        return
    worst = min(loads, key=lambda one: one.align)
    crooked = [
        one for one in loads if one.align and (one.vaddr - one.offset) % min(one.align, row.page_align_min)
    ]
    place = Evidence(file=elf.path, offset=worst.vaddr, value=f"{worst.align:#x}")
    if worst.align < row.page_align_min:
        yield finding("ML060", f"{elf.path}: p_align {worst.align:#x}, below {row.page_align_min:#x}", place)
    elif crooked:
        place = Evidence(file=elf.path, offset=crooked[0].vaddr, value=f"{crooked[0].offset:#x}")
        yield finding("ML060", f"{elf.path}: a segment's address and offset differ within a page", place)
    elif worst.align < row.page_align_build:
        yield finding(
            "ML061", f"{elf.path}: p_align {worst.align:#x}, below {row.page_align_build:#x}", place
        )


def permissions(elf: ElfFacts, case: Case) -> Iterator[Finding]:
    """ML062 and ML065."""
    del case
    for one in elf.segments:
        if one.kind == PT_GNU_STACK and one.flags & PF_X:
            yield finding(
                "ML062", f"{elf.path}: executable stack", Evidence(file=elf.path, value=f"{one.flags:#x}")
            )
        elif one.kind == PT_LOAD and one.flags & PF_X and one.flags & PF_W:
            place = Evidence(file=elf.path, offset=one.vaddr, value=f"{one.flags:#x}")
            yield finding("ML065", f"{elf.path}: segment at {one.vaddr:#x} is writable and executable", place)


def text_relocations(elf: ElfFacts, case: Case) -> Iterator[Finding]:
    """ML063."""
    del case
    if elf.text_relocations:
        yield finding("ML063", f"{elf.path}: text relocations", Evidence(file=elf.path, value="DT_TEXTREL"))


def search_path(elf: ElfFacts, case: Case) -> Iterator[Finding]:
    """ML064."""
    for kind, entries in (("RPATH", elf.rpath), ("RUNPATH", elf.runpath)):
        for entry in entries:
            reason = _path_problem(entry, elf.path, inside=case.wheel is not None)
            if reason:
                place = Evidence(file=elf.path, symbol=kind, value=entry)
                yield finding("ML064", f"{elf.path}: {kind} {entry!r} {reason}", place)


def _path_problem(entry: str, path: str, *, inside: bool) -> str:
    """Why an entry of a search path is refused; ``inside``: the file lies in a wheel and must stay there."""
    for token in ("$ORIGIN", "${ORIGIN}"):
        if entry == token or entry.startswith(f"{token}/"):
            place = normpath(f"{dirname(path) or '.'}{entry.removeprefix(token)}")
            return "climbs out of the wheel" if inside and place.split("/")[0] == ".." else ""
    if entry.startswith("/"):
        return "is absolute"
    return "depends on the working directory"


def fixed_address(elf: ElfFacts, case: Case) -> Iterator[Finding]:
    """ML066."""
    del case
    if elf.file_type == ET_EXEC:
        first = min((one.vaddr for one in elf.segments if one.kind == PT_LOAD), default=0)
        place = Evidence(file=elf.path, offset=first, value=f"{first:#x}")
        yield finding("ML066", f"{elf.path}: linked for the address {first:#x}", place)


RULES = (relocations, alignment, permissions, text_relocations, search_path, fixed_address)
