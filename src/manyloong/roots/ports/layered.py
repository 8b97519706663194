"""Compilers besides those for C and C++ that a port is built with: over the root, for that port alone."""

from collections.abc import Iterable
from dataclasses import replace

from manyloong.roots.fortran import LayerDoors, ensure_fortran, fortran_ids
from manyloong.roots.layout import host_python
from manyloong.roots.model import Root
from manyloong.roots.ports.build import Workshop
from manyloong.roots.ports.model import Port


def layer_ids(ports: Iterable[Port], workshop: Workshop) -> dict[str, str]:
    """What identifies the compilers that any of the ports is built with."""
    if not any(port.layers for port in ports):
        return {}
    return fortran_ids(workshop.host, workshop.target)


def layered(port: Port, workshop: Workshop, doors: LayerDoors) -> Workshop:
    """The workshop with the port's compilers in its root; the same one for most ports."""
    if not port.layers:
        return workshop
    path = workshop.native_root
    root = ensure_fortran(
        Root(name="native", id=path.name, path=path),  # a tree of the store is named by its id
        workshop.host,
        workshop.target,
        python=host_python(path),
        doors=doors,
        runner=workshop.runner,
    )
    return replace(workshop, native_root=root.path)
