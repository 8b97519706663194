"""Build roots: spec -> lock -> tree, and the toolchain that carries the floor."""

from manyloong.roots.ensure import ensure_emulator, ensure_root
from manyloong.roots.lane import LaneRoot, ensure_lane_root
from manyloong.roots.layers import ensure_layered
from manyloong.roots.model import Root, RootLock, RootSpec
from manyloong.roots.ports import Port, PortDoors, PortTree, Workshop, ensure_ports, ensure_prefix
from manyloong.roots.toolchain import Toolchain, ensure_toolchain
from manyloong.roots.zig import ensure_zig

__all__ = [
    "LaneRoot",
    "Port",
    "PortDoors",
    "PortTree",
    "Root",
    "RootLock",
    "RootSpec",
    "Toolchain",
    "Workshop",
    "ensure_emulator",
    "ensure_lane_root",
    "ensure_layered",
    "ensure_ports",
    "ensure_prefix",
    "ensure_root",
    "ensure_toolchain",
    "ensure_zig",
]
