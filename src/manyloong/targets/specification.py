"""Reads ``spec/*.toml`` once into typed values."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from manyloong.errors import NotFoundError
from manyloong.targets.abi import (
    Abi,
    EFlags,
    Family,
    Flow,
    IsaClass,
    OldWorld,
    OwnLibc,
    Policy,
    Relocations,
    Rule,
    ScanGroup,
    Statement,
    Version,
    version_number,
)
from manyloong.targets.model import Architecture, Target
from manyloong.targets.rows import judged_targets

# Read beside this file, not through importlib.resources: that import alone costs 15 ms of every audit.
_SPEC = Path(__file__).with_name("spec")
FAMILIES = ("manylinux", "musllinux")


@cache
def _document(name: str) -> dict[str, Any]:
    return tomllib.loads(_SPEC.joinpath(f"{name}.toml").read_text("utf-8"))


def _version(text: str) -> Version:
    number = version_number(text)
    if number is None:
        raise ValueError(f"not a version: {text}")
    return number


def _numbered(table: dict[str, str]) -> dict[int, str]:
    return {int(key, 0): value for key, value in table.items()}


def _statement(name: str, row: dict[str, Any], architecture: Architecture) -> Statement:
    value = row["value"] if "value" in row else getattr(architecture, row["field"])
    return Statement(name=name, value=value, says=row["says"], source=row["source"])


def _isa(name: str, row: dict[str, Any]) -> IsaClass:
    return IsaClass(
        name=name,
        says=row["says"],
        rule=row["rule"],
        masks=tuple((mask, match) for mask, match in row["masks"]),
        ranges=tuple((first, end) for first, end in row.get("ranges", ())),
    )


def _flow(row: dict[str, Any]) -> Flow:
    return Flow(
        unconditional=tuple((mask, match) for mask, match in row["unconditional"]),
        branches=tuple((mask, match, bits) for mask, match, bits in row["branches"]),
        source=row["source"],
    )


def _scan_group(row: dict[str, Any]) -> ScanGroup:
    first, second, third = (
        tuple((mask, match) for mask, match in row.get(name, [[0, 0]]))
        for name in ("first", "second", "third")
    )
    return ScanGroup(first=first, second=second, third=third)


def _e_flags(row: dict[str, Any]) -> EFlags:
    return EFlags(
        **{**row, "base_abi": _numbered(row["base_abi"]), "object_abi": _numbered(row["object_abi"])}
    )


def _old_world(row: dict[str, Any]) -> OldWorld:
    return OldWorld(
        interpreters=tuple(row["interpreters"]),
        loaders=tuple(row["loaders"]),
        libraries=tuple(row["libraries"]),
        glibc_first=_version(row["glibc_first"]),
        glibc_last=_version(row["glibc_last"]),
        kernel_below=_version(row["kernel_below"]),
        gcc_below=row["gcc_below"],
        source=row["source"],
    )


def _relocations(row: dict[str, Any]) -> Relocations:
    first, last = row["stack_machine"]
    return Relocations(
        known=_numbered(row["known"]),
        tls_descriptor=row["tls_descriptor"],
        stack_machine=(first, last),
        source=row["source"],
    )


@cache
def abi(architecture: str) -> Abi:
    """What the specification says of an architecture; raises NotFoundError where none is written."""
    row = next((one.architecture for one in judged_targets() if one.architecture.name == architecture), None)
    if row is None:
        raise NotFoundError(f"no ABI specification for {architecture!r}", hint="manyloong spec show")
    document = _document(architecture)
    return Abi(
        architecture=architecture,
        statements=tuple(_statement(name, one, row) for name, one in document["statement"].items()),
        e_flags=_e_flags(document["e_flags"]),
        loader_wrong=document["loader"]["known_wrong"],
        old_world=_old_world(document["old_world"]),
        relocations=_relocations(document["relocations"]),
        isa=tuple(_isa(name, one) for name, one in document["isa"].items()),
        flow=_flow(document["flow"]),
        scan=tuple(map(_scan_group, document["scan"]["groups"])),
    )


def _symbol_family(name: str, row: dict[str, Any], cap: str) -> Family:
    return Family(
        name=name,
        first=_version(row["first"]),
        cap=_version(cap),
        named=tuple(row["named"]),
        only_from=row.get("only_from", {}),
        source=row["source"],
    )


@cache
def policy(target: Target) -> Policy:
    """What a wheel of this target may need from the system; raises NotFoundError for an unknown floor."""
    document = _document(target.family)[target.family]
    libraries = document["libraries"]
    row = document["policy"].get("_".join(map(str, target.floor)))
    if row is None:
        raise NotFoundError(f"no policy for {target.tag}", hint="manyloong spec show")
    minimum, minor = document["min_floor"]
    return Policy(
        target=target,
        families=tuple(
            _symbol_family(name, document["family"][name], cap) for name, cap in row["caps"].items()
        ),
        allowed=tuple(libraries["allowed"]),
        versioned=tuple(libraries["versioned"]),
        absent=libraries["absent"],
        foreign=tuple(libraries["foreign"]),
        private={name: tuple(one) for name, one in document["private"].items() if name != "source"},
        tls_descriptors=row["tls_descriptors"],
        min_floor=(minimum, minor),
        why_floor=document["why_floor"],
        legacy_aliases=tuple(document["legacy_aliases"]),
        source=row["source"],
        library_source=libraries["source"],
    )


@cache
def all_rules() -> tuple[Rule, ...]:
    """Every rule of the auditor, by id."""
    return tuple(Rule(id=key, **row) for key, row in sorted(_document("rules").items()))


def rule(key: str) -> Rule:
    """The rule of that id; raises NotFoundError with a hint for any other."""
    for one in all_rules():
        if one.id == key.upper():
            return one
    raise NotFoundError(f"unknown rule {key!r}", hint="manyloong spec explain lists them all")


@cache
def stable_abi() -> dict[str, Version]:
    """The symbols of CPython's stable ABI, and the Python version each came with."""
    added = _document("stable_abi")["added"]
    return {name: _version(version) for version, names in added.items() for name in names.split()}


@cache
def musl_exports() -> frozenset[str]:
    """What the oldest musl for loongarch64 exports."""
    return frozenset(
        name for names in _document("musl_symbols")["exports"].values() for name in names.split()
    )


@cache
def musl_later() -> dict[str, str]:
    """Symbols that came later, and the release each came with."""
    later = _document("musl_symbols")["later"]
    return {name: version for version, names in later.items() for name in names.split()}


@cache
def libm_exports() -> frozenset[str]:
    """What libm.so.6 of the oldest glibc for loongarch64 exports."""
    return frozenset(_document("libm_symbols")["names"].split())


@cache
def own_libc(architecture: str) -> OwnLibc:
    """How a C library inside another file looks on an architecture; no instructions where none are known."""
    document = _document("own_libc")
    row = document.get(architecture, {})
    return OwnLibc(
        libraries=tuple(document["libraries"]),
        names=frozenset(f"{document['names']['musl']} {document['names']['glibc']}".split()),
        kernel=tuple((mask, match) for mask, match in row.get("kernel", ())),
        thread=tuple((mask, match) for mask, match in row.get("thread", ())),
    )
