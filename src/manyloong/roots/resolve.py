"""From package names to exact packages: the closure over Depends and Pre-Depends, and its repair."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from manyloong.errors import NotFoundError
from manyloong.roots.control import Package, PackageIndex, Relation, format_relations
from manyloong.roots.model import LockedPackage, RootLock, RootSpec

RECIPE = 1  # of this package's root-building code; see RootLock.recipe


def resolve_lock(spec: RootSpec, index: PackageIndex, *, date: datetime) -> RootLock:
    """The lock of a spec: the packages named, and all they need, in the index's versions.

    An alternative that is already there wins, then the first that exists, then the first provider by name.
    NotFoundError for a package, or a need, that nothing in the index meets.
    """
    chosen: dict[str, Package] = {}
    queue = [_named(index, name, spec) for name in sorted(spec.packages)]
    chosen |= {package.name: package for package in queue}
    while queue:
        package = queue.pop(0)
        for group in package.needs:
            found = _missing(group, chosen, index, spec.without, package.name)
            if found is not None:
                chosen[found.name] = found
                queue.append(found)
    return RootLock(
        root=spec.name,
        architecture=spec.architecture,
        suite=spec.suite,
        date=date,
        recipe=RECIPE,
        packages=tuple(_locked(chosen[name]) for name in sorted(chosen)),
    )


def _named(index: PackageIndex, name: str, spec: RootSpec) -> Package:
    if name not in index:
        raise NotFoundError(f"{spec.name}: the {spec.suite} index has no package {name!r}")
    return index[name]


def _locked(package: Package) -> LockedPackage:
    return LockedPackage(
        name=package.name,
        version=package.version,
        path=package.path,
        sha256=package.sha256,
        size=package.size,
    )


def _missing(
    group: tuple[Relation, ...],
    chosen: Mapping[str, Package],
    index: PackageIndex,
    without: Iterable[str],
    needed_by: str,
) -> Package | None:
    """The package to add for a need; None if the need is met."""
    if any(relation.name in without or _met(relation, chosen.values()) for relation in group):
        return None
    for relation in group:
        if relation.name in index and relation.admits(index[relation.name].version):
            return index[relation.name]
        for name in index.providers(relation.name):
            if _met(relation, [index[name]]):
                return index[name]
    raise NotFoundError(f"{needed_by} needs {format_relations([group])}, which the index does not have")


def _met(relation: Relation, packages: Iterable[Package]) -> bool:
    for package in packages:
        if package.name == relation.name and relation.admits(package.version):
            return True
        for provided in package.provides:
            if provided.name == relation.name and _provided(relation, provided):
                return True
    return False


def _provided(relation: Relation, provided: Relation) -> bool:
    """An unversioned Provides meets only an unversioned need; Debian Policy 7.5."""
    return relation.admits(provided.version) if provided.operator else not relation.operator


def refresh_lock(
    lock: RootLock, index: PackageIndex, gone: Iterable[str], *, without: tuple[str, ...]
) -> RootLock:
    """The lock with the packages named ``gone`` taken from the index, and whatever must move with them.

    With a package go those of the same source and version, since they ask for one another exactly, and
    what its new version needs that the locked versions do not give. All others stay as they are.
    """
    kept = {package.name: package for package in lock.packages}
    fresh: dict[str, Package] = {}
    queue = sorted(set(gone))
    while queue:
        name = queue.pop(0)
        if name in fresh:
            continue
        if name not in index:
            raise NotFoundError(
                f"{lock.root}: {name} is on no mirror and no longer in the {lock.suite} index",
                hint=f"resolve the root again: manyloong root lock {lock.root}",
            )
        fresh[name] = index[name]
        old = kept.pop(name, None)
        queue += [] if old is None else _siblings(old, kept.values())
        for group in fresh[name].needs:
            queue += _to_move(group, kept, fresh, index, without, name)
    packages = kept | {name: _locked(package) for name, package in fresh.items()}
    return RootLock(
        root=lock.root,
        architecture=lock.architecture,
        suite=lock.suite,
        date=lock.date,
        recipe=lock.recipe,
        packages=tuple(packages[name] for name in sorted(packages)),
    )


def _siblings(old: LockedPackage, kept: Iterable[LockedPackage]) -> list[str]:
    return sorted(
        package.name
        for package in kept
        if package.source_directory == old.source_directory and package.version == old.version
    )


def _to_move(
    group: tuple[Relation, ...],
    kept: Mapping[str, LockedPackage],
    fresh: Mapping[str, Package],
    index: PackageIndex,
    without: tuple[str, ...],
    needed_by: str,
) -> list[str]:
    if any(relation.name in kept and relation.admits(kept[relation.name].version) for relation in group):
        return []
    same = {name: index[name] for name in kept if name in index and index[name].version == kept[name].version}
    found = _missing(group, {**same, **fresh}, index, without, needed_by)
    return [] if found is None else [found.name]


def lock_changes(old: RootLock, new: RootLock) -> tuple[str, ...]:
    """One line for each package that differs, for warnings and records."""
    before = {package.name: package for package in old.packages}
    after = {package.name: package for package in new.packages}
    lines = []
    for name in sorted(before.keys() | after.keys()):
        one, two = before.get(name), after.get(name)
        if one is None or two is None or one.sha256 != two.sha256:
            was, now = (package.version if package else "none" for package in (one, two))
            lines.append(f"{old.root}: {name} {was} -> {now}")
    return tuple(lines)
