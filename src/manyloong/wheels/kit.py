"""What a target's builds and tests are made with: roots, toolchain and emulator, all by id."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from manyloong.errors import NotFoundError
from manyloong.roots import Port, Root, Toolchain, ensure_emulator, ensure_root, ensure_toolchain, ensure_zig
from manyloong.roots.imported import ImportedRoot, imported_roots
from manyloong.roots.interpreters import FloorParts
from manyloong.roots.musl import ensure_musl_toolchain
from manyloong.roots.ports import all_ports
from manyloong.sandbox import Emulator
from manyloong.targets import Host, Python, Target, distribution_target
from manyloong.wheels.doors import Doors
from manyloong.wheels.floors import (
    FloorRoot,
    RootChoice,
    SourcePython,
    compile_doors,
    ensure_floor_root,
    ensure_source_python,
    floor_parts,
)
from manyloong.wheels.runtime import ensure_runtime, runtime_libraries


@dataclass(frozen=True, slots=True, kw_only=True)
class Kit:
    """Everything that is the same for all builds of one target on one host."""

    target: Target
    host: Host
    native_root: Root
    target_root: Root
    toolchain: Toolchain
    qemu: Path | None  # None on a host that runs the target's programs itself
    ports: Mapping[str, Port]  # every C library that a build may ask for
    floors: tuple[FloorRoot, ...] = ()  # one a Python, where wheels are tested on the floor
    sources: tuple[SourcePython, ...] = ()  # for Pythons that the roots lack
    current: bool = True  # whether wheels are tested in target_root
    own_only: bool = False  # whether they are tested in none but the user's own roots
    imported: tuple[ImportedRoot, ...] = ()  # the user's own, which wheels are tested in too
    trees: Mapping[str, Path] = field(default_factory=dict)  # of those, by id; one may be gone
    runtime: Path | None = None  # what the compilers' own libraries are, where wheels carry them

    @property
    def ids(self) -> dict[str, str]:
        """The id of each part, as records name them."""
        return {
            self.native_root.name: self.native_root.id,
            self.target_root.name: self.target_root.id,
            "toolchain": self.toolchain.id,
            **({"runtime": self.runtime.name} if self.runtime else {}),
        }

    @property
    def sysroot(self) -> Path:
        """Where a program of the target that a build has made finds its loader and its libraries."""
        return self.toolchain.target / "sysroot" if self.target.from_source else self.target_root.path

    @property
    def libraries(self) -> tuple[Path, ...]:
        """Where the libraries of a wheel may come from, besides ports."""
        if self.target.from_source:
            return (self.toolchain.target / "sysroot/usr/lib",)
        return (self.toolchain.target / "lib", self.target_root.path / "usr/lib" / self.target.triplet)

    @property
    def drift(self) -> tuple[str, ...]:
        """Every way in which the roots differ from their locks."""
        return self.native_root.drift + self.target_root.drift

    def test_roots(self, python: Python) -> tuple[Root, ...]:
        """Where wheels for a Python are tested, the current root first."""
        current = [self.target_root] if self.current and not python.from_source else []
        floors = (row.root for row in self._tested_floors(python) if row.root)
        own = (
            Root(name=row.name, id=row.id, path=self.trees[row.id])
            for row in self.imported
            if not self._lack(row, python)
        )
        return (*current, *floors, *own)

    def home_root(self, python: Python) -> Root:
        """Where the target's own CPython of a version is; NotFoundError where that could not be had."""
        if not self.target.from_source:
            return self.target_root
        row = next((row for row in self.floors if row.python == python), None)
        if row is None or row.root is None:
            why = row.reason if row else "it was not built"
            raise NotFoundError(f"{self.target.tag} has no root for {python.tag}: {why}")
        return row.root

    def _tested_floors(self, python: Python) -> list[FloorRoot]:
        """Of a platform from source they may be there for the build alone."""
        return [row for row in self.floors if row.python == python and not self.own_only]

    def _lack(self, root: ImportedRoot, python: Python) -> str:
        """Why wheels for a Python cannot be tested in an imported root; "" where they can."""
        if root.id not in self.trees:
            return f"its files are no longer in the cache: manyloong root import {root.name} {root.archive}"
        return "" if python.tag in root.pythons else f"it has no CPython {python.name[6:]}"

    def untested(self, python: Python) -> tuple[tuple[str, str], ...]:
        """Roots in which wheels for a Python should be tested and cannot be, each with the reason."""
        missing = [(row.name, row.reason) for row in self._tested_floors(python) if not row.root]
        if self.current and python.from_source:
            missing.insert(0, (self.target_root.name, f"it has no CPython {python.name[6:]}"))
        lacks = ((row.name, self._lack(row, python)) for row in self.imported)
        return (*missing, *(pair for pair in lacks if pair[1]))

    def built_ids(self, python: Python) -> tuple[tuple[str, str], ...]:
        """All that is particular to one Python: roots to test in, or why there are none, and its parts."""
        tested = [(root.name, root.id) for root in self.test_roots(python)]
        source = next((row for row in self.sources if row.python == python and row.home), None)
        home = [("python", source.home.name)] if source and source.home else []
        return (*tested, *self.untested(python), *home)

    def source_python(self, python: Python) -> SourcePython | None:
        """What wheels for a Python from source are built with; None for others. Raises why not."""
        found = next((row for row in self.sources if row.python == python), None)
        if found is not None and found.error is not None:
            raise found.error
        return found

    def emulator(self, cpu: str) -> Emulator | None:
        """QEMU for the target with a CPU model; None where there is none."""
        if self.qemu is None:
            return None
        return Emulator(binary=self.qemu, qemu=self.target.architecture.qemu, cpu=cpu)


