"""The values of the index: files of ours, an upstream page, tokens, and why something was refused."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from manyloong.errors import ManyloongError

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The present, aware and in UTC: the real Clock."""
    return datetime.now(UTC)


def format_time(moment: datetime) -> str:
    """RFC 3339 in UTC with microseconds, as PEP 700 asks for ``upload-time``; sorts as text."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_time(text: str) -> datetime:
    """The inverse of format_time; also takes what other indexes write."""
    return datetime.fromisoformat(text).astimezone(UTC)


class State(StrEnum):
    """What clients see of a file."""

    PUBLISHED = "published"  # on the page
    WITHDRAWN = "withdrawn"  # not on the page, bytes stay at their URL for lock files
    QUARANTINED = "quarantined"  # neither


class RefusedError(ManyloongError):
    """A request the index does not carry out; ``status`` is the HTTP status that says so."""

    exit_code = 12

    def __init__(self, message: str, *, status: int = 400, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelName:
    """The parts of a wheel's file name (PEP 427), the project normalised and the version canonical."""

    filename: str
    project: str
    version: str
    build: str  # "" without a build tag
    python: str
    abi: str
    platform: str


def blob_key(sha256: str, filename: str) -> str:
    """Where a file's bytes are, in storage and below ``/files/``."""
    return f"{sha256[:2]}/{sha256[2:4]}/{sha256[4:]}/{filename}"


# A wheel of ours as a page needs it: file name, version, whether it is yanked, and its finished PEP 691 file
# object as JSON. A plain tuple, as the database gives it: pages of 10,000 are made in milliseconds.
PageLine = tuple[str, str, bool, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalFile:
    """A wheel of ours; ``entry`` is its finished PEP 691 file object as JSON."""

    name: WheelName
    sha256: str
    size_bytes: int
    state: State
    yanked: bool
    yanked_reason: str
    uploaded_at: str
    released_at: str
    entry: str

    @property
    def line(self) -> PageLine:
        """What its project's page needs of it."""
        return (self.name.filename, self.name.version, self.yanked, self.entry)

    @property
    def key(self) -> str:
        """Where its bytes are, in storage and below ``/files/``."""
        return blob_key(self.sha256, self.name.filename)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFile:
    """All that is stored of an accepted upload."""

    name: WheelName
    sha256: str
    size_bytes: int
    metadata: bytes
    requires_python: str
    summary: str
    released_at: str  # when upstream released this version; "" where unknown
    attachments: tuple["Attachment", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A document that belongs to a file: verdict, record, log, sbom or provenance."""

    kind: str
    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A project of which we hold files, or that was declared local."""

    name: str
    local: bool
    revision: int  # grows with every change of its page


class Finding(Protocol):
    """One thing the auditor has to say of a wheel."""

    @property
    def rule(self) -> str: ...
    @property
    def message(self) -> str: ...


class Verdict(Protocol):
    """What the auditor decided."""

    @property
    def accepted(self) -> bool: ...
    @property
    def findings(self) -> tuple[Any, ...]: ...
    def to_json(self) -> Any: ...


# Reads a wheel and judges it for its own platform tag.
Auditor = Callable[[Path, str], Verdict]
