"""The target's wheels of those build requirements that a package compiles against."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from manyloong.errors import NotFoundError
from manyloong.store import RemoteFile
from manyloong.targets import Target
from manyloong.wheels.environment import Copy
from manyloong.wheels.overlay import Brought, needs_target_copy, read_brought, source_hashes
from manyloong.wheels.registry import parse_requirement
from manyloong.wheels.requirements import Supply, Wanted, pinned
from manyloong.wheels.resolve import ResolvedWheel, UnresolvableError, fetch_wheels, target_platform
from manyloong.wheels.source import Source

_RULE = 1  # bump when the same wheel would be judged otherwise


def target_copies(
    wheels: Sequence[ResolvedWheel],
    files: Mapping[str, Path],
    *,
    wanted: Wanted,
    target: Target,
    supply: Supply,
) -> tuple[Copy, ...]:
    """One wheel of the target for each native wheel that needs it, of the same version.

    From a folder of wheels, the index, or made by ``supply``, in this order.
    """
    return tuple(
        _copy(wheel, wanted=wanted, target=target, supply=supply)
        for wheel in wheels
        if _is_compiled_against(wheel, files[wheel.filename], wanted)
    )


def _copy(wheel: ResolvedWheel, *, wanted: Wanted, target: Target, supply: Supply) -> Copy:
    there = Wanted(
        python=wanted.python,
        platform=target_platform(target),
        links=(*wanted.links, *supply.links()),
        doors=wanted.doors,
    )
    try:
        found = there.resolve([pinned(wheel)], alone=True)
    except UnresolvableError:
        path = supply.target_wheel(wheel.name, wheel.version, wanted.python)
        return Copy(filename=path.name, sha256=wanted.doors.store.add_file(path), path=path)
    paths = fetch_wheels(found, fetcher=wanted.doors.fetcher, listener=wanted.doors.listener)
    return Copy(filename=found[0].filename, sha256=found[0].sha256, path=paths[found[0].filename])


def _is_compiled_against(wheel: ResolvedWheel, file: Path, wanted: Wanted) -> bool:
    """The rule of overlay.py for a wheel of an index; its answer is remembered."""
    store = wanted.doors.store
    known = store.get_json("compiled-against", wheel.sha256)
    if known is not None and known.get("rule") == _RULE:
        return bool(known["needed"])
    brought = read_brought(file)
    needed = needs_target_copy(wheel.filename, brought, frozenset())
    if needed:
        needed = needs_target_copy(wheel.filename, brought, _source_files(wheel, brought, wanted))
    store.put_json("compiled-against", wheel.sha256, {"rule": _RULE, "needed": needed})
    return needed


def _source_files(wheel: ResolvedWheel, brought: Brought, wanted: Wanted) -> frozenset[str]:
    """The hashes of the files of the wheel's own sources; none where there are none."""
    del brought
    doors = wanted.doors
    try:
        releases = doors.registry.releases(parse_requirement(wheel.name).name)
    except NotFoundError:
        return frozenset()  # a wheel of a folder
    sdist = next((one.sdist for one in releases.values() if one.version == wheel.version), None)
    if sdist is None or not sdist.sha256:
        return frozenset()
    remote = RemoteFile(
        name=sdist.filename,
        urls=(sdist.url.split("#", 1)[0],),
        sha256=sdist.sha256,
        size_bytes=sdist.size_bytes,
    )
    path = doors.fetcher.fetch([remote], label=sdist.filename, listener=doors.listener)[sdist.sha256]
    source = Source(
        kind="archive",
        location=sdist.filename,
        name=wheel.name,
        version=wheel.version,
        sha256=sdist.sha256,
        path=path,
        requires_python=None,
    )
    return source_hashes(source, doors.store)
