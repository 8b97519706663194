"""The ABI specification: explain, compare, render."""

from manyloong.spec.compare import UNCHECKED, Difference, compare, grouped, installed_policies
from manyloong.spec.guard import guard_text, install_guard
from manyloong.spec.show import to_json, to_text
from manyloong.spec.tags import TagVerdict, check_tag

__all__ = [
    "UNCHECKED",
    "Difference",
    "TagVerdict",
    "check_tag",
    "compare",
    "grouped",
    "guard_text",
    "install_guard",
    "installed_policies",
    "to_json",
    "to_text",
]
