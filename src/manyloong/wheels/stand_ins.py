"""Stand-ins for crates that a lock has to name and no build for the target compiles.

Cargo chooses versions for all platforms and for a project's own tests and benchmarks at once. Where it may
choose from given folders alone, a crate that only those want, and that no folder has, is replaced by an empty
one. It does not compile, so it cannot come into a wheel unseen.
"""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from manyloong.wheels.cargo import CHECKSUM

_NUMBER = re.compile(r"(?P<sign>[<>=^~]*)\s*(?P<parts>\d+(?:\.\d+){0,2})")
_TABLES = ("dependencies", "build-dependencies")
_TESTS = "dev-dependencies"
_LIB = 'compile_error!("{name} stands in for a crate that no folder of --crates has, and it is needed");\n'


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """One row of a manifest: a crate in some version with some features."""

    name: str
    version: str  # the lowest that the row admits
    features: tuple[str, ...]


def lowest_version(requirement: str) -> str:
    """The lowest version, in three parts, that a requirement of The Cargo Book's syntax admits."""
    found = _NUMBER.search(requirement)
    if found is None or found["sign"] in {"<", "<="}:
        return "1.0.0" if found is None else "0.0.0"
    parts = [int(part) for part in found["parts"].split(".")]
    parts = [*parts, 0, 0][:3]
    return ".".join(str(part) for part in (parts if found["sign"] != ">" else [*parts[:2], parts[2] + 1]))


def wishes(sources: Path, folders: tuple[Path, ...], name: str) -> tuple[Wish, ...]:
    """How a crate is asked for by tests and benchmarks of the sources, or for some platforms, by anything."""
    shared = _manifest(sources / "Cargo.toml").get("workspace", {}).get("dependencies", {})
    own = [_manifest(file) for file in sorted(sources.rglob("Cargo.toml"))]
    others = [_manifest(file) for folder in folders for file in sorted(folder.glob("*/Cargo.toml"))]
    rows = [row for document in own for row in _rows(document, tests=True)]
    rows += [row for document in others for row in _rows(document, tests=False)]
    found = [_wish(key, row, shared) for key, row in rows]
    return tuple(wish for wish in found if wish.name == name)


def _manifest(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8", "replace")) if file.is_file() else {}
    except tomllib.TOMLDecodeError:
        return {}  # cargo says what is wrong with it


def _rows(document: Mapping[str, Any], *, tests: bool) -> Iterator[tuple[str, Any]]:
    if tests:
        yield from document.get(_TESTS, {}).items()
    for platform in document.get("target", {}).values():
        for table in (*_TABLES, *([_TESTS] if tests else [])):
            yield from platform.get(table, {}).items()


def _wish(key: str, row: Any, shared: Mapping[str, Any]) -> Wish:
    whole = _table(row)
    if whole.get("workspace"):
        inherited = _table(shared.get(key, {}))
        features = [*inherited.get("features", ()), *whole.get("features", ())]
        whole = {**inherited, "features": features}
    return Wish(
        name=str(whole.get("package", key)),
        version=lowest_version(str(whole.get("version", ""))),
        features=tuple(str(feature) for feature in whole.get("features", ())),
    )


def _table(row: Any) -> dict[str, Any]:
    return dict(row) if isinstance(row, dict) else {"version": str(row)}


def make_stand_ins(wanted: tuple[Wish, ...], place: Path) -> tuple[str, ...]:
    """Write a crate for each version that is wished for and not there; NAME-VERSION of those."""
    features: dict[tuple[str, str], set[str]] = {}
    for wish in wanted:
        features.setdefault((wish.name, wish.version), set()).update(wish.features)
    made = []
    for (name, version), names in sorted(features.items()):
        folder = place / f"{name}-{version}"
        if folder.is_dir():
            continue
        rows = "".join(f"{json.dumps(feature)} = []\n" for feature in sorted(names))
        text = f'[package]\nname = "{name}"\nversion = "{version}"\nedition = "2021"\n\n[features]\n{rows}'
        (folder / "src").mkdir(parents=True)
        (folder / "Cargo.toml").write_text(text, "utf-8")
        (folder / "src/lib.rs").write_text(_LIB.format(name=name), "utf-8")
        (folder / CHECKSUM).write_text(json.dumps({"files": {}, "package": None}), "utf-8")
        made.append(folder.name)
    return tuple(made)
