"""Reads ``targets.toml`` once into typed rows."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from manyloong.errors import NotFoundError
from manyloong.targets.model import Architecture, Compiler, FlagRule, Host, Python, Qemu, Target, Zig


@cache
def _document() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name("targets.toml").read_text("utf-8"))


def _architecture(name: str) -> Architecture:
    row = dict(_document()["architecture"][name])
    compiler = row.pop("compiler")
    return Architecture(
        name=name,
        zig=Zig(**row.pop("zig")),
        compiler=Compiler(
            flags=tuple(compiler["flags"]),
            headers=tuple(compiler["headers"]),
            rewrites=tuple(
                FlagRule(flag=flag, give=give, why=why) for flag, give, why in compiler["rewrites"]
            ),
        ),
        qemu=Qemu(**row.pop("qemu")),
        glibc_kernel=tuple(row.pop("glibc_kernel")),
        **row,
    )


def _target(tag: str) -> Target:
    row = dict(_document()["platform"][tag])
    return Target(
        tag=tag,
        architecture=_architecture(row.pop("architecture")),
        floor=tuple(row.pop("floor")),
        **row,
    )


@cache
def judged_targets() -> tuple[Target, ...]:
    """Every platform tag the auditor has rules for, in the order of ``targets.toml``."""
    return tuple(_target(tag) for tag in _document()["platform"])


@cache
def all_targets() -> tuple[Target, ...]:
    """Every platform tag wheels are built for, in the order of ``targets.toml``."""
    return tuple(row for row in judged_targets() if row.buildable)


@cache
def all_hosts() -> tuple[Host, ...]:
    """Every architecture builds can run on."""
    return tuple(Host(name=name, **row) for name, row in _document()["host"].items())


@cache
def known_pythons() -> tuple[Python, ...]:
    """Every CPython that wheels can be built for, oldest first, a free-threaded one after its other."""
    return tuple(Python(tag=tag, **row) for tag, row in _document()["python"].items())


@cache
def all_pythons() -> tuple[Python, ...]:
    """Those of them that Debian's roots carry; the others are built from source, when they are named."""
    return tuple(row for row in known_pythons() if not row.from_source)


def target(tag: str) -> Target:
    """The row of a platform tag; the architecture may be left out where only one has that floor.

    Raises NotFoundError with the known tags for any other name.
    """
    return _named(tag, all_targets())


def distribution_target(wanted: Target) -> Target:
    """The target itself where a distribution's root has its C library, else one of its architecture's."""
    if not wanted.from_source:
        return wanted
    rows = (row for row in all_targets() if row.architecture == wanted.architecture)
    return next(row for row in rows if not row.from_source)


def judged_target(tag: str) -> Target:
    """As ``target``, of the tags that can be audited; more than those that can be built."""
    return _named(tag, judged_targets())


def _named(tag: str, rows: tuple[Target, ...]) -> Target:
    for row in rows:
        if tag in {row.tag, row.tag.removesuffix("_" + row.architecture.name)}:
            return row
    known = ", ".join(row.tag for row in rows)
    raise NotFoundError(f"unknown platform tag {tag!r}", hint=f"known tags: {known}")


def host(machine: str) -> Host:
    """The row of a build host by its ``uname -m``; raises NotFoundError for others."""
    for row in all_hosts():
        if row.name == machine:
            return row
    known = ", ".join(row.name for row in all_hosts())
    raise NotFoundError(
        f"this host's architecture {machine!r} is not one that builds run on",
        hint=f"use a host of: {known}",
    )