def ensure_kit(target: Target, host: Host, *, doors: Doors, ports: Mapping[str, Port] | None = None) -> Kit:
    """The kit from the store; what is missing is fetched and made first. ``ports``: ours, unless given.

    Raises FetchError, IntegrityError, LockError, HostError.
    """
    native, test = root_of(f"native-{host.debian}", doors), root_of(target.test_root, doors)
    qemu = _ensure_qemu(target, host, doors)
    toolchain = _ensure_toolchain(target, host, native=native, target_root=test, doors=doors)
    runtime = None
    if target.from_source:  # the platform promises none of them
        runtime = ensure_runtime(runtime_libraries(toolchain.zig, host), store=doors.store)
    return Kit(
        target=target,
        host=host,
        native_root=native,
        target_root=test,
        toolchain=toolchain,
        qemu=qemu,
        ports=all_ports() if ports is None else ports,
        runtime=runtime,
    )


def _ensure_toolchain(
    target: Target, host: Host, *, native: Root, target_root: Root, doors: Doors
) -> Toolchain:
    """The target's; where no root has its C library, on top of that of a target of the same architecture."""
    zig = ensure_zig(
        host, store=doors.store, fetcher=doors.fetcher, locate=doors.locate, listener=doors.listener
    )
    base = distribution_target(target)
    toolchain = ensure_toolchain(
        base,
        host,
        zig=zig,
        native_root=native.path,
        target_root=target_root.path,
        store=doors.store,
        fetcher=doors.fetcher,
        mirrors=doors.mirrors,
        runner=doors.runner,
        listener=doors.listener,
    )
    if not target.from_source:
        return toolchain
    return ensure_musl_toolchain(
        target, toolchain, native_root=native.path, binutils=base.triplet, doors=compile_doors(doors)
    )


def root_of(name: str, doors: Doors) -> Root:
    """The locked root of that name, through these doors; errors as ``ensure_root``."""
    return ensure_root(
        name,
        store=doors.store,
        fetcher=doors.fetcher,
        mirrors=doors.mirrors,
        runner=doors.runner,
        listener=doors.listener,
        locked=doors.locked,
    )


def with_floors(kit: Kit, pythons: Sequence[Python], roots: Sequence[RootChoice], *, doors: Doors) -> Kit:
    """The kit with what is built from source: Pythons that the roots lack, floor roots where they are wanted.

    The first use takes minutes; what cannot be had is in the kit with its reason. BuildError where something
    does not compile.
    """
    wanted = [python for python in pythons if python.from_source]
    own_only = set(roots) == {"imported"}
    kit = replace(kit, current="current" in roots and not kit.target.from_source, own_only=own_only)
    if "imported" in roots:
        kit = with_imported(kit, doors)
    with_floor = kit.target.from_source or "floor" in roots  # the only root, or one of two
    if not with_floor and not wanted:
        return kit
    parts = kit_parts(kit, doors)
    floors = pythons if with_floor else ()
    return replace(
        kit,
        floors=tuple(ensure_floor_root(python, kit.target, parts, doors) for python in floors),
        sources=tuple(ensure_source_python(python, kit.target, parts, doors) for python in wanted),
    )


def with_imported(kit: Kit, doors: Doors) -> Kit:
    """The kit with the user's own roots that the target's wheels can run in."""
    rows = tuple(row for row in imported_roots(doors.store) if row.serves(kit.target))
    trees = {row.id: path for row in rows if (path := doors.store.tree_path("root", row.id))}
    return replace(kit, imported=rows, trees=trees)


def _ensure_qemu(target: Target, host: Host, doors: Doors) -> Path | None:
    if host.debian == target.architecture.debian:
        return None
    return ensure_emulator(
        host,
        target.architecture,
        store=doors.store,
        fetcher=doors.fetcher,
        mirrors=doors.mirrors,
        listener=doors.listener,
        locked=doors.locked,
    )


def kit_parts(kit: Kit, doors: Doors) -> FloorParts:
    """What builds from source are made with."""
    return floor_parts(
        kit.target,
        kit.host,
        native_root=kit.native_root,
        build_root=root_of(f"floorbuild-{kit.host.debian}", doors),
        target_root=kit.target_root,
        toolchain=kit.toolchain,
        emulator=kit.emulator(kit.target.architecture.qemu.cpu_full),
        doors=doors,
    )
