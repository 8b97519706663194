"""Rules on what a file needs from elsewhere: ML040 to ML046."""

from collections import defaultdict
from collections.abc import Iterator

from manyloong.audit.case import Case
from manyloong.audit.facts import ElfFacts
from manyloong.audit.verdict import Evidence, Finding, finding
from manyloong.targets.abi import version_number


def symbol_versions(elf: ElfFacts, case: Case) -> Iterator[Finding]:
    """ML040 for versions above the cap, ML042 for private and unknown ones."""
    above: list[Evidence] = []
    unknown: list[Evidence] = []
    users = _users(elf)
    old = case.abi.old_world
    for need in elf.versions_needed:
        name, _, version = need.version.partition("_")
        family = case.policy.family(name)
        if family is None or need.library not in case.policy.allowed or family.allows(version, need.library):
            continue
        if version in family.only_from:
            continue  # ML041
        number = version_number(version)
        place = Evidence(file=elf.path, symbol=users[need.library, need.version], value=need.version)
        if number is None:
            unknown.append(place)
        elif not (name == "GLIBC" and number <= old.glibc_last):
            above.append(place)
    for rule, places, told in (("ML040", above, "above"), ("ML042", unknown, "not a public version for")):
        if places:
            names = ", ".join(sorted({one.value for one in places}))
            yield finding(rule, f"{elf.path}: needs {names}, {told} {case.policy.target.tag}", *places)


def _users(elf: ElfFacts) -> defaultdict[tuple[str, str], str]:
    """The symbols that ask for each version of a library, the first few by name."""
    names: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for symbol in elf.undefined:
        names[symbol.library, symbol.version].append(symbol.name)
    shown = {key: ", ".join(sorted(some)[:5]) for key, some in names.items()}
    return defaultdict(str, shown)


def libraries(elf: ElfFacts, case: Case) -> Iterator[Finding]:
    """ML043 and ML044; the old world's own libraries are ML012 and ML013."""
    policy, old = case.policy, case.abi.old_world
    for library in elf.needed:
        if library in case.brought or library in policy.allowed:
            continue
        place = Evidence(file=elf.path, symbol=library, value=library)
        if library in old.loaders or library in old.libraries:
            continue
        if library in policy.absent:
            yield finding("ML044", f"{elf.path}: needs {library}: {policy.absent[library]}", place)
        elif library in policy.foreign:
            yield finding(
                "ML044", f"{elf.path}: needs {library}, of another libc than {policy.target.libc}", place
            )
        elif "/" in library and library.rsplit("/", 1)[-1] not in case.brought:
            yield finding("ML043", f"{elf.path}: needs {library} by its path", place)
        else:
            yield finding("ML043", f"{elf.path}: needs {library}, neither allowed nor in the wheel", place)


RULES = (symbol_versions, libraries)
