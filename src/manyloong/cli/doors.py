"""The doors to the outside, opened here from the environment and nowhere else."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import uv

from manyloong.config.mirrors import debian_mirrors
from manyloong.config.paths import cache_directory
from manyloong.config.programs import program_environment
from manyloong.config.registries import python_index_url
from manyloong.errors import ManyloongError
from manyloong.events import Listener
from manyloong.roots.zig import Locate
from manyloong.sandbox import BubblewrapRunner, HostFacts, probe_host
from manyloong.store import HttpFetcher, ShelfFetcher, Store
from manyloong.targets import Host, host
from manyloong.wheels.doors import Doors
from manyloong.wheels.registry import SimpleRegistry, registry_at
from manyloong.wheels.resolve import Uv


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """Everything a verb that builds needs of the outside."""

    doors: Doors
    registry: SimpleRegistry
    host: Host
    facts: HostFacts


def open_outside(
    listener: Listener,
    *,
    offline: bool,
    locked: bool,
    mirror: Path | None = None,
    cache: Path | None = None,
    below: Path | None = None,
    made_anew: frozenset[str] = frozenset(),
) -> Outside:
    """Store, network, processes and index, as this host and its configuration have them.

    ``mirror`` is a directory of kept inputs (``root vendor``), asked before the network; ``below`` another
    cache, read where this one lacks something that is not of the kinds ``made_anew``.
    """
    cache = cache or cache_directory(os.environ)
    store = Store(cache, below=Store(below) if below else None, own=made_anew)
    facts = probe_host(cache_dir=cache)
    web = HttpFetcher(store, offline=offline)
    fetcher = ShelfFetcher(web, store=store, directory=mirror) if mirror else web
    index_url = python_index_url(os.environ)
    registry = registry_at(index_url, fetcher, store)
    runner = BubblewrapRunner(facts)
    doors = Doors(
        store=store,
        fetcher=fetcher,
        runner=runner,
        stop=runner.stop,
        facts=facts,
        uv=Uv(
            binary=Path(uv.find_uv_bin()),
            python=Path(sys.executable),
            environment=program_environment(os.environ, cache=below or cache),
            index_url=index_url,
            offline=offline,
        ),
        mirrors=debian_mirrors(os.environ),
        registry=registry,
        locate=_quiet(registry.locate) if mirror or offline else registry.locate,
        listener=listener,
        cores=facts.cores,
        locked=locked,
    )
    return Outside(doors=doors, registry=registry, host=host(facts.machine), facts=facts)


def _quiet(locate: Locate) -> Locate:
    """Addresses on the index, or none where it does not answer: a kept file needs no address."""

    def found(project: str, name: str) -> tuple[str, ...]:
        try:
            return locate(project, name)
        except ManyloongError:
            return ()

    return found
