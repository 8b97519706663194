"""Ports from the store; what is missing is fetched and built first, as many at once as there are cores."""

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from manyloong.errors import BuildError, FetchError, IntegrityError, ManyloongError
from manyloong.events import Listener, StageFinished, StageStarted
from manyloong.roots.ports.build import Bed, CheckReport, Workshop, build_port, needed_sources
from manyloong.roots.ports.layered import layer_ids, layered
from manyloong.roots.ports.model import Port, PortTree
from manyloong.roots.ports.order import find_port, in_order
from manyloong.roots.ports.script import build_script
from manyloong.roots.sources import archives_by_hash
from manyloong.roots.toolchain import Toolchain
from manyloong.store import Fetcher, Store, save_log
from manyloong.store.normalise import normalise_tree, walk_in_order

RECIPE = 1  # bump when the same description would give another tree
KIND, PREFIX_KIND = "port", "ports"
_FAULTS = (BuildError, FetchError, IntegrityError)  # of one port, not of this machine
OnFault = Callable[[str, ManyloongError], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class PortDoors:
    """The doors that ports need besides a runner, which is the workshop's."""

    store: Store
    fetcher: Fetcher
    mirrors: tuple[str, ...]
    listener: Listener


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of many ports, in build order; ``untried`` names for each what failed of what it needs."""

    trees: tuple[PortTree, ...]
    failed: tuple[tuple[Port, ManyloongError], ...]
    untried: tuple[tuple[Port, tuple[str, ...]], ...]


def compiler_digest(toolchain: Toolchain, store: Store) -> str:
    """What of a toolchain decides a port's bytes: all of its target tree but the Pythons' headers."""
    key = toolchain.target.name
    found = store.get_json("compiler-digest", key)
    if isinstance(found, str):
        return found
    digest = hashlib.sha256(toolchain.zig.name.encode())
    for entry in walk_in_order(toolchain.target):
        name = str(entry.relative_to(toolchain.target))
        if name.startswith("python/") or name == "toolchain.json":
            continue
        digest.update(name.encode() + b"\0")
        if entry.is_symlink():
            digest.update(os.fsencode(entry.readlink()))
        elif entry.is_file():
            with entry.open("rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
    store.put_json("compiler-digest", key, digest.hexdigest())
    return digest.hexdigest()


def port_keys(
    ports: Sequence[Port], *, compiler: str, target: str, layers: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The key of each port's tree, by name; ``ports`` have their dependencies before them.

    ``layers`` identifies the other compilers, for the ports that ask for one.
    """
    keys: dict[str, str] = {}
    for port in ports:
        document = {
            "recipe": RECIPE,
            "port": port.document(),
            "script": build_script(port),
            "compiler": compiler,
            "target": target,
            "depends": {name: keys[name] for name in port.depends},
        }
        document |= {"layers": dict(layers or {})} if port.layers else {}
        text = json.dumps(document, sort_keys=True, separators=(",", ":"))
        keys[port.name] = hashlib.sha256(text.encode()).hexdigest()
    return keys


def plan_ports(
    names: Iterable[str], ports: Mapping[str, Port], *, workshop: Workshop, store: Store, asked_by: str = ""
) -> tuple[tuple[Port, str], ...]:
    """The named ports and their dependencies in build order, each with the key of its tree.

    NotFoundError, with near names and who asked, for a name that is no port.
    """
    wanted = [find_port(name, ports, asked_by=asked_by).name for name in names]
    libc = workshop.target.libc
    order = tuple(port.on(libc) for port in in_order(wanted, ports))
    compiler = compiler_digest(workshop.toolchain, store)
    layers = layer_ids(order, workshop)
    keys = port_keys(order, compiler=compiler, target=workshop.target.tag, layers=layers)
    return tuple((port, keys[port.name]) for port in order)


def ensure_ports(
    names: Iterable[str],
    *,
    ports: Mapping[str, Port],
    workshop: Workshop,
    doors: PortDoors,
    asked_by: str = "",
) -> tuple[PortTree, ...]:
    """The named ports and all they depend on, in build order; what is not in the store is built.

    Raises NotFoundError, FetchError, IntegrityError, BuildError.
    """
    plan = plan_ports(names, ports, workshop=workshop, store=doors.store, asked_by=asked_by)
    trees = _trees(plan, doors.store)
    missing = [(port, key) for port, key in plan if port.name not in trees]
    sources = fetch_sources([port for port, _ in missing], doors) if missing else {}
    _build_missing(missing, trees, sources, workshop=workshop, doors=doors, on_fault=_stop)
    return tuple(trees[port.name] for port, _ in plan)


def ensure_what_can_be(
    names: Iterable[str], *, ports: Mapping[str, Port], workshop: Workshop, doors: PortDoors
) -> Outcome:
    """As ``ensure_ports``, but a port that fails stops only those that need it.

    What is nobody's fault here, as a full disk, is raised all the same.
    """
    plan = plan_ports(names, ports, workshop=workshop, store=doors.store)
    trees = _trees(plan, doors.store)
    missing = [(port, key) for port, key in plan if port.name not in trees]
    failed: dict[str, ManyloongError] = {}
    sources = _fetch_what_can_be([port for port, _ in missing], doors, on_fault=failed.__setitem__)
    fetched = [(port, key) for port, key in missing if port.name not in failed]
    _build_missing(fetched, trees, sources, workshop=workshop, doors=doors, on_fault=failed.__setitem__)
    needs = {port.name: [one.name for one in in_order(port.depends, ports)] for port, _ in plan}
    return Outcome(
        trees=tuple(trees[port.name] for port, _ in plan if port.name in trees),
        failed=tuple((port, failed[port.name]) for port, _ in plan if port.name in failed),
        untried=tuple(
            (port, tuple(name for name in needs[port.name] if name in failed))
            for port, _ in plan
            if port.name not in trees and port.name not in failed
        ),
    )


def _fetch_what_can_be(ports: Sequence[Port], doors: PortDoors, *, on_fault: OnFault) -> dict[str, Path]:
    """As ``fetch_sources``, all at once; where that fails one after the other, to know whose it is."""
    try:
        return fetch_sources(ports, doors)
    except _FAULTS:
        sources: dict[str, Path] = {}
    for port in ports:
        try:
            sources |= fetch_sources([port], doors)
        except _FAULTS as error:
            on_fault(port.name, error)
    return sources


def _stop(name: str, error: ManyloongError) -> None:
    del name
    raise error


def _trees(plan: Sequence[tuple[Port, str]], store: Store) -> dict[str, PortTree]:
    """What of a plan is in the store."""
    found = ((port, key, store.tree_path(KIND, key)) for port, key in plan)
    return {port.name: PortTree(port=port, key=key, path=path) for port, key, path in found if path}


def fetch_sources(ports: Sequence[Port], doors: PortDoors) -> dict[str, Path]:
    """Every archive that the ports are built from, by its hash."""
    wanted = tuple(source for port in ports for source in needed_sources(port))
    return archives_by_hash(wanted, fetcher=doors.fetcher, mirrors=doors.mirrors, listener=doors.listener)


def _build_missing(
    missing: Sequence[tuple[Port, str]],
    trees: dict[str, PortTree],
    sources: Mapping[str, Path],
    *,
    workshop: Workshop,
    doors: PortDoors,
    on_fault: OnFault,
) -> None:
    """Add the trees of what can be built; ``on_fault`` is told of a port that fails, or ends it all."""
    if not missing:
        return
    with ThreadPoolExecutor(max(1, workshop.jobs)) as pool:
        try:
            _build_all(missing, trees, sources, pool, workshop=workshop, doors=doors, on_fault=on_fault)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _build_all(
    missing: Sequence[tuple[Port, str]],
    trees: dict[str, PortTree],
    sources: Mapping[str, Path],
    pool: ThreadPoolExecutor,
    *,
    workshop: Workshop,
    doors: PortDoors,
    on_fault: OnFault,
) -> None:
    """Start each port when its dependencies are there; what waits for one that failed is left."""
    waiting = {port.name: (port, key) for port, key in missing}
    running: dict[Future[PortTree], str] = {}
    while waiting or running:
        for name, (port, key) in list(waiting.items()):
            if all(wanted in trees for wanted in port.depends):
                del waiting[name]
                below = tuple(trees[item.name] for item in _below(port, trees))
                future = pool.submit(
                    ensure_port, port, key, below=below, sources=sources, workshop=workshop, doors=doors
                )
                running[future] = name
        if not running:
            return
        done, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in done:
            name = running.pop(future)
            try:
                trees[name] = future.result()
            except _FAULTS as error:
                on_fault(name, error)


def _below(port: Port, trees: Mapping[str, PortTree]) -> tuple[Port, ...]:
    """Everything a port depends on, directly or not."""
    known = {name: tree.port for name, tree in trees.items()}
    return in_order(port.depends, known)


def ensure_port(
    port: Port,
    key: str,
    *,
    below: tuple[PortTree, ...],
    sources: Mapping[str, Path],
    workshop: Workshop,
    doors: PortDoors,
) -> PortTree:
    """One port's tree, built where it is not in the store; ``below`` is all that it depends on."""

    def build(tree: Path) -> None:
        make_port(port, tree, key=key, below=below, sources=sources, workshop=workshop, doors=doors)

    return PortTree(port=port, key=key, path=doors.store.tree(KIND, key, build))


def make_port(
    port: Port,
    tree: Path,
    *,
    key: str,
    below: tuple[PortTree, ...],
    sources: Mapping[str, Path],
    workshop: Workshop,
    doors: PortDoors,
    bed: Bed | None = None,
) -> CheckReport | None:
    """Build into an empty folder, tell the listener, keep the log of a build that fails."""
    started = time.monotonic()
    doors.listener(StageStarted(job=port.label, stage="build"))
    prefix = ensure_prefix(below, store=doors.store) if below else None
    workshop = layered(port, workshop, doors)
    with doors.store.scratch("port") as scratch:
        try:
            report = build_port(
                port, tree, workshop=workshop, sources=sources, prefix=prefix, scratch=scratch, bed=bed
            )
        except ManyloongError as error:
            log = save_log(doors.store.path, scratch / "build.log", name=f"port-{port.name}-{key[:12]}")
            if log is not None and isinstance(error, BuildError):
                raise BuildError(error.message, hint=f"the whole output is in {log}") from error
            raise
        if report is not None:
            save_log(doors.store.path, report.log, name=f"check-{port.name}-{key[:12]}")
    seconds = round(time.monotonic() - started, 3)
    doors.listener(StageFinished(job=port.label, stage="build", seconds=seconds))
    return report


def ensure_prefix(trees: Iterable[PortTree], *, store: Store) -> Path:
    """The ports together as one prefix, for use at PORTS_PATH: a tree of the store, of hard links.

    BuildError where two ports hold one file.
    """
    chosen = sorted(trees, key=lambda tree: tree.port.name)
    text = "\n".join([f"recipe {RECIPE}", *(tree.key for tree in chosen)])

    def build(directory: Path) -> None:
        owners: dict[str, str] = {}
        for tree in chosen:
            _link(tree, directory, owners)
        normalise_tree(directory, epoch=0, files=False)

    return store.tree(PREFIX_KIND, hashlib.sha256(text.encode()).hexdigest(), build)


def _link(tree: PortTree, directory: Path, owners: dict[str, str]) -> None:
    for entry in walk_in_order(tree.path):
        name = str(entry.relative_to(tree.path))
        place = directory / name
        if entry.is_dir() and not entry.is_symlink():
            place.mkdir(exist_ok=True)
            continue
        if name in owners:
            raise BuildError(f"the ports {owners[name]} and {tree.port.name} both hold {name}")
        owners[name] = tree.port.name
        os.link(entry, place, follow_symlinks=False)
