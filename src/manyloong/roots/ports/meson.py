"""Meson, which builds some ports and is no part of the native root: run from its own sources."""

import tomllib
from importlib.resources import files

from manyloong.roots.sources import PinnedSource, parse_source


def meson_source() -> PinnedSource:
    """The pinned release."""
    text = files("manyloong.roots.ports").joinpath("meson.toml").read_text("utf-8")
    return parse_source(tomllib.loads(text), where="meson.toml")
