"""What becomes of each option of cibuildwheel: ``options.toml`` as values."""

import tomllib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from typing import Literal

How = Literal["honoured", "ignored", "refused"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One option, or several that a pattern names."""

    option: str
    how: How
    why: str = ""


@cache
def rules() -> tuple[Rule, ...]:
    """The table, in its order."""
    text = files("manyloong.ci").joinpath("options.toml").read_text("utf-8")
    return tuple(Rule(option=name, **row) for name, row in tomllib.loads(text)["option"].items())


def rule_of(option: str) -> Rule | None:
    """The rule of an option; its own before one that a pattern gives."""
    own = [rule for rule in rules() if rule.option == option]
    return next(iter(own or [rule for rule in rules() if fnmatchcase(option, rule.option)]), None)
