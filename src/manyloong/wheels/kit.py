"""What a target's builds and tests are made with: roots, toolchain and emulator, all by id."""

from dataclasses import dataclass
from pathlib import Path

from manyloong.roots import Root, Toolchain, ensure_emulator, ensure_root, ensure_toolchain, ensure_zig
from manyloong.sandbox import Emulator
from manyloong.targets import Host, Target
from manyloong.wheels.doors import Doors


@dataclass(frozen=True, slots=True, kw_only=True)
class Kit:
    """Everything that is the same for all builds of one target on one host."""

    target: Target
    host: Host
    native_root: Root
    target_root: Root
    toolchain: Toolchain
    qemu: Path

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

    def emulator(self, cpu: str) -> Emulator:
        """QEMU for the target with a CPU model."""
        return Emulator(binary=self.qemu, qemu=self.target.architecture.qemu, cpu=cpu)


def ensure_kit(target: Target, host: Host, *, doors: Doors) -> Kit:
    """The kit from the store; what is missing is fetched and made first.

    Raises FetchError, IntegrityError, LockError, HostError.
    """
    native, test = (
        ensure_root(
            name,
            store=doors.store,
            fetcher=doors.fetcher,
            mirrors=doors.mirrors,
            runner=doors.runner,
            listener=doors.listener,
            locked=doors.locked,
        )
        for name in (f"native-{host.debian}", target.test_root)
    )
    qemu = ensure_emulator(
        host,
        target.architecture,
        store=doors.store,
        fetcher=doors.fetcher,
        mirrors=doors.mirrors,
        listener=doors.listener,
        locked=doors.locked,
    )
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
    return Kit(target=target, host=host, native_root=native, target_root=test, toolchain=toolchain, qemu=qemu)
