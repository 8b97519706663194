"""One page from upstream's and ours; pure.

Upstream's files are unchanged and come first. A wheel of ours is added when

- upstream still has its version (a release deleted there disappears here too),
- upstream has no file of the same name, and
- upstream has no loongarch64 wheel that serves every interpreter and machine it serves: a build tag, a newer
  platform tag or a more exact interpreter would otherwise make clients prefer ours to upstream's own.

It is yanked when it was yanked here or when upstream yanked all files of that version.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson

from manyloong.errors import InputError
from manyloong.index.model import PageLine, WheelName
from manyloong.index.names import version_key, wheel_name
from manyloong.index.upstream_page import UpstreamPage
from manyloong.targets import judged_targets

API_VERSION = "1.4"
_ARCHITECTURES = {target.architecture.name for target in judged_targets()}
_PLATFORM = re.compile(r"(manylinux|musllinux)_(\d+)_(\d+)_(\w+)")
_INTERPRETER = re.compile(r"([a-z]+)(\d)(\d*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class MergedPage:
    """The PEP 691 document, and which of our files upstream has replaced."""

    document: dict[str, Any]  # its own files may be orjson.Fragment
    replaced: tuple[str, ...]


def merged_page(project: str, *, upstream: UpstreamPage, ours: Iterable[PageLine], local: bool) -> MergedPage:
    """The page of a project; a local project is ours alone, whatever upstream has under that name."""
    if local:
        return _local_page(project, ours)
    document = dict(upstream.document)
    document.setdefault("meta", {"api-version": API_VERSION})
    document["name"] = project
    releases = _Releases(upstream)
    shown, replaced = [], []
    for file in () if releases.quarantined else ours:
        if not releases.has(file.version):
            continue
        if releases.covers(file.filename):
            replaced.append(file.filename)
        else:
            shown.append(_entry(file, releases))
    document["files"] = [*upstream.files, *shown]
    return MergedPage(document=document, replaced=tuple(replaced))


def offline_page(project: str, ours: Iterable[PageLine]) -> MergedPage:
    """Our files alone, for when upstream does not answer and nothing of it is remembered."""
    return _local_page(project, ours)


def _local_page(project: str, ours: Iterable[PageLine]) -> MergedPage:
    files = list(ours)
    versions = sorted({file.version for file in files})
    document = {
        "meta": {"api-version": API_VERSION},
        "name": project,
        "versions": versions,
        "files": [orjson.Fragment(file.entry) for file in files],
    }
    return MergedPage(document=document, replaced=())


def _entry(file: PageLine, releases: "_Releases") -> Any:
    yanked = False if file.yanked else releases.yanked(file.version)
    if not yanked:
        return orjson.Fragment(file.entry)
    return {**orjson.loads(file.entry), "yanked": yanked}


class _Releases:
    """What merging asks of an upstream page; each question is worked out once, when first asked."""

    def __init__(self, upstream: UpstreamPage) -> None:
        self.files = upstream.files
        status = upstream.document.get("project-status")
        self.quarantined = isinstance(status, dict) and status.get("status") == "quarantined"
        listed = upstream.document.get("versions")
        self._spelled = {text for text in listed if isinstance(text, str)} if listed else set()
        self._listed: set[str] | None = None  # the same as keys, made when a spelling is not found
        self._of_version: dict[str, list[dict[str, Any]]] | None = None
        self._keys: dict[str, str] = {}
        self._has: dict[str, bool] = {}
        self._wheels: list[WheelName] | None = None
        self._any_yanked: bool | None = None
        self._names: set[str] | None = None

    def has(self, version: str) -> bool:
        if version in self._spelled:
            return True
        found = self._has.get(version)
        if found is None:
            if self._spelled and self._listed is None:
                self._listed = {version_key(text) for text in self._spelled}
            known = self._listed if self._listed is not None else self._by_version()
            found = self._has[version] = self._key(version) in known
        return found

    def yanked(self, version: str) -> str | bool:
        """False, or why every file of a version is yanked (True where no reason is given)."""
        if self._any_yanked is None:
            self._any_yanked = any(entry.get("yanked") for entry in self.files)
        if not self._any_yanked:
            return False
        entries = self._by_version().get(self._key(version), [])
        reasons = [entry.get("yanked") or False for entry in entries]
        if not reasons or not all(reasons):
            return False
        return next((reason for reason in reasons if isinstance(reason, str)), True)

    def covers(self, filename: str) -> bool:
        """Whether upstream has this file, or one that makes it superfluous."""
        if self._names is None:
            self._names = {entry["filename"] for entry in self.files}
        if filename in self._names:
            return True
        native = self._native()
        if not native:
            return False
        ours = wheel_name(filename)
        return any(covers(wheel, ours) for wheel in native)

    def _key(self, version: str) -> str:
        if version not in self._keys:
            self._keys[version] = version_key(version)
        return self._keys[version]

    def _native(self) -> list[WheelName]:
        """Upstream's wheels for our architectures."""
        if self._wheels is None:
            names = [entry["filename"] for entry in self.files]
            native = [name for name in names if any(arch in name for arch in _ARCHITECTURES)]
            self._wheels = [wheel for name in native if (wheel := _wheel_or_none(name))]
        return self._wheels

    def _by_version(self) -> dict[str, list[dict[str, Any]]]:
        if self._of_version is None:
            self._of_version = {}
            for entry in self.files:
                key = self._key(_version_of(entry["filename"]))
                self._of_version.setdefault(key, []).append(entry)
        return self._of_version


