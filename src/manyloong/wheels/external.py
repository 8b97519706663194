"""Which ports a project's ``[external]`` table asks for (PEP 725): C libraries that are on no index."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from manyloong.roots import Port

_LISTS = ("build-requires", "host-requires", "dependencies")
_NAME = re.compile(r"(?:pkg|dep):(generic/[^@?#;\s]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class External:
    """The ports that serve the table, and the names in it that no port serves."""

    ports: tuple[str, ...] = ()
    unserved: tuple[str, ...] = ()


def external_needs(pyproject: str, ports: Mapping[str, Port]) -> External:
    """What the table means here. Compilers and the like (``dep:virtual/...``) are always there."""
    try:
        table = tomllib.loads(pyproject).get("external", {})
    except tomllib.TOMLDecodeError:
        return External()  # the build front end says what is wrong with it
    names = []
    for key in _LISTS if isinstance(table, dict) else ():
        rows = table.get(key, [])
        names += [match[1] for row in rows if isinstance(row, str) and (match := _NAME.match(row))]
    aliases = {f"generic/{name}": name for name in ports}
    aliases |= {alias: name for name, port in ports.items() for alias in port.external}
    wanted = [unquote(name) for name in dict.fromkeys(names)]
    return External(
        ports=tuple(aliases[name] for name in wanted if name in aliases),
        unserved=tuple(name for name in wanted if name not in aliases),
    )
