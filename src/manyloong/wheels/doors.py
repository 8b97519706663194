"""The doors of a build to the outside: network, processes, files."""

from collections.abc import Callable
from dataclasses import dataclass

from manyloong.events import Listener
from manyloong.roots import PortDoors
from manyloong.sandbox import HostFacts, Runner
from manyloong.store import Fetcher, Store
from manyloong.wheels.registry import Registry
from manyloong.wheels.resolve import Uv


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """What building needs besides values; opened once, at the edge."""

    store: Store
    fetcher: Fetcher
    runner: Runner
    stop: Callable[[], None]  # ends every process that the runner has started
    facts: HostFacts
    uv: Uv
    mirrors: tuple[str, ...]  # base addresses of the Debian archive, best first
    registry: Registry
    locate: Callable[[str, str], tuple[str, ...]]  # (project, file name) -> its addresses on the index
    listener: Listener
    cores: int
    locked: bool  # refuse roots that differ from their locks
    signer: Callable[[bytes], bytes] | None = None  # makes a signed file of a statement of provenance
    builder: str = ""  # URI of who builds, for provenance


def port_doors(doors: Doors) -> PortDoors:
    """The doors that ports need, of those that a build has."""
    return PortDoors(store=doors.store, fetcher=doors.fetcher, mirrors=doors.mirrors, listener=doors.listener)
