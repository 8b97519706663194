"""The C libraries that a build links with: the ports it asks for, together as one prefix."""

from pathlib import Path

from manyloong.roots import Workshop, ensure_ports, ensure_prefix
from manyloong.roots.ports import plan_ports
from manyloong.wheels.doors import Doors, port_doors
from manyloong.wheels.kit import Kit


def workshop(kit: Kit, doors: Doors) -> Workshop:
    """What ports of this kit's target are built with."""
    return Workshop(
        target=kit.target,
        host=kit.host,
        toolchain=kit.toolchain,
        native_root=kit.native_root.path,
        runner=doors.runner,
        jobs=doors.cores,
    )


def linked_ids(names: tuple[str, ...], kit: Kit, doors: Doors, *, asked_by: str) -> dict[str, str]:
    """Name and version of every port of a build -> what identifies its tree; nothing is built.

    NotFoundError that says who asked for a port that does not exist.
    """
    if not names:
        return {}
    plan = plan_ports(names, kit.ports, workshop=workshop(kit, doors), store=doors.store, asked_by=asked_by)
    return {f"port {port.label}": key for port, key in plan}


def ensure_linked(names: tuple[str, ...], kit: Kit, doors: Doors, *, asked_by: str) -> Path:
    """The ports and all that they depend on as one prefix, built where they are not in the store."""
    trees = ensure_ports(
        names, ports=kit.ports, workshop=workshop(kit, doors), doors=port_doors(doors), asked_by=asked_by
    )
    return ensure_prefix(trees, store=doors.store)
