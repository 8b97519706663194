"""Whether ports are as new as what Debian carries, and comparing versions of any form. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from manyloong.roots.control import compare_versions
from manyloong.roots.ports.model import Port

# What Debian adds to a version: its epoch and revision, and why the archive is not upstream's.
_EPOCH = re.compile(r"^\d+:")
_REPACKED = re.compile(r"[.+~](?:dfsg|ds|repack|really)\d*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A port beside Debian's package; ``theirs`` is empty where Debian has none of that name."""

    name: str
    ours: str
    theirs: str

    @property
    def outdated(self) -> bool:
        """Whether Debian's is newer."""
        return bool(self.theirs) and compare_versions(self.theirs, self.ours) > 0


def upstream_version(version: str) -> str:
    """The upstream part of a Debian version: ``1:1.3.dfsg+really1.3.2-4`` is 1.3.2."""
    text = _EPOCH.sub("", version).rpartition("-")[0] or _EPOCH.sub("", version)
    return _REPACKED.sub("", text.rpartition("+really")[2])


def standings(ports: Mapping[str, Port], debian: Mapping[str, str]) -> tuple[Standing, ...]:
    """Every port and what Debian has, by name; ``debian`` gives versions by source package."""
    return tuple(
        Standing(name=name, ours=port.version, theirs=upstream_version(debian.get(port.debian, "")))
        for name, port in sorted(ports.items())
    )
