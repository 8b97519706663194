"""Architectures, hosts and platform tags as data; pure, and the lowest room of the house."""

from manyloong.targets.model import Architecture, Compiler, FlagRule, Host, Qemu, Target, Zig
from manyloong.targets.rows import all_hosts, all_targets, host, target

__all__ = ["Architecture", "Compiler", "FlagRule", "Host", "Qemu", "Target", "Zig", "all_hosts", "all_targets", "host", "target"]
