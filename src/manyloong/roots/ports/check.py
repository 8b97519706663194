"""Builds a port again, runs its own tests on the way, and compares the tree with the one in the store."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from manyloong.roots.ports.build import Bed, CheckReport, Workshop
from manyloong.roots.ports.ensure import PortDoors, compiler_digest, ensure_ports, fetch_sources, make_port
from manyloong.roots.ports.model import Port
from manyloong.roots.ports.order import in_order
from manyloong.store.normalise import tree_digest, walk_in_order


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a second build of a port showed; ``tests`` is None where it has no tests of its own."""

    port: Port
    tests: CheckReport | None
    same_bytes: bool
    digest: str  # of the second build's tree
    compiler: str  # digest of what compiled it
    size_bytes: int
    build_s: float  # of the second build, without its tests

    @property
    def passed(self) -> bool:
        """Whether nothing was wrong."""
        return self.same_bytes and (self.tests is None or self.tests.passed)


def check_port(
    port: Port, *, ports: Mapping[str, Port], workshop: Workshop, doors: PortDoors, bed: Bed
) -> Checked:
    """Build once more, with the port's tests; BuildError where it does not build."""
    port = port.on(workshop.target.libc)
    trees = ensure_ports([port.name], ports=ports, workshop=workshop, doors=doors)
    mine = next(tree for tree in trees if tree.port.name == port.name)
    names = {below.name for below in in_order(port.depends, ports)}
    below = tuple(tree for tree in trees if tree.port.name in names)
    sources = fetch_sources([port], doors)
    with doors.store.scratch("check") as scratch:
        again = Path(scratch, "tree")
        again.mkdir()
        started = time.monotonic()
        report = make_port(
            port,
            again,
            key=mine.key,
            below=below,
            sources=sources,
            workshop=workshop,
            doors=doors,
            bed=bed,
        )
        seconds = time.monotonic() - started - (report.seconds if report else 0)
        digest = tree_digest(again)
        size = sum(entry.lstat().st_size for entry in walk_in_order(again) if not entry.is_dir())
    return Checked(
        port=port,
        tests=report,
        same_bytes=digest == tree_digest(mine.path),
        digest=digest,
        compiler=compiler_digest(workshop.toolchain, doors.store),
        size_bytes=size,
        build_s=round(seconds, 1),
    )
