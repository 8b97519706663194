"""Rules on the file itself and on its world: ML001 to ML017, ML041."""

import re
from collections.abc import Iterator

from manyloong.audit.case import Case, is_loadable
from manyloong.audit.facts import ElfFacts
from manyloong.audit.names import SHARED
from manyloong.audit.verdict import Evidence, Finding, finding
from manyloong.targets.abi import version_number

_GCC = re.compile(r"^(?:GCC: \(|GNU )")
_GCC_VERSION = re.compile(r"(?:\) |GNU \S+ )(\d+)\.\d+")
_OS_LINUX = 0


def wrong_machine(elf: ElfFacts, case: Case) -> Finding:
    """ML001, for a file that is not the target's."""
    row = case.target.architecture
    order = "little" if elf.little_endian else "big"
    told = f"e_machine {elf.machine}, {elf.elf_class}-bit, {order}-endian"
    return finding(
        "ML001",
        f"{elf.path}: not {row.name}: {told}",
        Evidence(file=elf.path, offset=18, value=told),
    )


def unreadable(elf: ElfFacts, case: Case) -> Iterator[Finding]:
    """ML002; also for a file that is named like a shared library and is another kind of ELF file."""
    del case
    problem = elf.problem
    if not problem and SHARED.search(elf.path) and not is_loadable(elf):
        problem = f"ELF type {elf.file_type} cannot be loaded"
    if problem:
        yield finding("ML002", f"{elf.path}: {problem}", Evidence(file=elf.path, value=problem))


def e_flags(elf: ElfFacts, case: Case) -> Iterator[Finding]:
    """ML003."""
    row, table = case.target.architecture, case.abi.e_flags
    if elf.e_flags == row.e_flags:
        return
    base = table.base_abi.get(elf.e_flags & table.base_abi_mask, "reserved")
    version = table.object_abi.get(elf.e_flags & table.object_abi_mask, "reserved")
    yield finding(
        "ML003",
        f"{elf.path}: e_flags {elf.e_flags:#x}, not {row.e_flags:#x}: base ABI {base}, object ABI {version}",
        Evidence(file=elf.path, offset=48, value=f"{elf.e_flags:#x}"),
    )


def old_versions(elf: ElfFacts, case: Case) -> Iterator[Finding]:
    """ML010."""
    old = case.abi.old_world
    found = []
    for need in elf.versions_needed:
        family, _, version = need.version.partition("_")
        number = version_number(version)
        if family == "GLIBC" and number and old.glibc_first <= number <= old.glibc_last:
            found.append(Evidence(file=elf.path, symbol=need.library, value=need.version))
    if found:
        names = ", ".join(sorted({one.value for one in found}))
        yield finding("ML010", f"{elf.path}: needs {names}: old world", *found)


def old_interpreter(elf: ElfFacts, case: Case) -> Iterator[Finding]:
    """ML011, and ML017 for other paths that are not the platform's."""
    if not elf.interpreter or elf.interpreter == case.target.interpreter:
        return
    place = Evidence(file=elf.path, value=elf.interpreter)
    if elf.interpreter in case.abi.old_world.interpreters:
        yield finding("ML011", f"{elf.path}: interpreter {elf.interpreter}: old world", place)
        return
    reason = case.abi.loader_wrong.get(elf.interpreter, f"{case.target.interpreter} is expected")
    yield finding("ML017", f"{elf.path}: interpreter {elf.interpreter}: {reason}", place)


def old_libraries(elf: ElfFacts, case: Case) -> Iterator[Finding]:
    """ML012 and ML013."""
    old = case.abi.old_world
    for library in elf.needed:
        place = Evidence(file=elf.path, symbol=library, value=library)
        if library in old.loaders:
            yield finding("ML012", f"{elf.path}: needs {library}: old world", place)
        elif library in old.libraries and library not in case.brought:
            yield finding("ML013", f"{elf.path}: needs {library}: only the old world has it", place)


def old_note(elf: ElfFacts, case: Case) -> Iterator[Finding]:
    """ML014."""
    if not elf.abi_tag or elf.abi_tag[0] != _OS_LINUX or elf.abi_tag[1:] >= case.abi.old_world.kernel_below:
        return
    kernel = ".".join(map(str, elf.abi_tag[1:]))
    yield finding(
        "ML014",
        f"{elf.path}: ABI note asks for Linux {kernel}: old world",
        Evidence(file=elf.path, value=kernel),
    )


def old_compiler(elf: ElfFacts, case: Case) -> Iterator[Finding]:
    """ML015."""
    for text in elf.producers:
        match = _GCC_VERSION.search(text) if _GCC.match(text) else None
        if match and int(match[1]) < case.abi.old_world.gcc_below:
            yield finding(
                "ML015",
                f"{elf.path}: compiled by {text.split(' -', 1)[0]}: old world",
                Evidence(file=elf.path, value=text),
            )


def unproven(elf: ElfFacts, case: Case) -> Iterator[Finding]:
    """ML016."""
    if case.target.libc == "glibc" and is_loadable(elf) and elf.needed and not elf.versions_needed:
        yield finding(
            "ML016",
            f"{elf.path}: needs no versioned symbol, so nothing but e_flags tells its world",
            Evidence(file=elf.path),
        )


def old_epoch(elf: ElfFacts, case: Case) -> Iterator[Finding]:
    """ML041."""
    family = case.policy.family("GLIBC")
    for need in elf.versions_needed:
        name, _, version = need.version.partition("_")
        if family is None or name != family.name or version not in family.only_from:
            continue
        if need.library != family.only_from[version]:
            yield finding(
                "ML041",
                f"{elf.path}: needs {need.version} of {need.library}: old world",
                Evidence(file=elf.path, symbol=need.library, value=need.version),
            )


RULES = (
    unreadable,
    e_flags,
    old_versions,
    old_interpreter,
    old_libraries,
    old_note,
    old_compiler,
    unproven,
    old_epoch,
)
