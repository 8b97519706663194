"""The Python index as this project needs it: which files a release has, by PEP 503 or PEP 691."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Protocol

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from manyloong.errors import FetchError, GoneError, InputError, NotFoundError
from manyloong.store import Fetcher, Store

_KEPT = "page"  # the kind of kept results that what pages say is
_FORM = 1  # raised when what is kept of a page, or how it is read, changes
ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexFile:
    """One file of a release."""

    filename: str
    url: str
    kind: str  # "sdist", "wheel" or another
    sha256: str
    size_bytes: int | None
    requires_python: str | None
    yanked: str | None  # the reason, "" without one, None when not yanked


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One version of a project on the index."""

    project: str
    version: str
    files: tuple[IndexFile, ...]

    @property
    def yanked(self) -> bool:
        """Whether every file of it is yanked (PEP 592)."""
        return all(file.yanked is not None for file in self.files)

    @property
    def sdist(self) -> IndexFile | None:
        """Its source archive; ``.tar.gz`` before the older ``.zip``."""
        found = sorted(
            (f for f in self.files if f.kind == "sdist"), key=lambda f: not f.filename.endswith(".tar.gz")
        )
        return found[0] if found else None

    @property
    def pure(self) -> bool:
        """Whether it has wheels, and none of them is for a platform."""
        wheels = [f.filename for f in self.files if f.kind == "wheel"]
        return bool(wheels) and all(name.endswith("-none-any.whl") for name in wheels)

    @property
    def one_wheel_a_python(self) -> bool:
        """Whether its published wheels are for one Python each: neither limited API nor ``py3-none``."""
        wheels = [f.filename for f in self.files if f.kind == "wheel"]
        return bool(wheels) and not any("-abi3-" in name or "-none-" in name for name in wheels)


