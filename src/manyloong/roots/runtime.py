"""What a floor root holds besides its CPython: the pinned C libraries and programs of ``runtime.toml``."""

import tomllib
from functools import cache
from importlib.resources import files

from manyloong.errors import NotFoundError
from manyloong.roots.sources import PinnedSource, parse_source
from manyloong.targets import Target

_FILE = "runtime.toml"


@cache
def _document() -> dict[str, dict[str, dict[str, object]]]:
    return tomllib.loads(files("manyloong.roots").joinpath(_FILE).read_text("utf-8"))


def libc_source(target: Target) -> PinnedSource:
    """The C library of a target's floor; NotFoundError where ``runtime.toml`` has none."""
    name = "{}-{}.{}".format(target.libc, *target.floor)
    table = _document()["libc"].get(name)
    if table is None:
        raise NotFoundError(f"there is no source of {name} in {_FILE}", hint="manyloong root list")
    return parse_source(table, where=f"{_FILE}: libc {name}")


def busybox_source() -> PinnedSource:
    """The programs of a floor root."""
    return parse_source(_document()["programs"]["busybox"], where=f"{_FILE}: programs busybox")
