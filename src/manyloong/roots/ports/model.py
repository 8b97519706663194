"""A port: a C library that is built from source for a target's floor; the values of this package."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

from manyloong.roots.sources import PinnedSource

System = Literal["autotools", "cmake", "meson", "make", "custom"]
SYSTEMS: tuple[str, ...] = get_args(System)
LAYERS = ("fortran",)  # see ``roots/fortran.py``


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """A change to a port's sources: ``status`` says where it stands with upstream."""

    name: str
    status: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A port's own tests, run in its build folder under emulation.

    ``expect`` is a regular expression that the output has to contain, so that a run of nothing is no
    success. The number of tests is how often it is found or, where it has a group, the sum of those.
    """

    steps: tuple[str, ...]
    expect: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """What a port is given more where its C library is this one."""

    libc: str  # as in targets.toml
    options: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """One library as its file describes it. What decides its bytes is in ``on(libc).document()``."""

    name: str
    summary: str
    version: str
    licence: str  # SPDX expression
    source: PinnedSource
    system: System
    debian: str  # Debian's source package, to compare versions with
    cpe: str = ""  # VENDOR:PRODUCT, by which vulnerabilities are reported
    extra: tuple[PinnedSource, ...] = ()  # unpacked to ../NAME, beside the sources
    members: tuple[str, ...] = ()  # patterns of what is unpacked of the source; empty: all
    subdirectory: str = ""
    options: tuple[str, ...] = ()
    depends: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    before: tuple[str, ...] = ()  # shell lines before the build system's own steps
    steps: tuple[str, ...] = ()  # all of a custom build
    after: tuple[str, ...] = ()  # shell lines once everything is in $DESTDIR
    sonames: tuple[str, ...] = ()
    pkg_config: tuple[str, ...] = ()
    known_by: tuple[str, ...] = ()  # patterns of headers and scripts that builds ask for by name
    keep: tuple[str, ...] = ()  # patterns below the prefix that are usually left out and are wanted here
    licence_files: tuple[str, ...] = ()
    external: tuple[str, ...] = ()  # names of PEP 725 besides generic/NAME
    layers: tuple[str, ...] = ()  # compilers besides those for C and C++ that it is built with
    patches: tuple[Patch, ...] = ()
    check: Check | None = None
    variants: tuple[Variant, ...] = ()  # one a C library at most

    @property
    def label(self) -> str:
        """Name and version, for people."""
        return f"{self.name} {self.version}"

    @property
    def purl(self) -> str:
        """The package URL, by which software bills of materials know it."""
        return f"pkg:generic/{self.name}@{self.version}"

    def on(self, libc: str) -> "Port":
        """The port as it is built for a C library; the same for all of them where it has no variants."""
        added = next((one for one in self.variants if one.libc == libc), Variant(libc=libc))
        environment = dict(self.environment) | dict(added.environment)
        return replace(
            self,
            options=(*self.options, *added.options),
            before=(*self.before, *added.before),
            environment=tuple(sorted(environment.items())),
            variants=(),
        )

    def document(self) -> dict[str, object]:
        """Everything of the description that decides what is built."""
        part = {"members": self.members} if self.members else {}
        part |= {"layers": self.layers} if self.layers else {}
        return part | {
            "name": self.name,
            "version": self.version,
            "licence": self.licence,
            "source": [self.source.sha256, *(f"{source.name} {source.sha256}" for source in self.extra)],
            "system": self.system,
            "subdirectory": self.subdirectory,
            "options": self.options,
            "depends": self.depends,
            "environment": self.environment,
            "lines": [self.before, self.steps, self.after],
            "provides": [self.sonames, self.pkg_config, self.keep, self.licence_files],
            "patches": [patch.text for patch in self.patches],
            "cpe": self.cpe,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class PortTree:
    """A built port; ``path`` is its tree in the store, laid out as a prefix (include, lib, share)."""

    port: Port
    key: str
    path: Path
