"""Architectures, hosts, platform tags and the ABI specification as data; pure, and the lowest room."""

from manyloong.targets.abi import Abi, Family, IsaClass, Policy, Rule, Statement
from manyloong.targets.model import Architecture, Compiler, FlagRule, Host, Python, Qemu, Target, Zig
from manyloong.targets.rows import (
    all_hosts,
    all_pythons,
    all_targets,
    distribution_target,
    host,
    judged_target,
    judged_targets,
    known_pythons,
    target,
)
from manyloong.targets.specification import (
    abi,
    all_rules,
    libm_exports,
    musl_exports,
    musl_later,
    policy,
    rule,
    stable_abi,
)

__all__ = [
    "Abi",
    "Architecture",
    "Compiler",
    "Family",
    "FlagRule",
    "Host",
    "IsaClass",
    "Policy",
    "Python",
    "Qemu",
    "Rule",
    "Statement",
    "Target",
    "Zig",
    "abi",
    "all_hosts",
    "all_pythons",
    "all_rules",
    "all_targets",
    "distribution_target",
    "host",
    "judged_target",
    "judged_targets",
    "known_pythons",
    "libm_exports",
    "musl_exports",
    "musl_later",
    "policy",
    "rule",
    "stable_abi",
    "target",
]
