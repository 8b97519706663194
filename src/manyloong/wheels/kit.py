"""What a target's builds and tests are made with: roots, toolchain and emulator, all by id."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from manyloong.roots import Port, Root, Toolchain, ensure_emulator, ensure_root, ensure_toolchain, ensure_zig
from manyloong.roots.interpreters import FloorParts
from manyloong.roots.ports import all_ports
from manyloong.sandbox import Emulator
from manyloong.targets import Host, Python, Target
from manyloong.wheels.doors import Doors
from manyloong.wheels.floors import (
    FloorRoot,
    RootChoice,
    SourcePython,
    ensure_floor_root,
    ensure_source_python,
    floor_parts,
)


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

    @property
    def ids(self) -> dict[str, str]:
        """The id of each part, as records name them."""
        return {
            self.native_root.name: self.native_root.id,
            self.target_root.name: self.target_root.id,
            "toolchain": self.toolchain.id,
        }

    @property
    def drift(self) -> tuple[str, ...]:
        """Every way in which the roots differ from their locks."""
        return self.native_root.drift + self.target_root.drift

    def test_roots(self, python: Python) -> tuple[Root, ...]:
        """Where wheels for a Python are tested, the current root first."""
        current = [self.target_root] if self.current and not python.from_source else []
        return (*current, *(row.root for row in self.floors if row.python == python and row.root))

    def untested(self, python: Python) -> tuple[tuple[str, str], ...]:
        """Roots in which wheels for a Python should be tested and cannot be, each with the reason."""
        missing = [(row.name, row.reason) for row in self.floors if row.python == python and not row.root]
        if self.current and python.from_source:
            missing.insert(0, (self.target_root.name, f"it has no CPython {python.name[6:]}"))
        return tuple(missing)

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
    native, test = _ensure_root(f"native-{host.debian}", doors), _ensure_root(target.test_root, doors)
    qemu = _ensure_qemu(target, host, doors)
    zig = ensure_zig(
        host, store=doors.store, fetcher=doors.fetcher, locate=doors.locate, listener=doors.listener
    )
    toolchain = ensure_toolchain(
        target,
        host,
        zig=zig,
        native_root=native.path,
        target_root=test.path,
        store=doors.store,
        fetcher=doors.fetcher,
        mirrors=doors.mirrors,
        runner=doors.runner,
        listener=doors.listener,
    )
    return Kit(
        target=target,
        host=host,
        native_root=native,
        target_root=test,
        toolchain=toolchain,
        qemu=qemu,
        ports=all_ports() if ports is None else ports,
    )


def _ensure_root(name: str, doors: Doors) -> Root:
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
    kit = replace(kit, current="current" in roots)
    if "floor" not in roots and not wanted:
        return kit
    parts = kit_parts(kit, doors)
    floors = pythons if "floor" in roots else ()
    return replace(
        kit,
        floors=tuple(ensure_floor_root(python, kit.target, parts, doors) for python in floors),
        sources=tuple(ensure_source_python(python, kit.target, parts, doors) for python in wanted),
    )


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
        target_root=kit.target_root,
        toolchain=kit.toolchain,
        emulator=kit.emulator(kit.target.architecture.qemu.cpu_full),
        doors=doors,
    )
