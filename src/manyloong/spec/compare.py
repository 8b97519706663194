"""The specification against auditwheel's policies, each difference explained.

auditwheel's policies are read as data from the installed package; none of its code runs.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from manyloong.errors import NotFoundError
from manyloong.spec.show import sorted_targets
from manyloong.targets import Family, Policy, abi, policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One place where the two do not say the same."""

    tag: str
    what: str
    ours: str
    theirs: str
    why: str


def installed_policies() -> tuple[str, dict[str, dict[str, Any]]]:
    """The version of the installed auditwheel, and its policies by name.

    Raises NotFoundError where auditwheel is not installed or keeps its policies elsewhere.
    """
    try:
        package = distribution("auditwheel")
    except PackageNotFoundError:
        raise NotFoundError("auditwheel is not installed", hint="pip install auditwheel") from None
    found: dict[str, dict[str, Any]] = {}
    for family in ("manylinux", "musllinux"):
        path = Path(str(package.locate_file(f"auditwheel/policy/{family}-policy.json")))
        if not path.is_file():
            text = f"auditwheel {package.version} has no {path.name}"
            raise NotFoundError(text, hint="compare with auditwheel 6.8")
        found |= {row["name"]: row for row in json.loads(path.read_text("utf-8"))}
    return package.version, found


def compare(theirs: dict[str, dict[str, Any]]) -> tuple[Difference, ...]:
    """Every difference for each platform tag, in the order of the tags."""
    found: list[Difference] = []
    for target in sorted_targets():
        row, name = policy(target), target.tag.removesuffix(f"_{target.architecture.name}")
        other = theirs.get(name)
        arch = target.architecture.name
        if other is None or arch not in other["symbol_versions"]:
            why = "a newer glibc; distributions ship it, so wheels of that floor exist"
            found.append(Difference(tag=target.tag, what="policy", ours="present", theirs="absent", why=why))
            continue
        found += _symbols(row, other["symbol_versions"][arch])
        found += _libraries(row, other)
    return tuple(found)


def _symbols(row: Policy, theirs: dict[str, list[str]]) -> Iterator[Difference]:
    for family in row.families:
        other = set(theirs.get(family.name, ()))
        refused = sorted(version for version in other if not _allowed_anywhere(family, version))
        if refused:
            why = f"not a version of this architecture: {family.source}"
            yield _difference(row, f"{family.name} versions", "not allowed", " ".join(refused), why)
        limited = sorted(set(family.only_from) & other)
        for version in limited:
            library = family.only_from[version]
            why = f"only {library} exports it here; in libc or libpthread it means the old world"
            yield _difference(
                row, f"{family.name}_{version}", f"only from {library}", "from any library", why
            )
        newest = max((v for text in other if (v := _number(text))), default=())
        if newest and newest != family.cap:
            why = f"{row.source}"
            yield _difference(row, f"{family.name} cap", _dotted(family.cap), _dotted(newest), why)


def _allowed_anywhere(family: Family, version: str) -> bool:
    library = family.only_from.get(version, "")
    number = _number(version)
    return family.allows(version, library) or (number is not None and number > family.cap)


def _number(text: str) -> tuple[int, ...] | None:
    parts = text.split(".")
    return tuple(map(int, parts)) if all(part.isdigit() for part in parts) else None


def _dotted(number: tuple[int, ...]) -> str:
    return ".".join(map(str, number))


def _libraries(row: Policy, other: dict[str, Any]) -> Iterator[Difference]:
    theirs = set(other["lib_whitelist"])
    old = abi(row.target.architecture.name).old_world
    for name in sorted(theirs - set(row.allowed)):
        why = row.absent.get(
            name, "only the old world has it" if name in old.libraries else row.library_source
        )
        yield _difference(row, name, "refused", "allowed", why)
    for name in sorted(set(row.allowed) - theirs):
        why = (
            "auditwheel skips every name that starts with ld-linux"
            if name.startswith("ld-linux")
            else "a name under which systems of this libc have the same library"
        )
        yield _difference(row, name, "allowed", "not listed", why)
    for name, symbols in other["blacklist"].items():
        for symbol in sorted(set(symbols) - set(row.private.get(name, ()))):
            why = "zlib gives it a version (ZLIB_1.2.12), so the cap decides"
            yield _difference(row, f"{name} {symbol}", "by its version", "listed as private", why)


def grouped(found: tuple[Difference, ...]) -> tuple[tuple[tuple[str, ...], Difference], ...]:
    """The same with the tags of equal differences together."""
    tags: dict[tuple[str, str, str, str], list[Difference]] = {}
    for one in found:
        tags.setdefault((one.what, one.ours, one.theirs, one.why), []).append(one)
    return tuple((tuple(one.tag for one in some), some[0]) for some in tags.values())


def _difference(row: Policy, what: str, ours: str, theirs: str, why: str) -> Difference:
    return Difference(tag=row.target.tag, what=what, ours=ours, theirs=theirs, why=why)


# What auditwheel does not look at, and the rule that does here: one line each in the documentation.
UNCHECKED = (
    ("e_flags: soft float, object ABI v0", "ML003"),
    ("program interpreter", "ML011, ML017"),
    ("old world: loader, libraries, ABI note, compiler", "ML012 to ML015"),
    ("a tag below the architecture's floor", "ML020 to ML022"),
    ("extension file name against the wheel's tag", "ML029"),
    ("stable ABI of abi3 wheels", "ML030"),
    ("undefined symbols that nobody provides", "ML045"),
    ("musl symbols newer than the floor", "ML046"),
    ("TLS descriptors and relocation types", "ML050, ML051"),
    ("a libc inside a shared library", "ML049"),
    ("segment alignment", "ML060, ML061"),
    ("executable stack, text relocations, search paths", "ML062 to ML065"),
    ("programs at a fixed address", "ML066"),
    ("instruction sets", "ML070 to ML074"),
    ("RECORD, dist-info and the archive itself", "ML080 to ML090"),
)
