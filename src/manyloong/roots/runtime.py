"""What a floor root holds besides its CPython: the pinned C libraries and programs of ``runtime.toml``."""

import tomllib
from functools import cache
from importlib.resources import files

from manyloong.errors import NotFoundError
from manyloong.roots.sources import PinnedSource, parse_source
from manyloong.targets import Target

_FILES = {"glibc": "runtime.toml", "musl": "musl.toml"}  # by C library


@cache
def _document(file: str) -> dict[str, dict[str, dict[str, object]]]:
    return tomllib.loads(files("manyloong.roots").joinpath(file).read_text("utf-8"))


def libc_source(target: Target) -> PinnedSource:
    """The C library of a target's floor; NotFoundError where its file has none."""
    name, file = "{}-{}.{}".format(target.libc, *target.floor), _FILES[target.libc]
    table = _document(file)["libc"].get(name)
    if table is None:
        raise NotFoundError(f"there is no source of {name} in {file}", hint="manyloong root list")
    return parse_source(table, where=f"{file}: libc {name}")


def busybox_source() -> PinnedSource:
    """The programs of a floor root."""
    file = _FILES["glibc"]
    return parse_source(_document(file)["programs"]["busybox"], where=f"{file}: programs busybox")
