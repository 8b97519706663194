"""Making a lock again from the newest signed index."""

from collections.abc import Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

from manyloong.events import Listener
from manyloong.roots.ensure import Sources, fetch_packages
from manyloong.roots.index import Clock, read_index, utc_now
from manyloong.roots.licences import with_licences
from manyloong.roots.lock import committed_lock, has_lock, root_id, spec_digest
from manyloong.roots.model import RootLock, RootSpec
from manyloong.roots.resolve import lock_changes, resolve_lock
from manyloong.roots.spec import all_specs, root_spec
from manyloong.store import Fetcher, Store


def renew_lock(
    name: str,
    *,
    fetcher: Fetcher,
    mirrors: Sequence[str],
    listener: Listener,
    locked: bool = False,
    clock: Clock = utc_now,
) -> tuple[RootLock, tuple[str, ...], str]:
    """The lock a root would get today, a line for each package that differs, and who signed the index.

    Raises FetchError, IntegrityError (no signature), LockError (``locked`` and the index is past its date),
    NotFoundError (a package is no longer there).
    """
    spec = root_spec(name)
    index = read_index(
        spec.suite,
        spec.architecture,
        mirrors=mirrors,
        fetcher=fetcher,
        listener=listener,
        locked=locked,
        clock=clock,
    )
    new = resolve_lock(spec, index.packages, date=index.date)
    changes: tuple[str, ...] = ()
    if has_lock(name):
        new, changes = settled(committed_lock(name), new, spec)
    return new, changes, f"index of {index.date:%Y-%m-%d}, signed by {', '.join(index.signers)}"


def settled(old: RootLock, new: RootLock, spec: RootSpec) -> tuple[RootLock, tuple[str, ...]]:
    """What a lock becomes, and a line for each package that differs.

    One of the same packages stays as it is: a newer index alone is no reason for another id, and the tree it
    expects is known as long as its spec is the same.
    """
    if root_id(replace(new, date=old.date), spec) == root_id(old, spec):
        return (old if old.spec == spec_digest(spec) else replace(old, tree="", spec="")), ()
    others = tuple(
        f"{old.root}: {name} {getattr(old, name)} -> {getattr(new, name)}"
        for name in ("architecture", "suite", "recipe")
        if getattr(old, name) != getattr(new, name)
    )
    return new, others + lock_changes(old, new)


def complete_lock(
    lock: RootLock, *, fetcher: Fetcher, mirrors: Sequence[str], listener: Listener, store: Store
) -> RootLock:
    """The lock with every package's licence: from the committed lock, or from its .deb, fetched for that.

    Raises FetchError (GoneError: a file is on no mirror), IntegrityError.
    """
    known = committed_lock(lock.root) if has_lock(lock.root) else None
    found = with_licences(lock, known, {})
    if all(package.licence for package in found.packages):
        return found
    sources = Sources(store=store, fetcher=fetcher, mirrors=mirrors, listener=listener)
    return with_licences(lock, known, fetch_packages(lock, sources))


def locked_roots() -> tuple[str, ...]:
    """Every root that has a lock."""
    return tuple(spec.name for spec in all_specs() if has_lock(spec.name))


def locks_directory() -> Path:
    """Where the locks in use are kept, inside this package."""
    return Path(str(files("manyloong").joinpath("locks")))
