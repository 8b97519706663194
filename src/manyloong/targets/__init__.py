"""Architectures, hosts, platform tags and the ABI specification as data; pure, and the lowest room."""

from manyloong.targets.abi import Abi, Family, IsaClass, Policy, Rule, Statement
from manyloong.targets.model import Architecture, Host, Qemu, Target, Zig
from manyloong.targets.rows import all_hosts, all_targets, host, judged_target, judged_targets, target
from manyloong.targets.specification import abi, all_rules, policy, rule

__all__ = [
    "Abi",
    "Architecture",
    "Family",
    "Host",
    "IsaClass",
    "Policy",
    "Qemu",
    "Rule",
    "Statement",
    "Target",
    "Zig",
    "abi",
    "all_hosts",
    "all_rules",
    "all_targets",
    "host",
    "judged_target",
    "judged_targets",
    "policy",
    "rule",
    "target",
]