def release_times(upstream: UpstreamPage, version: str) -> list[str]:
    """When upstream's files of a version were uploaded, the first first."""
    key = version_key(version)
    times = [
        entry["upload-time"]
        for entry in upstream.files
        if isinstance(entry.get("upload-time"), str) and version_key(_version_of(entry["filename"])) == key
    ]
    return sorted(times)


def has_version(upstream: UpstreamPage, version: str) -> bool:
    """Whether upstream has a release of that version."""
    return _Releases(upstream).has(version)


def is_quarantined(upstream: UpstreamPage) -> bool:
    """Whether upstream holds the project in quarantine (PEP 792)."""
    return _Releases(upstream).quarantined


def upstream_covers(upstream: UpstreamPage, ours: WheelName) -> bool:
    """Whether a wheel of ours would be hidden by what upstream ships."""
    return _Releases(upstream).covers(ours.filename)


def covers(theirs: WheelName, ours: WheelName) -> bool:
    """Whether one wheel installs wherever the other does: release, interpreters and machines."""
    if version_key(theirs.version) != version_key(ours.version):
        return False
    if not all(
        _serves(theirs, python, abi) for python in ours.python.split(".") for abi in ours.abi.split(".")
    ):
        return False
    machines = [floor for tag in theirs.platform.split(".") if (floor := _floor(tag))]
    wanted = [floor for tag in ours.platform.split(".") if (floor := _floor(tag))]
    return bool(wanted) and all(
        any(family == mine and machine == arch and floor <= minimum for family, floor, machine in machines)
        for mine, minimum, arch in wanted
    )


def _serves(wheel: WheelName, python: str, abi: str) -> bool:
    """Whether a wheel is for an interpreter: the same, an abi3 of an older one, or any Python 3."""
    for tag in wheel.python.split("."):
        for known in wheel.abi.split("."):
            if (tag, known) == (python, abi):
                return True
            theirs, wanted = _interpreter(tag), _interpreter(python)
            if known == "none" and tag.startswith("py") and theirs <= wanted:
                return True
            if known == "abi3" and tag.startswith("cp") and not abi.endswith("t") and theirs <= wanted:
                return True
    return False


def _interpreter(tag: str) -> tuple[int, int]:
    match = _INTERPRETER.fullmatch(tag)
    return (int(match[2]), int(match[3] or 0)) if match else (99, 0)


def _floor(tag: str) -> tuple[str, tuple[int, int], str] | None:
    match = _PLATFORM.fullmatch(tag)
    return (match[1], (int(match[2]), int(match[3])), match[4]) if match else None


def _wheel_or_none(filename: str) -> WheelName | None:
    try:
        return wheel_name(filename)
    except InputError:
        return None


def _version_of(filename: str) -> str:
    """The version in a file name; wheels and sdists. Cheap: big pages have 10,000 of them."""
    if filename.endswith(".whl"):
        parts = filename.split("-", 2)
        return parts[1] if len(parts) > 2 else ""
    stem = filename.removesuffix(".tar.gz").removesuffix(".zip").removesuffix(".tar.bz2")
    return stem.rpartition("-")[2]
