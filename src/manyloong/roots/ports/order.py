"""What needs what: a set of ports checked as a whole, and the order in which they can be built. Pure."""

from collections.abc import Iterable, Mapping

from manyloong.errors import InputError, NotFoundError
from manyloong.roots.ports.model import Port
from manyloong.roots.ports.offers import near_ports


def checked_set(ports: Mapping[str, Port]) -> dict[str, Port]:
    """The ports, sorted; InputError for two that provide one soname, for a cycle, NotFoundError for a
    dependency that is no port.
    """
    owners: dict[str, str] = {}
    for name, port in sorted(ports.items()):
        for soname in port.sonames:
            if soname in owners:
                raise InputError(
                    f"two ports provide {soname}: {owners[soname]} and {name}",
                    hint="one library, one port: take it out of one of them",
                )
            owners[soname] = name
        for wanted in port.depends:
            find_port(wanted, ports, asked_by=f"the port {name}")
    in_order(ports, ports)
    return dict(sorted(ports.items()))


def find_port(name: str, ports: Mapping[str, Port], *, asked_by: str = "") -> Port:
    """The port of that name; NotFoundError with near names, and who asked, for any other."""
    if name in ports:
        return ports[name]
    near = near_ports(name, ports)
    who = f", which {asked_by} asks for" if asked_by else ""
    said = f"did you mean {' or '.join(near)}? " if near else ""
    raise NotFoundError(f"no port {name!r}{who}", hint=f"{said}all ports: manyloong ports list")


def in_order(names: Iterable[str], ports: Mapping[str, Port]) -> tuple[Port, ...]:
    """The named ports and all they depend on, dependencies first, otherwise by name."""
    done: dict[str, Port] = {}

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            cycle = " -> ".join((*path[path.index(name) :], name))
            raise InputError(f"ports depend on each other in a circle: {cycle}")
        if name in done:
            return
        port = find_port(name, ports, asked_by=f"the port {path[-1]}" if path else "")
        for wanted in sorted(port.depends):
            visit(wanted, (*path, name))
        done[name] = port

    for name in sorted(set(names)):
        visit(name, ())
    return tuple(done.values())
