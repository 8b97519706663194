"""What a project's own tables ask to be run around a build and its tests, as values."""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from manyloong.wheels.payload.install_line import wanted

Variables = tuple[tuple[str, str], ...]
# Paths of the official images that a build may name; what names one is built where they exist.
PROMISED = re.compile(r"/(?:opt/(?:python|clang|_internal)|project|usr/local|root)\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooks:
    """Shell commands around a build, and variables that only a shell can know; empty for most builds."""

    before_all: str = ""
    before_build: str = ""
    environment: Variables = ()  # name, and the value as a shell reads it
    promised: bool = False  # the build itself names paths of the official images
    network: bool = False  # the user lets hooks reach the network
    stable_only: str = ""  # the selector, where it names no Python that is here

    @property
    def runs(self) -> bool:
        """Whether anything is run before the build."""
        return bool(self.before_all or self.before_build or self.environment)

    @property
    def wanted(self) -> bool:
        """Whether the build needs what the official images have."""
        return self.runs or self.promised

    def document(self) -> dict[str, Any]:
        """What decides the wheel."""
        return {
            "before": [self.before_all, self.before_build],
            "environment": [list(pair) for pair in self.environment],
            "promised": self.promised,
            "network": self.network,
            "stable": self.stable_only,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class TestHooks:
    """How a project's own tables say that its wheels are tested, beyond command and requirements."""

    __test__ = False  # not a pytest class

    before: str = ""
    extras: str = ""  # comma separated
    sources: tuple[str, ...] = ()  # copied into the folder in which the command runs
    environment: Variables = ()  # as a shell reads it
    network: bool = False

    def document(self) -> dict[str, Any]:
        """What decides a test."""
        return {
            "before": self.before,
            "extras": self.extras,
            "sources": list(self.sources),
            "environment": [list(pair) for pair in self.environment],
            "network": self.network,
        }


def prelude(variables: Variables) -> str:
    """Shell lines that set variables one after the other; a value may use those before it."""
    return "".join(f"{name}={value}; export {name}\n" for name, value in variables)


# ---- system packages


MANAGERS = ("yum", "dnf", "microdnf", "apk", "apt-get", "apt")


def named_packages(command: str) -> tuple[str, ...]:
    """System packages that a shell command installs by its own words (not in scripts that it starts)."""
    found: list[str] = []
    for part in re.split(r"&&|\|\||[;|\n&()]", command):
        try:
            words = shlex.split(part, comments=True)
        except ValueError:
            continue  # a quote that opens in one part and closes in another: no plain install line
        while words and ("=" in words[0] or words[0] in {"sudo", "env", "if", "then", "else", "do", "!"}):
            words.pop(0)
        if words and words[0] in MANAGERS:
            found += wanted(words[1:]) or ()
    return tuple(dict.fromkeys(found))


def package_ports(packages: Mapping[str, str], names: tuple[str, ...]) -> tuple[str, ...]:
    """The ports of those system packages that have one; ``packages``: name -> port."""
    return tuple(dict.fromkeys(packages[name] for name in names if name in packages))
