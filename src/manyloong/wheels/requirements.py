"""Wheels for requirements, where some exist only as sources: those are built first, then resolved again.

Resolving runs no code of packages. When there is no set of wheels, the requirements are walked one by one
to find which project has none; a Supply makes it, and the resolution is asked again.
"""

from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from packaging.markers import UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.tags import Tag
from packaging.utils import canonicalize_name, parse_wheel_filename

from manyloong.errors import BuildError, NotFoundError
from manyloong.targets import Python
from manyloong.wheels.contents import read_requirements
from manyloong.wheels.doors import Doors
from manyloong.wheels.registry import choose_release
from manyloong.wheels.resolve import (
    MisfitError,
    Platform,
    ResolvedWheel,
    UnresolvableError,
    fetch_wheels,
    fits,
    marker_environment,
    resolve_wheels,
    wheel_tags,
)


class CyclicRequirementsError(BuildError):
    """Wheels that must be built before each other."""


class NoSourceError(UnresolvableError):
    """A requirement has neither a wheel for the platform nor sources to build one from."""


class BuildForbiddenError(UnresolvableError):
    """A requirement must be built first, and ``--no-build-deps`` forbids that."""


class Supply(Protocol):
    """Makes wheels that are nowhere, by jobs of their own."""

    def target_wheel(self, project: str, version: str, python: Python) -> Path:
        """A wheel for the target, built, repaired, accepted and tested."""
        ...

    def native_wheel(self, project: str, version: str, python: Python) -> Path:
        """A wheel for the build machine itself."""
        ...

    def links(self) -> tuple[Path, ...]:
        """Folders with wheels for the target that were made before."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Who must run what, where."""

    python: Python
    platform: Platform
    links: tuple[Path, ...]
    doors: Doors
    tags: tuple[Tag, ...] = ()  # best first; by default as installers rank them

    def resolve(self, requirements: Sequence[str], *, alone: bool = False) -> tuple[ResolvedWheel, ...]:
        """A set of wheels; ``alone``: for these only, without what they require themselves.

        Where uv has no name for the platform it may choose a release that has no wheel for it: then the
        newest that has one is taken, as uv does where it knows the platform.
        """
        constraints: dict[str, str] = {}
        first: UnresolvableError | None = None
        while True:
            try:
                return resolve_wheels(
                    requirements,
                    python=self.python,
                    platform=self.platform,
                    uv=self.doors.uv,
                    find_links=self.links,
                    tags=self.tags,
                    dependencies=not alone,
                    constraints=tuple(constraints.values()),
                )
            except UnresolvableError as error:
                first = first or error
                more = {} if self.platform.named else self._constraints(error, constraints)
                if not more:
                    raise first from None
                constraints |= more

    def _constraints(self, error: UnresolvableError, known: Container[str]) -> dict[str, str]:
        """For each project that does not fit: without the releases that do not; empty if that leaves none."""
        found: dict[str, str] = {}
        for project in error.projects if isinstance(error, MisfitError) else ():
            out = () if project in known else self._unfit(project)
            if not out:
                return {}
            found[project] = project + ",".join(f"!={version}" for version in out)
        return found

    def _unfit(self, project: str) -> tuple[str, ...]:
        """The releases of a project without a fitting wheel, here or on the index; empty if all are so."""
        tags = frozenset(self.tags or wheel_tags(self.python, self.platform))
        try:
            releases = self.doors.registry.releases(project)
        except NotFoundError:
            return ()
        here = {path.name for folder in self.links for path in folder.glob("*.whl") if fits(path.name, tags)}
        fitting = {
            version
            for version, release in releases.items()
            if any(file.kind == "wheel" and fits(file.filename, tags) for file in release.files)
        }
        fitting |= {
            version for name, version, *_ in map(parse_wheel_filename, here) if name == project
        } & releases.keys()
        return tuple(str(version) for version in sorted(releases.keys() - fitting)) if fitting else ()

    def linked(self, folders: Sequence[Path]) -> "Wanted":
        """The same with more folders of wheels."""
        return replace(self, links=(*self.links, *folders))


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A project without a wheel, and the release to build one from."""

    project: str
    version: str


def resolve_or_build(
    requirements: Sequence[str], wanted: Wanted, build: Callable[[Missing], Path]
) -> tuple[ResolvedWheel, ...]:
    """A set of wheels that satisfies the requirements; ``build`` makes those that are nowhere.

    Raises UnresolvableError with uv's explanation, NoSourceError, and what ``build`` raises.
    """
    made: dict[Missing, Path] = {}
    while True:
        try:
            return wanted.linked(tuple(path.parent for path in made.values())).resolve(requirements)
        except UnresolvableError as error:
            missing = [one for one in find_missing(requirements, wanted) if one not in made]
            if not missing:
                raise error from None
            made.update({one: build(one) for one in missing})


def find_missing(requirements: Sequence[str], wanted: Wanted) -> tuple[Missing, ...]:
    """Every project below these requirements that has no wheel, with the release to build.

    Raises NoSourceError for one that has no source archive either.
    """
    return tuple(dict.fromkeys(_walk(requirements, wanted, set(), "")))


def _walk(requirements: Sequence[str], wanted: Wanted, seen: set[str], asker: str) -> Iterator[Missing]:
    for requirement in _applying(requirements, wanted):
        text = str(requirement)
        if text in seen:
            continue
        seen.add(text)
        try:
            wanted.resolve([text])
        except UnresolvableError:
            yield from _look_below(requirement, wanted, seen, asker)


def _look_below(requirement: Requirement, wanted: Wanted, seen: set[str], asker: str) -> Iterator[Missing]:
    """A requirement that cannot be resolved: its own wheel is missing, or one that it needs."""
    try:
        (wheel,) = wanted.resolve([str(requirement)], alone=True)
    except UnresolvableError:
        missing = _release(requirement, wanted, asker)
        if missing is not None:
            yield missing
        return
    paths = fetch_wheels([wheel], fetcher=wanted.doors.fetcher, listener=wanted.doors.listener)
    yield from _walk(read_requirements(paths[wheel.filename]), wanted, seen, f"{wheel.name} {wheel.version}")


def _applying(requirements: Sequence[str], wanted: Wanted) -> list[Requirement]:
    """The requirements whose markers hold, several of one project as one."""
    environment: dict[str, str] = {**marker_environment(wanted.python, wanted.platform), "extra": ""}  # type: ignore[dict-item]
    found: dict[str, Requirement] = {}
    for text in requirements:
        try:
            requirement = Requirement(text)
            if requirement.marker is not None and not requirement.marker.evaluate(environment):
                continue
        except (InvalidRequirement, UndefinedEnvironmentName):
            continue  # uv has said what is wrong with it
        requirement.marker = None
        other = found.setdefault(str(canonicalize_name(requirement.name)), requirement)
        if other is not requirement:
            other.specifier &= requirement.specifier
            other.extras |= requirement.extras
    return list(found.values())


def _release(requirement: Requirement, wanted: Wanted, asker: str) -> Missing | None:
    """The release to build; None where the index has none at all that fits: uv says that best."""
    wish = Requirement(requirement.name)
    wish.specifier = requirement.specifier
    try:
        releases = wanted.doors.registry.releases(requirement.name)
        release = choose_release(wish, releases)
    except NotFoundError:
        return None
    if release.sdist is None:
        by = f", which {asker} requires," if asker else ""
        raise NoSourceError(
            f"{release.project} {release.version}{by} has neither a wheel for {wanted.python.tag} on "
            f"{wanted.platform.machine} nor a source archive",
            hint="put a wheel of it into a folder and name that folder with --find-links",
        )
    return Missing(project=str(canonicalize_name(release.project)), version=release.version)


def pinned(wheel: ResolvedWheel) -> str:
    """A requirement that only this version satisfies."""
    return f"{wheel.name}{SpecifierSet('==' + wheel.version)}"
