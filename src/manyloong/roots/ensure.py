"""Roots from the store; what is missing is fetched, unpacked and finished first.

A root's id is the SHA-256 of the lock that was used, the spec and the recipe number, so a tree in the store
is never out of date. Where a mirror no longer has a locked file, the lock is refreshed from the signed index;
the difference is warned of and stays with the root as its drift.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from manyloong.errors import FetchError, GoneError, HostError, IntegrityError, LockError
from manyloong.events import Listener, Warned
from manyloong.roots.build import Tools, build_emulator, build_root
from manyloong.roots.index import Clock, Keys, archive_keys, read_index, utc_now
from manyloong.roots.lock import committed_lock, lock_document, lock_from_document, root_id, spec_digest
from manyloong.roots.model import Root, RootLock, RootSpec
from manyloong.roots.resolve import lock_changes, refresh_lock
from manyloong.roots.spec import root_spec
from manyloong.sandbox import Emulator, Runner
from manyloong.store import Fetcher, RemoteFile, Store
from manyloong.store.normalise import tree_digest
from manyloong.targets import Architecture, Host, all_targets, host

REFRESH_ROUNDS = 3  # a new version's file can be missing too


class Build(Protocol):
    """Fills an empty directory from the packages of a lock."""

    def __call__(self, tree: Path, *, lock: RootLock, packages: Mapping[str, Path]) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """The doors through which packages come."""

    store: Store
    fetcher: Fetcher
    mirrors: Sequence[str]
    listener: Listener
    locked: bool = False
    clock: Clock = utc_now
    keys: Keys = archive_keys


def ensure_root(
    name: str,
    *,
    store: Store,
    fetcher: Fetcher,
    mirrors: Sequence[str],
    runner: Runner,
    listener: Listener,
    locked: bool = False,
) -> Root:
    """The finished root of that name.

    Raises FetchError, IntegrityError, LockError (``locked`` and a file is gone), HostError (this host cannot
    run the root's programs), NotFoundError (unknown name).
    """
    sources = Sources(store=store, fetcher=fetcher, mirrors=mirrors, listener=listener, locked=locked)
    return ensure_root_from(root_spec(name), committed_lock(name), runner=runner, sources=sources)


def ensure_root_from(spec: RootSpec, lock: RootLock, *, runner: Runner, sources: Sources) -> Root:
    """The finished root of a spec and a lock; errors as ``ensure_root``."""
    found = _finished(spec, lock, sources)
    if found is not None:
        return found
    if spec.only:
        return _made(spec, lock, sources, partial(build_emulator, spec=spec))
    machine = host(os.uname().machine)
    _foreign_architecture(spec, machine)  # before anything is fetched

    def build(tree: Path, *, lock: RootLock, packages: Mapping[str, Path]) -> None:
        tools = _tools(spec, machine, runner=runner, sources=sources)
        build_root(tree, spec=spec, lock=lock, packages=packages, tools=tools)

    return _made(spec, lock, sources, build)


def ensure_emulator(
    host: Host,
    architecture: Architecture,
    *,
    store: Store,
    fetcher: Fetcher,
    mirrors: Sequence[str],
    listener: Listener,
    locked: bool = False,
) -> Path:
    """The static qemu-user program that runs an architecture's programs on a host; errors as ``ensure_root``.

    HostError where the host needs none or there is none for it.
    """
    sources = Sources(store=store, fetcher=fetcher, mirrors=mirrors, listener=listener, locked=locked)
    return _emulator_path(host, architecture, sources)


def _emulator_path(machine: Host, architecture: Architecture, sources: Sources) -> Path:
    if machine.debian == architecture.debian:
        raise HostError(f"{machine.name} runs {architecture.name} programs itself; no emulator is needed")
    spec = root_spec(f"emulator-{machine.debian}")
    lock = committed_lock(spec.name)
    build = partial(build_emulator, spec=spec)
    root = _finished(spec, lock, sources) or _made(spec, lock, sources, build)
    return root.path / "usr/bin" / architecture.qemu.binary


def root_emulator(spec: RootSpec, machine: Host, sources: Sources) -> Emulator | None:
    """What runs a root's programs on a host; None where the host does. HostError where nothing does."""
    architecture = _foreign_architecture(spec, machine)
    if architecture is None:
        return None
    binary = _emulator_path(machine, architecture, sources)
    return Emulator(binary=binary, qemu=architecture.qemu, cpu=architecture.qemu.cpu_full)


def _foreign_architecture(spec: RootSpec, machine: Host) -> Architecture | None:
    """The emulated architecture of a root's programs; None where it is the host's own."""
    if spec.architecture == machine.debian:
        return None
    architectures = {row.architecture.debian: row.architecture for row in all_targets()}
    if spec.architecture not in architectures:
        raise HostError(
            f"programs of root {spec.name} do not run on {machine.name}",
            hint=f"use a host whose Debian architecture is {spec.architecture}",
        )
    return architectures[spec.architecture]


def _tools(spec: RootSpec, machine: Host, *, runner: Runner, sources: Sources) -> Tools:
    """What building a root needs; a native root too where its programs are not the host's."""
    emulator = root_emulator(spec, machine, sources)
    native = f"native-{machine.debian}"
    compiler = (
        ensure_root_from(root_spec(native), committed_lock(native), runner=runner, sources=sources).path
        if emulator
        else None
    )
    return Tools(
        runner=runner, store=sources.store, listener=sources.listener, emulator=emulator, native=compiler
    )


def _finished(spec: RootSpec, lock: RootLock, sources: Sources) -> Root | None:
    """The root if it is in the store: as locked, or else as it drifted before."""
    identity = root_id(lock, spec)
    path = sources.store.tree_path("root", identity)
    if path is not None:
        return Root(name=spec.name, id=identity, path=path)
    known = None if sources.locked else sources.store.get_json("drift", identity)
    if known is None:
        return None
    drifted = root_id(lock_from_document(known["lock"]), spec)
    path = sources.store.tree_path("root", drifted)
    if path is None:
        return None
    for line in known["drift"]:
        sources.listener(Warned(text=line))
    return Root(name=spec.name, id=drifted, path=path, drift=tuple(known["drift"]))


def _made(spec: RootSpec, lock: RootLock, sources: Sources, build: Build) -> Root:
    """Fetch and build; where files are gone, with what the signed index has instead."""
    used, packages, drift = _fetched(spec, lock, sources)
    identity = root_id(used, spec)

    def fill(tree: Path) -> None:
        build(tree, lock=used, packages=packages)
        check_tree(tree, used, spec)

    path = sources.store.tree("root", identity, fill)
    if drift:
        document = {"lock": lock_document(used), "drift": list(drift)}
        sources.store.put_json("drift", root_id(lock, spec), document)
    return Root(name=spec.name, id=identity, path=path, drift=drift)


def check_tree(tree: Path, lock: RootLock, spec: RootSpec) -> None:
    """IntegrityError for a tree that is not the one its lock names; a lock may name none."""
    if lock.tree and lock.spec == spec_digest(spec) and (found := tree_digest(tree)) != lock.tree:
        raise IntegrityError(
            f"{lock.root}: the tree's digest is {found}, and its lock says {lock.tree}",
            hint=f"build it again from nothing, and see what differs: manyloong root verify {lock.root}",
        )


def _fetched(
    spec: RootSpec, lock: RootLock, sources: Sources
) -> tuple[RootLock, dict[str, Path], tuple[str, ...]]:
    used, remarks = lock, tuple[str, ...]()
    for _ in range(REFRESH_ROUNDS):
        try:
            packages = fetch_packages(used, sources)
        except GoneError as gone:
            used, remarks = _refreshed(spec, used, gone, sources)
            continue
        changes = lock_changes(lock, used)
        for line in changes:
            sources.listener(Warned(text=line, hint=f"to settle it: manyloong root lock {spec.name}"))
        return used, packages, remarks + changes
    raise FetchError(
        f"{spec.name}: the mirror's index names files that it does not have",
        hint="name another mirror: MANYLOONG_DEBIAN_MIRROR=https://...",
    )


def _refreshed(
    spec: RootSpec, lock: RootLock, gone: GoneError, sources: Sources
) -> tuple[RootLock, tuple[str, ...]]:
    if sources.locked:
        raise LockError(
            f"{spec.name}: no longer on any mirror: {', '.join(gone.names)}",
            hint=f"leave out --locked, or resolve the root again: manyloong root lock {spec.name}",
        ) from gone
    index = read_index(
        spec.suite,
        spec.architecture,
        mirrors=sources.mirrors,
        fetcher=sources.fetcher,
        listener=sources.listener,
        clock=sources.clock,
        keys=sources.keys,
    )
    used = refresh_lock(lock, index.packages, gone=gone.names, without=spec.without)
    if used == lock:
        raise gone
    return used, index.remarks


def fetch_packages(lock: RootLock, sources: Sources) -> dict[str, Path]:
    """Every package of a lock, by its name; FetchError, GoneError with those that no mirror has."""
    timestamp = f"{lock.date:%Y%m%dT%H%M%SZ}"
    bases = [mirror.format(date=timestamp) for mirror in sources.mirrors]
    wanted = [
        RemoteFile(
            name=package.name,
            urls=tuple(f"{base}/{package.path}" for base in bases),
            sha256=package.sha256,
            size_bytes=package.size,
        )
        for package in lock.packages
    ]
    paths = sources.fetcher.fetch(wanted, label=lock.root, listener=sources.listener)
    return {file.name: paths[file.sha256] for file in wanted}
