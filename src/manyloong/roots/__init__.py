"""Build roots: spec -> lock -> tree, and the toolchain that carries the floor."""

from manyloong.roots.toolchain import Toolchain, ensure_toolchain
from manyloong.roots.zig import ensure_zig

__all__ = ["Toolchain", "ensure_toolchain", "ensure_zig"]
