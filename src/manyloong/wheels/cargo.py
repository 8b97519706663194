"""What Rust sources say of themselves: Cargo projects, crates that are locked, crates that are vendored.

Read without running anything. Cargo.lock has names every crate with the SHA-256 of its archive (The Cargo
Book, "Cargo.toml vs Cargo.lock"); a directory source has that digest in ``.cargo-checksum.json``.
"""

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from manyloong.errors import InputError

CHECKSUM = ".cargo-checksum.json"
_HEX = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")
_VERSION = re.compile(r"[0-9][A-Za-z0-9.+-]*")
_CONFIGS = (".cargo/config.toml", ".cargo/config")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Crate:
    """One row of Cargo.lock that is not of the package itself."""

    name: str
    version: str
    checksum: str  # SHA-256 of its archive; empty for one of a git repository
    source: str

    @property
    def label(self) -> str:
        """As messages name it."""
        return f"{self.name} {self.version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CargoProject:
    """One Cargo.toml that the build starts from."""

    manifest: Path
    lock: Path | None
    vendored: Path | None  # the directory source that its own configuration names


def cargo_projects(sources: Path) -> tuple[CargoProject, ...]:
    """The projects of a working copy: those that pyproject.toml names, or else those that look like them.

    That is the topmost Cargo.toml, and each one with a Cargo.lock beside it. InputError for broken TOML.
    """
    manifests = _named(sources) or _found(sources)
    return tuple(
        CargoProject(
            manifest=manifest,
            lock=_upwards(manifest.parent, "Cargo.lock", sources),
            vendored=_vendored(manifest.parent, sources),
        )
        for manifest in manifests
    )


def _named(sources: Path) -> tuple[Path, ...]:
    tool = _toml(sources / "pyproject.toml").get("tool", {})
    maturin = tool.get("maturin", {}).get("manifest-path")
    modules = [
        row
        for key in ("ext-modules", "bins")
        for row in tool.get("setuptools-rust", {}).get(key, ())
        if isinstance(row, dict)
    ]
    words = [str(maturin)] if maturin else [str(row.get("path", "Cargo.toml")) for row in modules]
    found = (sources / word for word in dict.fromkeys(words))
    return tuple(
        path for path in found if path.is_file() and path.resolve().is_relative_to(sources.resolve())
    )


def _found(sources: Path) -> tuple[Path, ...]:
    manifests = [path for path in sources.rglob("Cargo.toml") if not _is_vendored(path, sources)]
    manifests.sort(key=lambda path: (len(path.parts), str(path)))
    locked = [path for path in manifests if (path.parent / "Cargo.lock").is_file()]
    return tuple(locked or manifests[:1])


def _is_vendored(path: Path, sources: Path) -> bool:
    folders = [path.parent, *path.parent.parents]
    inside = folders[: folders.index(sources) + 1]
    return any((folder / CHECKSUM).is_file() for folder in inside)


def _upwards(folder: Path, name: str, sources: Path) -> Path | None:
    for place in (folder, *folder.parents):
        if (place / name).is_file():
            return place / name
        if place == sources:
            return None
    return None


def _vendored(folder: Path, sources: Path) -> Path | None:
    """The folder that stands for the registry by the project's own configuration of cargo."""
    for name in _CONFIGS:
        file = _upwards(folder, name, sources)
        table: dict[str, Any] = _toml(file).get("source", {}) if file else {}
        seen: set[str] = set()
        key = "crates-io"
        while isinstance(table.get(key), dict) and key not in seen:
            seen.add(key)
            row: dict[str, Any] = table[key]
            if file and isinstance(row.get("directory"), str):
                return file.parent.parent / str(row["directory"])
            key = str(row.get("replace-with", ""))
    return None


def _toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8", "replace")) if file.is_file() else {}
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{file.name} of the sources is not TOML: {error}") from None


def read_cargo_lock(file: Path) -> tuple[Crate, ...]:
    """Every crate that does not lie in the sources, sorted; InputError for a file that is no Cargo.lock."""
    rows = _toml(file).get("package", [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InputError(
            f"{file.name} of the sources has no list of packages", hint="make it anew with cargo"
        )
    return tuple(sorted(_crate(row) for row in rows if row.get("source")))


def _crate(row: Mapping[str, object]) -> Crate:
    crate = Crate(
        name=str(row.get("name", "")),
        version=str(row.get("version", "")),
        checksum=_digest(row.get("checksum")),
        source=str(row["source"]),
    )
    if not (_NAME.fullmatch(crate.name) and _VERSION.fullmatch(crate.version)):
        raise InputError(f"Cargo.lock of the sources: not a crate: {crate.label!r}")
    return crate


def _digest(text: object) -> str:
    """A SHA-256, or empty: a distribution's crates may say in words that they have none."""
    return text if isinstance(text, str) and _HEX.fullmatch(text) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CrateFolder:
    """A crate in a directory source."""

    checksum: str  # of its archive, as the folder says; empty where it does not
    path: Path


def find_crate(directory: Path, name: str, version: str) -> CrateFolder | None:
    """A crate of a directory source (``cargo vendor``, or a distribution's), by its folder's name."""
    for folder in (
        directory / f"{name}-{version}",
        directory / name,
        *sorted(directory.glob(f"{name}-[0-9]*")),
    ):
        package = _toml(folder / "Cargo.toml").get("package", {})
        if isinstance(package, dict) and (package.get("name"), package.get("version")) == (name, version):
            return CrateFolder(checksum=_stated(folder / CHECKSUM), path=folder)
    return None


def _stated(file: Path) -> str:
    try:
        return _digest(json.loads(file.read_text("utf-8")).get("package"))
    except (OSError, ValueError, AttributeError):
        return ""
