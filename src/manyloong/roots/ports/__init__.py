"""C libraries for the floor: one TOML file each, cross-built in the sandbox, kept in the store by key."""

from manyloong.roots.ports.build import Bed, CheckReport, Workshop
from manyloong.roots.ports.ensure import (
    Outcome,
    PortDoors,
    ensure_ports,
    ensure_prefix,
    ensure_what_can_be,
    plan_ports,
)
from manyloong.roots.ports.finish import DESCRIPTION, LICENCES
from manyloong.roots.ports.load import all_ports, shipped_ports
from manyloong.roots.ports.model import Port, PortTree
from manyloong.roots.ports.order import find_port

__all__ = [
    "DESCRIPTION",
    "LICENCES",
    "Bed",
    "CheckReport",
    "Outcome",
    "Port",
    "PortDoors",
    "PortTree",
    "Workshop",
    "all_ports",
    "ensure_ports",
    "ensure_prefix",
    "ensure_what_can_be",
    "find_port",
    "plan_ports",
    "shipped_ports",
]
