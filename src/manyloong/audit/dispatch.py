"""Code above the baseline that is chosen at run time: what a recipe names, and what proves the choice."""

from dataclasses import dataclass
from fnmatch import fnmatchcase

from manyloong.targets import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch:
    """Both halves of the permission for LASX and v1.1 code. Either alone permits nothing.

    ``functions``: ``NAME`` or ``FILE:NAME`` of the package's recipe, either with ``*``.
    ``ran_on``: CPU models, as test reports write them, that the wheel's own tests passed on.
    """

    functions: tuple[str, ...] = ()
    ran_on: tuple[str, ...] = ()

    def is_named(self, file: str, function: str) -> bool:
        """Whether the recipe names the function; code that no symbol covers cannot be named."""
        if not function:
            return False
        for one in self.functions:
            where, colon, what = one.rpartition(":")
            if (not colon or fnmatchcase(file.rsplit("/", 1)[-1], where)) and fnmatchcase(function, what):
                return True
        return False

    def is_proven(self, target: Target) -> bool:
        """Whether the wheel ran on a CPU that has the baseline and nothing more."""
        return target.architecture.qemu.cpu_baseline in self.ran_on
