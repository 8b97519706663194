"""What a root from source was built from, and how: archives, patches, compiler and roots by digest; steps."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from manyloong.provenance.statement import PART
from manyloong.roots import Port
from manyloong.roots.compile import Recipe, patch_bytes, program_text
from manyloong.roots.floor import Floor, floor_recipes
from manyloong.roots.interpreters import FloorParts, needed_ports
from manyloong.roots.ports import shipped_ports
from manyloong.roots.ports.order import in_order
from manyloong.roots.sources import PinnedSource
from manyloong.roots.zig import LockedZig, locked_zig
from manyloong.targets import Host


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltFrom:
    """The inputs of a root from source, and its steps, as a statement has them."""

    inputs: tuple[dict[str, Any], ...]
    steps: tuple[dict[str, Any], ...]


def floor_built_from(floor: Floor, parts: FloorParts, host: Host) -> BuiltFrom:
    """Of a floor root: its C library, programs, CPython, and the C libraries that CPython links."""
    recipes = floor_recipes(floor, parts)
    ports = in_order(needed_ports(), shipped_ports()) if parts.ports else ()
    return BuiltFrom(
        inputs=tuple(_inputs(floor, recipes, ports, parts, locked_zig(host))),
        steps=(*map(_port_step, ports), *map(_recipe_step, recipes)),
    )


def _inputs(
    floor: Floor, recipes: Sequence[Recipe], ports: Sequence[Port], parts: FloorParts, zig: LockedZig
) -> Iterator[dict[str, Any]]:
    archives = [*floor.sources, *(source for port in ports for source in (port.source, *port.extra))]
    yield from map(_source, dict.fromkeys(archives))
    texts = {patch.name: patch.text.encode() for port in ports for patch in port.patches}
    texts |= {name: patch_bytes(name) for recipe in recipes for name in recipe.patches}
    for name, text in sorted(texts.items()):
        yield _file(name, hashlib.sha256(text).hexdigest(), "patch")
    yield _file(zig.name, zig.sha256, "compiler")
    roots = (parts.native_root, parts.build_root, parts.target_root)
    ids = {root.name: root.id for root in roots} | {"toolchain": parts.toolchain.id}
    for name, identity in sorted(ids.items()):
        yield {"name": name, "digest": {PART: identity}, "annotations": {"role": "root or tool"}}


def _source(source: PinnedSource) -> dict[str, Any]:
    row = _file(f"{source.name} {source.version}", source.sha256, "source")
    return row | {"uri": source.path or source.urls[0]}


def _file(name: str, sha256: str, role: str) -> dict[str, Any]:
    return {"name": name, "digest": {"sha256": sha256}, "annotations": {"role": role}}


def _recipe_step(recipe: Recipe) -> dict[str, Any]:
    return {
        "name": recipe.name,
        "id": recipe.key(),
        "program": program_text(recipe.program),
        "stages": list(recipe.stages),
        "variables": dict(recipe.variables),
    }


def _port_step(port: Port) -> dict[str, Any]:
    return {"name": port.label, "port": port.document()}
