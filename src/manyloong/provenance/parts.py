"""The statement about a root: what it was unpacked or built from, and the digests of the finished tree."""

from typing import Any

from manyloong import __version__
from manyloong.errors import LockError
from manyloong.provenance.built import BuiltFrom
from manyloong.provenance.statement import LOCAL, PART, statement_of
from manyloong.roots import Root
from manyloong.roots.compare import TreeDigests
from manyloong.roots.lock import spec_digest
from manyloong.roots.model import RootLock, RootSpec

ROOT = "urn:manyloong:build:root:v1"
TREE = "manyloongTree"  # digest algorithm: store.normalise.tree_digest


def root_subject(name: str, digests: TreeDigests) -> dict[str, Any]:
    """The root as its tar and as its tree."""
    return {"name": f"{name}.tar", "digest": {"sha256": digests.tar, TREE: digests.tree}}


def root_statement(
    root: Root,
    digests: TreeDigests,
    *,
    locked: tuple[RootLock, RootSpec] | None,
    built: BuiltFrom | None = None,
    builder: str = LOCAL,
) -> dict[str, Any]:
    """The statement about a root from a lock, or one built from source; LockError for one that drifted."""
    if root.drift:
        raise LockError(
            f"{root.name} differs from its lock, so there is nothing to say of where it comes from:\n  "
            + "\n  ".join(root.drift),
            hint=f"resolve it again: manyloong root lock {root.name}",
        )
    parameters: dict[str, Any] = {"root": root.name}
    inputs: list[dict[str, Any]] = []
    inside: dict[str, Any] = {"id": root.id}
    if locked is not None:
        lock, spec = locked
        parameters |= {"suite": lock.suite, "architecture": lock.architecture, "date": lock.date.isoformat()}
        inside["recipe"] = lock.recipe
        inputs.append({"name": f"spec {spec.name}", "digest": {"sha256": spec_digest(spec)}})
        inputs += [
            {"name": one.path.rpartition("/")[2], "uri": one.path, "digest": {"sha256": one.sha256}}
            for one in lock.packages
        ]
    if built is not None:
        inside["steps"] = list(built.steps)
        inputs += built.inputs
    definition = {
        "buildType": ROOT,
        "externalParameters": parameters,
        "internalParameters": inside,
        "resolvedDependencies": [*inputs, {"name": root.name, "digest": {PART: root.id}}],
    }
    details = {
        "builder": {"id": builder, "version": {"manyloong": __version__}},
        "metadata": {"invocationId": root.id},
    }
    return statement_of(root_subject(root.name, digests), definition, details)
