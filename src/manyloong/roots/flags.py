"""The rules by which GCC's flags become clang's and lld's; data in ``flags.toml`` and ``targets.toml``."""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Literal

from manyloong.targets import FlagRule

Tool = Literal["compiler", "linker"]


@cache
def _document() -> dict[str, list[dict[str, str]]]:
    return tomllib.loads(files("manyloong.roots").joinpath("flags.toml").read_text("utf-8"))


def flag_rules(tool: Tool, extra: tuple[FlagRule, ...] = ()) -> tuple[FlagRule, ...]:
    """All rules of a tool, an architecture's own first."""
    return (*extra, *(FlagRule(**row) for row in _document()[tool]))


def rule_tables(rules: tuple[FlagRule, ...]) -> tuple[dict[str, str], tuple[tuple[str, str], ...]]:
    """The rules as the wrapper looks them up: whole flags, and beginnings of flags."""
    whole = {rule.flag: rule.give for rule in rules if not rule.flag.endswith("*")}
    beginnings = tuple((rule.flag[:-1], rule.give) for rule in rules if rule.flag.endswith("*"))
    return whole, beginnings
