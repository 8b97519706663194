"""What Rust builds compiled, kept for the next: all of it for the same job, its crates for other sources.

Cargo sees by digests that a crate is the one that was compiled. Of a package that lies in the sources it only
sees times, which say nothing here, so what was compiled of those is forgotten where the sources differ.
"""

import hashlib
import json
import shutil
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

from manyloong.roots import Root
from manyloong.store import Store
from manyloong.wheels import cross
from manyloong.wheels.backend import Workplace
from manyloong.wheels.job import Job

TARGET_DIR = f"{cross.BUILD}/.cargo-target"
KIND = "cargo-target"
_NEWEST = "cargo-newest"  # JSON: which tree has the crates of a key
_FINGERPRINTS = ".fingerprint"  # PACKAGE-HASH: what cargo compares
_PACKAGED = ("wheels", "maturin")  # what maturin makes of what was compiled


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptKeys:
    """Names of what a build compiles."""

    whole: str  # SHA-256 of all that decides it
    crates: str  # the same without the sources; "" where those bring their crates


def kept_keys(job: Job, layered: Root, crates: Path, *, vendored: bool) -> KeptKeys:
    """Keys from the job as it is built, the compilers, the crates and the lane."""
    sourceless = replace(job, source=replace(job.source, sha256=""))
    return KeptKeys(
        whole=_digest([job.build_id, layered.id, crates.name, job.lane]),
        crates=""
        if vendored
        else _digest([job.source.name or "", sourceless.build_id, layered.id, crates.name, job.lane]),
    )


def _digest(document: list[str]) -> str:
    return hashlib.sha256(json.dumps(document).encode()).hexdigest()


def lay_kept(keys: KeptKeys, own: Collection[str], workplace: Workplace, store: Store) -> None:
    """Lay what was compiled before into a working copy; ``own``: packages that lie in its sources."""
    place = workplace.path / Path(TARGET_DIR).name
    whole = store.tree_path(KIND, keys.whole)
    if whole is not None:
        shutil.copytree(whole, place, symlinks=True)
        return
    newest = store.get_json(_NEWEST, keys.crates) if keys.crates else None
    tree = store.tree_path(KIND, newest["tree"]) if newest else None
    if tree is None:
        return
    shutil.copytree(tree, place, symlinks=True, ignore=shutil.ignore_patterns(*_PACKAGED))
    for package in place.rglob(f"{_FINGERPRINTS}/*"):
        if package.name.rpartition("-")[0] in own:
            shutil.rmtree(package)


def keep_compiled_crates(keys: KeptKeys, workplace: Workplace, store: Store) -> None:
    """Put what a build compiled into the store."""
    made = workplace.path / Path(TARGET_DIR).name
    if made.is_dir():
        store.tree(KIND, keys.whole, lambda tree: _copy(made, tree))
        if keys.crates:
            store.put_json(_NEWEST, keys.crates, {"tree": keys.whole})


def _copy(source: Path, tree: Path) -> None:
    shutil.copytree(source, tree, symlinks=True, dirs_exist_ok=True)
