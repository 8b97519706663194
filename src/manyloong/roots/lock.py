"""Locks as files: canonical TOML, sorted, one line a package."""

import hashlib
import json
import re
import tomllib
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

from manyloong.errors import IntegrityError, LockError
from manyloong.roots.model import LockedPackage, RootLock, RootSpec

_HEADER = "# Made by `manyloong root lock {root}`; do not edit.\n"
_SAFE = re.compile(r"[A-Za-z0-9+.:~_/%-]+")
_DECISIVE = ("name", "version", "path", "sha256", "size")  # fields of a package: not its licence
_EXPECTED = ("tree", "spec")  # fields that say what comes out; all others decide it
_LICENCE = re.compile(r"[A-Za-z0-9+.:,()~_/ -]*")
_HEX = re.compile(r"[0-9a-f]{64}")


def committed_lock(name: str) -> RootLock:
    """The lock of a root that comes with this package; LockError if there is none."""
    resource = files("manyloong").joinpath("locks", f"{name}.toml")
    if not resource.is_file():
        raise LockError(f"there is no lock for root {name!r}", hint=f"make one: manyloong root lock {name}")
    return parse_lock(resource.read_text("utf-8"), where=f"lock of {name}")


def has_lock(name: str) -> bool:
    """Whether this package comes with a lock for that root."""
    return files("manyloong").joinpath("locks", f"{name}.toml").is_file()


def parse_lock(text: str, *, where: str) -> RootLock:
    """A lock from its TOML; IntegrityError that says what is wrong with it."""
    try:
        document = tomllib.loads(text)
        date = document["date"]
        lock = RootLock(
            root=str(document["root"]),
            architecture=str(document["architecture"]),
            suite=str(document["suite"]),
            date=date.astimezone(UTC),
            recipe=int(document["recipe"]),
            packages=tuple(LockedPackage(**row) for row in document["packages"]),
            tree=str(document.get("tree", "")),
            spec=str(document.get("spec", "")),
        )
        _check(lock)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise IntegrityError(f"{where}: {type(error).__name__}: {error}") from error
    return lock


def _check(lock: RootLock) -> None:
    for digest in (lock.tree, lock.spec):
        if digest and not _HEX.fullmatch(digest):
            raise ValueError(f"not a SHA-256: {digest!r}")
    names = [package.name for package in lock.packages]
    if names != sorted(set(names)):
        raise ValueError("packages are not sorted, or one is there twice")
    for package in lock.packages:
        for text in (package.name, package.version, package.path):
            if not _SAFE.fullmatch(text) or ".." in text.split("/"):
                raise ValueError(f"{package.name}: unexpected characters in {text!r}")
        if not _LICENCE.fullmatch(package.licence):
            raise ValueError(f"{package.name}: unexpected characters in its licence")
        if not _HEX.fullmatch(package.sha256) or package.size <= 0:
            raise ValueError(f"{package.name}: bad sha256 or size")


def _row(package: LockedPackage) -> str:
    fields = asdict(package)
    words = [f'{name} = "{fields[name]}"' for name in _DECISIVE if name != "size"]
    licence = f', licence = "{package.licence}"' if package.licence else ""
    return f"  {{ {', '.join(words)}, size = {package.size}{licence} }},\n"


def format_lock(lock: RootLock) -> str:
    """The one text of a lock."""
    rows = [_row(package) for package in lock.packages]
    tree = f'tree = "{lock.tree}"\nspec = "{lock.spec}"\n' if lock.tree else ""
    return (
        _HEADER.format(root=lock.root) + f'root = "{lock.root}"\n'
        f'architecture = "{lock.architecture}"\n'
        f'suite = "{lock.suite}"\n'
        f"date = {lock.date.astimezone(UTC).strftime('%Y-%m-%dT%H:%M:%SZ')}\n"
        f"recipe = {lock.recipe}\n{tree}"
        f"packages = [\n{''.join(rows)}]\n"
    )


def lock_document(lock: RootLock) -> dict[str, Any]:
    """The lock as plain JSON values."""
    return asdict(lock) | {"date": lock.date.astimezone(UTC).isoformat()}


def lock_from_document(document: dict[str, Any]) -> RootLock:
    """The inverse of ``lock_document``."""
    packages = tuple(LockedPackage(**row) for row in document["packages"])
    return RootLock(**(document | {"packages": packages, "date": datetime.fromisoformat(document["date"])}))


def root_id(lock: RootLock, spec: RootSpec) -> str:
    """SHA-256 over all that decides the tree: the lock used, the spec and the recipe (inside the lock)."""
    document = lock_document(lock)
    inputs = {name: value for name, value in document.items() if name not in _EXPECTED}
    inputs["packages"] = [{key: row[key] for key in _DECISIVE} for row in document["packages"]]
    return _digest({"lock": inputs, "spec": asdict(spec)})


def spec_digest(spec: RootSpec) -> str:
    """SHA-256 of a spec: what a lock's ``tree`` is the tree of, besides the lock."""
    return _digest(asdict(spec))


def _digest(document: dict[str, Any]) -> str:
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()