class Registry(Protocol):
    """What knows releases."""

    def releases(self, project: str) -> Mapping[Version, Release]:
        """Every release of a project; raises NotFoundError when the index does not know it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SimpleRegistry:
    """A package index over HTTP: JSON where it speaks it (PEP 691), HTML otherwise (PEP 503)."""

    url: str
    get_text: Callable[[str, str], str]  # (url, Accept) -> body; raises GoneError for a 404
    store: Store | None = None  # where what a page says is kept, so that the same page is not read twice

    def releases(self, project: str) -> Mapping[Version, Release]:
        """Every release of a project, by version."""
        name = canonicalize_name(project)
        address = f"{self.url.rstrip('/')}/{name}/"
        try:
            body = self.get_text(address, ACCEPT)
        except GoneError:
            raise NotFoundError(
                f"the package index has no project named {project!r}", hint="check the spelling of the name"
            ) from None
        return _group(name, self._read(name, body, address))

    def _read(self, name: str, body: str, address: str) -> list[tuple[str | None, IndexFile]]:
        """What a page says, the version of each file before it: as kept, where the page is the same."""
        if self.store is None:
            return _parse_page(name, body, address)
        key = hashlib.sha256(address.encode()).hexdigest()
        page = f"{_FORM} {hashlib.sha256(body.encode()).hexdigest()}"
        kept = self.store.get_json(_KEPT, key)
        if kept is not None and kept["page"] == page:
            return [(version, IndexFile(**file)) for version, file in kept["files"]]
        found = _parse_page(name, body, address)
        rows = [(version, asdict(file)) for version, file in found]
        self.store.put_json(_KEPT, key, {"page": page, "files": rows})
        return found

    def locate(self, project: str, filename: str) -> tuple[str, ...]:
        """The addresses of one file of a project."""
        for release in self.releases(project).values():
            for file in release.files:
                if file.filename == filename:
                    return (file.url,)
        raise NotFoundError(
            f"the package index has no file {filename} of {project}",
            hint="update the lock: manyloong root lock --update",
        )


def registry_at(url: str, fetcher: Fetcher, store: Store) -> SimpleRegistry:
    """The index at an address, asked through a fetcher; what its pages say is kept in the store."""

    def get_text(address: str, accept: str) -> str:
        return fetcher.fetch_text((address,), accept=accept)

    return SimpleRegistry(url=url, get_text=get_text, store=store)


def _parse_page(name: str, body: str, address: str) -> list[tuple[str | None, IndexFile]]:
    from pypi_simple import ProjectPage, UnsupportedRepoVersionError  # noqa: PLC0415 - takes 0.2 s, often not needed

    try:
        if body.lstrip().startswith("{"):
            page = ProjectPage.from_json_data(json.loads(body), base_url=address)
        else:
            page = ProjectPage.from_html(name, body, base_url=address)
    except (ValueError, KeyError, TypeError, UnsupportedRepoVersionError) as error:
        raise FetchError(
            f"the package index gave an answer for {name} that is no project page: {error}",
            hint="check the configured index URL: pip config list",
        ) from error
    return [
        (
            package.version,
            IndexFile(
                filename=package.filename,
                url=package.url,
                kind=package.package_type or "",
                sha256=package.digests.get("sha256", ""),
                size_bytes=package.size,
                requires_python=package.requires_python,
                yanked=(package.yanked_reason or "") if package.is_yanked else None,
            ),
        )
        for package in page.packages
    ]


def _group(name: str, files: list[tuple[str | None, IndexFile]]) -> dict[Version, Release]:
    texts: dict[str, list[IndexFile]] = {}
    for text, file in files:
        texts.setdefault(text or "", []).append(file)
    grouped: dict[Version, list[IndexFile]] = {}
    for text, found in texts.items():
        try:
            grouped.setdefault(Version(text), []).extend(found)
        except InvalidVersion:
            continue  # files of before PEP 440; no tool of today installs them
    return {
        version: Release(project=name, version=str(version), files=tuple(found))
        for version, found in grouped.items()
    }


def parse_requirement(text: str) -> Requirement:
    """``name`` or ``name==version`` (any specifier); raises InputError for what is more than that."""
    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        raise InputError(
            f"{text!r} is neither a path that exists nor a requirement: {str(error).splitlines()[0]}",
            hint="for example: manyloong build msgpack==1.2.4",
        ) from None
    if requirement.url or requirement.extras or requirement.marker:
        raise InputError(
            f"{text!r}: only a name and a version can be given here",
            hint=f"try: manyloong build {requirement.name}",
        )
    return requirement


def choose_release(requirement: Requirement, releases: Mapping[Version, Release]) -> Release:
    """The newest release that the requirement admits; yanked ones only when pinned (PEP 592).

    Pre-releases are chosen as pip chooses them (PEP 440). Raises NotFoundError naming the newest there is.
    """
    specifier: SpecifierSet = requirement.specifier
    pinned = any(part.operator in {"==", "==="} and not part.version.endswith(".*") for part in specifier)
    matching = sorted(specifier.filter(releases), reverse=True)
    usable = [version for version in matching if pinned or not releases[version].yanked]
    if usable:
        return releases[usable[0]]
    if matching:
        raise NotFoundError(
            f"every release of {requirement.name} that fits {str(specifier) or 'any version'} is yanked: "
            + ", ".join(str(version) for version in matching[:5]),
            hint=f"name one to build it all the same: manyloong build {requirement.name}=={matching[0]}",
        )
    newest = max((v for v in releases if not releases[v].yanked), default=None)
    raise NotFoundError(
        f"no release of {requirement.name} fits {str(specifier) or 'any version'!s}",
        hint=f"the newest is {requirement.name}=={newest}" if newest else "the project has no releases",
    )


def require_release(project: str, specifiers: str, registry: Registry) -> None:
    """NotFoundError, naming the newest there is, when no release of the project fits the specifiers."""
    releases = registry.releases(project)
    if not any(SpecifierSet(specifiers, prereleases=True).filter(releases)):
        newest = max(releases, default=None)
        raise NotFoundError(
            f"the recipe of {project} is for {specifiers or 'any version'}, and no release fits",
            hint=f"the newest is {project}=={newest}" if newest else "the project has no releases",
        )
