"""Rules on what a file needs from elsewhere, and on what it must not bring: ML030, ML040 to ML049."""

import re
from collections import defaultdict
from collections.abc import Iterator

from manyloong.audit.case import Case
from manyloong.audit.facts import ElfFacts
from manyloong.audit.image import PT_DYNAMIC
from manyloong.audit.names import SHARED, parse_extension_name
from manyloong.audit.verdict import Evidence, Finding, finding
from manyloong.targets import libm_exports, musl_exports, musl_later, stable_abi
from manyloong.targets.abi import Version, version_number

_CPYTHON = re.compile(r"cp(\d)(\d+)")
_ANY_VERSION = (98,)
ET_EXEC = 2


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


_ANYWHERE = frozenset({"ML046"})  # true whoever else might provide the symbol: the oldest libc does not


def undefined(elf: ElfFacts, case: Case) -> Iterator[Finding]:
    """ML045 for symbols nobody provides, ML046 for a later musl's, ML048 for those of an unlinked libm."""
    known = _providers_known(elf, case)
    found: defaultdict[str, list[Evidence]] = defaultdict(list)
    for symbol in elf.undefined:
        if symbol.weak or symbol.version or _is_python(symbol.name) or symbol.name in case.exported:
            continue
        rule, provider = _provider(symbol.name, case)
        if rule and (known or rule in _ANYWHERE):
            found[rule].append(Evidence(file=elf.path, symbol=symbol.name, value=provider))
    for rule, places in found.items():
        names = ", ".join(one.symbol for one in places[:5])
        more = f" and {len(places) - 5} more" if len(places) > 5 else ""
        yield finding(rule, f"{elf.path}: {names}{more}: {places[0].value}", *places)


def _provider(name: str, case: Case) -> tuple[str, str]:
    """The rule that an unversioned undefined symbol breaks, "" for none, and who has it."""
    if case.policy.target.libc != "musl":
        return (
            ("ML048", "from libm.so.6, not linked")
            if name in libm_exports()
            else ("ML045", "nobody provides")
        )
    if name in musl_later():
        return "ML046", f"came with musl {musl_later()[name]}"
    return ("", "") if name in musl_exports() else ("ML045", "nobody provides")


def private_symbols(elf: ElfFacts, case: Case) -> Iterator[Finding]:
    """ML047."""
    for library, names in case.policy.private.items():
        if library not in elf.needed or library in case.brought:
            continue
        used = [one.name for one in elf.undefined if one.name in names and one.name not in case.exported]
        if used:
            places = [Evidence(file=elf.path, symbol=name, value=library) for name in used]
            yield finding("ML047", f"{elf.path}: {', '.join(used[:5])}: private to {library}", *places)


def _providers_known(elf: ElfFacts, case: Case) -> bool:
    """Whether the exports of every needed library are known, so that a missing symbol is a fact."""
    if case.policy.target.libc == "musl":
        known = {name for name in case.policy.allowed if "libc" in name or name.startswith("ld-")}
    else:
        known = set(case.policy.versioned)
    return bool(elf.needed) and all(one in known or one in case.brought for one in elf.needed)


def _is_python(name: str) -> bool:
    return name.startswith(("Py", "_Py"))


def stable_abi_only(elf: ElfFacts, case: Case) -> Iterator[Finding]:
    """ML030: symbols of the C-API that a module marked abi3 may not use."""
    version = _limited_version(elf, case)
    if version is None:
        return
    table = stable_abi()
    outside = [
        Evidence(file=elf.path, symbol=one.name, value=".".join(map(str, table.get(one.name, ()))))
        for one in elf.undefined
        if _is_python(one.name) and not one.weak and table.get(one.name, (99,)) > version
    ]
    if outside:
        names = ", ".join(one.symbol for one in outside[:5])
        more = f" and {len(outside) - 5} more" if len(outside) > 5 else ""
        text = " of Python " + ".".join(map(str, version)) if version != _ANY_VERSION else ""
        told = f"not in the stable ABI{text}"
        yield finding("ML030", f"{elf.path}: {names}{more}: {told}", *outside)


def _limited_version(elf: ElfFacts, case: Case) -> Version | None:
    """The Python version whose stable ABI the file promises to stay in; None for no promise."""
    name = parse_extension_name(elf.path)
    marked = name is not None and name.abi.startswith("abi3")
    tags = case.wheel.tags if case.wheel is not None else ()
    claims = [
        (int(match[1]), int(match[2]))
        for python, abi, _ in tags
        if abi.startswith("abi3") and (match := _CPYTHON.fullmatch(python))
    ]
    if claims:
        return min(claims)
    return _ANY_VERSION if marked else None


def static(elf: ElfFacts, case: Case) -> Iterator[Finding]:
    """ML049: a libc inside a shared library, or a static program under a shared library's name."""
    name = elf.path.rsplit("/", 1)[-1]
    if case.wheel is None and {elf.soname, name} & set(case.policy.allowed):
        return  # an installed system: this is the libc
    if elf.libc_names:
        names = ", ".join(elf.libc_names[:5])
        places = [Evidence(file=elf.path, symbol=one) for one in elf.libc_names]
        yield finding("ML049", f"{elf.path}: defines {names}: it carries a libc", *places)
    elif elf.libc_code:
        told = "calls the kernel and reads below the thread pointer, and asks for no libc: it carries one"
        places = [Evidence(file=elf.path, offset=one, value=f"{one:#x}") for one in elf.libc_code]
        yield finding("ML049", f"{elf.path}: {told}", *places)
    elif SHARED.search(name) and not elf.problem and _is_static_program(elf):
        yield finding("ML049", f"{elf.path}: linked statically: nothing can load it", Evidence(file=elf.path))


def _is_static_program(elf: ElfFacts) -> bool:
    """A program without an interpreter, or a file with nothing that a loader could read."""
    dynamic = any(one.kind == PT_DYNAMIC for one in elf.segments)
    return not elf.interpreter and (elf.file_type == ET_EXEC or elf.program or not dynamic)


RULES = (symbol_versions, libraries, undefined, private_symbols, stable_abi_only, static)
