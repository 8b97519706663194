"""An upstream page as the cache keeps it: finished bytes, and the few facts that merging asks of it.

Pages of 10,000 files are merged in milliseconds because nothing of them is parsed again: our file objects are
put before the closing brackets, which ``files`` being the last key makes possible.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import orjson

from manyloong.errors import InputError
from manyloong.index.model import WheelName
from manyloong.index.names import version_key, wheel_name
from manyloong.index.upstream_page import UpstreamPage
from manyloong.targets import judged_targets

API_VERSION = "1.4"
_ARCHITECTURES = {target.architecture.name for target in judged_targets()}


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamReleases:
    """Which releases upstream has, which of them it yanked, and its wheels for our architectures."""

    quarantined: bool
    versions: frozenset[str]  # each as it is spelled, and as a key
    yanked: Mapping[str, str | bool]  # by key, where every file of a version is: the reason, or True
    native: tuple[WheelName, ...]
    serial: str  # of the page, "" without one

    def has(self, version: str) -> bool:
        """Whether there is a release of that version."""
        return version in self.versions or version_key(version) in self.versions

    def to_json(self) -> str:
        """For the cache."""
        document = {
            "quarantined": self.quarantined,
            "versions": sorted(self.versions),
            "yanked": dict(self.yanked),
            "native": [wheel.filename for wheel in self.native],
            "serial": self.serial,
        }
        return orjson.dumps(document).decode()

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The inverse of to_json."""
        document = orjson.loads(text)
        return cls(
            quarantined=document["quarantined"],
            versions=frozenset(document["versions"]),
            yanked=document["yanked"],
            native=tuple(wheel_name(name) for name in document["native"]),
            serial=document["serial"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPage:
    """PEP 691 JSON that ends with its list of files, and what it says of releases."""

    content: bytes
    releases: UpstreamReleases


def stored_page(page: UpstreamPage, *, project: str) -> StoredPage:
    """The form that the cache keeps of a page."""
    document = {"meta": {"api-version": API_VERSION}, **page.document, "name": project}
    document["files"] = document.pop("files")  # last
    return StoredPage(content=orjson.dumps(document), releases=upstream_releases(page))


def with_files(content: bytes, entries: Iterable[str]) -> bytes:
    """The content of a StoredPage with file objects (JSON) added after its own."""
    joined = ",".join(entries).encode("utf-8", "replace")
    if not joined:
        return content
    comma = b"" if content.endswith(b"[]}") else b","
    return b"".join((memoryview(content)[:-2], comma, joined, b"]}"))


def upstream_releases(page: UpstreamPage) -> UpstreamReleases:
    """The facts of a page."""
    status = page.document.get("project-status")
    by_version: dict[str, list[Any]] = {}
    keys: dict[str, str] = {}
    for entry in page.files:
        text = version_of(entry["filename"])
        key = keys.get(text) or keys.setdefault(text, version_key(text))
        by_version.setdefault(key, []).append(entry.get("yanked") or False)
    listed = [text for text in page.document.get("versions") or () if isinstance(text, str)]
    names = [entry["filename"] for entry in page.files]
    wheels = [_wheel_or_none(name) for name in names if any(arch in name for arch in _ARCHITECTURES)]
    return UpstreamReleases(
        quarantined=isinstance(status, dict) and status.get("status") == "quarantined",
        versions=frozenset([*listed, *map(version_key, listed)] if listed else by_version),
        yanked={key: _reason(reasons) for key, reasons in by_version.items() if all(reasons)},
        native=tuple(wheel for wheel in wheels if wheel),
        serial=_serial(page.document.get("meta")),
    )


def version_of(filename: str) -> str:
    """The version in a file name; wheels and sdists. Cheap: big pages have 10,000 of them."""
    if filename.endswith(".whl"):
        parts = filename.split("-", 2)
        return parts[1] if len(parts) > 2 else ""
    stem = filename.removesuffix(".tar.gz").removesuffix(".zip").removesuffix(".tar.bz2")
    return stem.rpartition("-")[2]


def _reason(reasons: list[Any]) -> str | bool:
    return next((reason for reason in reasons if isinstance(reason, str)), True)


def _serial(meta: Any) -> str:
    serial = str(meta.get("_last-serial", "")) if isinstance(meta, dict) else ""
    return serial if serial.isascii() and serial.isalnum() and len(serial) < 40 else ""


def _wheel_or_none(filename: str) -> WheelName | None:
    try:
        return wheel_name(filename)
    except InputError:
        return None
