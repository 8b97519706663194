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

import orjson

from manyloong.index.model import PageLine, WheelName
from manyloong.index.names import version_key, wheel_name
from manyloong.index.stored_page import API_VERSION, StoredPage, UpstreamReleases, version_of, with_files
from manyloong.index.upstream_page import UpstreamPage

_PLATFORM = re.compile(r"(manylinux|musllinux)_(\d+)_(\d+)_(\w+)")
_INTERPRETER = re.compile(r"([a-z]+)(\d)(\d*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class MergedPage:
    """The PEP 691 document as JSON, and which of our files upstream has replaced."""

    content: bytes
    replaced: tuple[str, ...]


def merged_page(*, upstream: StoredPage, ours: Iterable[PageLine]) -> MergedPage:
    """Upstream's page of a project with ours added."""
    releases = upstream.releases
    native = {wheel.filename for wheel in releases.native}
    known: dict[str, bool] = {}
    shown: list[str] = []
    replaced: list[str] = []
    for filename, version, yanked, entry in () if releases.quarantined else ours:
        has = known.get(version)
        if has is None:
            has = known[version] = releases.has(version)
        if not has:
            continue
        if native and (filename in native or is_covered(wheel_name(filename), releases)):
            replaced.append(filename)
        elif releases.yanked and not yanked:
            shown.append(_entry(entry, yanked=releases.yanked.get(version_key(version), False)))
        else:
            shown.append(entry)
    return MergedPage(content=with_files(upstream.content, shown), replaced=tuple(replaced))


def shows_all(releases: UpstreamReleases, versions: Iterable[str]) -> bool:
    """Whether every file of ours of these versions is on the page as it is: none need be looked at."""
    special = releases.quarantined or releases.native or releases.yanked
    return not special and all(releases.has(version) for version in versions)


def local_page(project: str, *, versions: Iterable[str], entries: Iterable[str]) -> bytes:
    """Ours alone: for a local project, and while upstream does not answer and nothing of it is remembered."""
    head = {
        "meta": {"api-version": API_VERSION},
        "name": project,
        "versions": sorted(versions),
        "files": [],
    }
    return with_files(orjson.dumps(head), entries)


def is_covered(ours: WheelName, releases: UpstreamReleases) -> bool:
    """Whether a wheel of ours is hidden by what upstream ships."""
    return any(theirs.filename == ours.filename or covers(theirs, ours) for theirs in releases.native)


def _entry(entry: str, *, yanked: str | bool) -> str:
    if not yanked:
        return entry
    return orjson.dumps({**orjson.loads(entry), "yanked": yanked}).decode()


def release_times(upstream: UpstreamPage, version: str) -> list[str]:
    """When upstream's files of a version were uploaded, the first first."""
    key = version_key(version)
    times = [
        entry["upload-time"]
        for entry in upstream.files
        if isinstance(entry.get("upload-time"), str) and version_key(version_of(entry["filename"])) == key
    ]
    return sorted(times)


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
