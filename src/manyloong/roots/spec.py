"""Reads ``roots.toml`` into specs."""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

from manyloong.errors import NotFoundError
from manyloong.roots.model import RootSpec
from manyloong.targets import Host, all_targets

_LISTS = ("packages", "without", "only", "drop", "keep", "directories")


@cache
def all_specs() -> tuple[RootSpec, ...]:
    """Every root this package knows how to make, whether or not a lock is there for it."""
    document = tomllib.loads(files("manyloong.roots").joinpath("roots.toml").read_text("utf-8"))
    return tuple(
        _spec(role, architecture, document)
        for role, row in document["root"].items()
        for architecture in row["architectures"]
    )


def root_spec(name: str) -> RootSpec:
    """The spec of that name; NotFoundError with the known names for any other."""
    for spec in all_specs():
        if spec.name == name:
            return spec
    known = ", ".join(spec.name for spec in all_specs())
    raise NotFoundError(f"unknown root {name!r}", hint=f"known roots: {known}")


def needed_roots(host: Host) -> tuple[str, ...]:
    """Names of the roots that builds and tests of every target need on a host."""
    known = {spec.name for spec in all_specs()}
    wanted = (f"native-{host.debian}", *(target.test_root for target in all_targets()))
    return tuple(name for name in dict.fromkeys(wanted) if name in known)


def _spec(role: str, architecture: str, document: dict[str, Any]) -> RootSpec:
    row = document["root"][role]
    common: dict[str, Any] = {} if row.get("standalone") else document["common"]
    lists = {name: tuple(common.get(name, ())) + tuple(row.get(name, ())) for name in _LISTS}
    links = dict(common.get("links", ())) | dict(row.get("links", ()))
    texts = common.get("files", {}) | row.get("files", {})
    return RootSpec(
        name=f"{role}-{architecture}",
        role=role,
        architecture=architecture,
        suite=document["suite"],
        links=tuple(sorted(links.items())),
        files=tuple(sorted(texts.items())),
        **lists,
    )
