"""Layers: what few packages are compiled with, laid over the native root for those.

A layer is a root of its own, with its own lock, so no other build changes when one is added or renewed.
What the native root has stays; a layer adds what is missing, and mount points for what comes with a build.
"""

import hashlib
import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from manyloong.roots.lane import link_tree
from manyloong.roots.model import Root
from manyloong.store import Store
from manyloong.targets import Host

RECIPE = 1  # bump when the same roots would give another tree
KIND = "layered"


def fortran_layers(host: Host) -> tuple[str, ...]:
    """Names of the roots with the Fortran compiler that runs on a host."""
    return (f"fortran-{host.debian}",)


def layered_id(base: Root, layers: Sequence[Root]) -> str:
    """SHA-256 of all that decides the tree."""
    document = {"recipe": RECIPE, "base": base.id, "layers": [layer.id for layer in layers]}
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def ensure_layered(base: Root, layers: Sequence[Root], *, store: Store) -> Root:
    """The base with the layers over it, from the store or made by hard links."""
    identity = layered_id(base, layers)
    path = store.tree(KIND, identity, partial(_fill, base=base.path, layers=[layer.path for layer in layers]))
    name = "+".join([base.name, *(layer.name for layer in layers)])
    drift = tuple(line for root in (base, *layers) for line in root.drift)
    return Root(name=name, id=identity, path=path, drift=drift)


def _fill(tree: Path, *, base: Path, layers: Sequence[Path]) -> None:
    for source in (base, *layers):
        link_tree(source, tree)
