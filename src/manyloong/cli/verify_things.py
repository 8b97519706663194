"""What ``manyloong provenance`` and ``manyloong verify`` are about: wheels and roots."""

from pathlib import Path
from typing import Any

from manyloong.cli.changed import EPOCH
from manyloong.cli.doors import Outside, open_outside
from manyloong.cli.progress import ProgressListener
from manyloong.errors import InputError, IntegrityError, NotFoundError
from manyloong.provenance import (
    LOCAL,
    BuiltFrom,
    Checked,
    Subject,
    floor_built_from,
    provenance_path,
    root_statement,
    root_subject,
    said_builder,
    unsigned_statement,
    wheel_statement,
)
from manyloong.record import read_record, record_of, record_path
from manyloong.roots import Root
from manyloong.roots.compare import tree_digests
from manyloong.roots.floor import find_floor, is_floor
from manyloong.roots.lock import committed_lock, has_lock
from manyloong.roots.spec import root_spec
from manyloong.store.objects import file_sha256
from manyloong.wheels.kit import ensure_kit, kit_parts


def is_wheel(thing: str) -> bool:
    """Whether a word means a wheel rather than a root."""
    return thing.endswith(".whl")


def statement_about(thing: str, *, offline: bool, builder: str = "") -> tuple[dict[str, Any], Path]:
    """The statement about a wheel or a root, and where its file belongs.

    ``builder`` is who built a root ("": nobody in particular); of a wheel the record says who did.
    """
    if not is_wheel(thing):
        return _root_statement(thing, offline=offline, builder=builder or LOCAL), default_place(thing)
    wheel = Path(thing)
    return wheel_statement(record_of(wheel)), provenance_path(wheel)


def _root_statement(name: str, *, offline: bool, builder: str) -> dict[str, Any]:
    with ProgressListener() as listener:
        outside = open_outside(listener, offline=offline, locked=False)
        root = _root(name, outside)
        built = _built_from(name, outside) if is_floor(name) else None
    locked = (committed_lock(name), root_spec(name)) if has_lock(name) else None
    digests = tree_digests(root.path, epoch=EPOCH)
    return root_statement(root, digests, locked=locked, built=built, builder=builder)


def _built_from(name: str, outside: Outside) -> BuiltFrom:
    floor, doors = find_floor(name), outside.doors
    parts = kit_parts(ensure_kit(floor.target, outside.host, doors=doors), doors)
    return floor_built_from(floor, parts, outside.host)


def _root(name: str, outside: Outside) -> Root:
    from manyloong.cli.root import ensure

    if not (has_lock(name) or is_floor(name)):
        raise NotFoundError(
            f"no wheel and no root of that name: {name!r}", hint="see the roots: manyloong root list"
        )
    return ensure(name, outside)


def default_place(thing: str) -> Path:
    """Where the provenance of a thing is looked for."""
    if is_wheel(thing):
        return provenance_path(Path(thing))
    return Path(f"{Path(thing).name}.tar.provenance.json")


def subject_of(thing: str) -> tuple[Subject, Path | None]:
    """What a thing is now, and its file, if it is one; a root's folder is hashed as its tar."""
    if is_wheel(thing):
        path = Path(thing)
        if not path.is_file():
            raise NotFoundError(f"no wheel at {thing}", hint="check the path")
        return Subject(name=path.name, digests={"sha256": file_sha256(path)}), path
    if Path(thing).is_dir():
        tree, name = Path(thing), Path(thing).resolve().name
    else:
        with ProgressListener() as listener:
            root = _root(thing, open_outside(listener, offline=True, locked=False))
        tree, name = root.path, root.name
    row = root_subject(name, tree_digests(tree, epoch=EPOCH))
    return Subject(name=row["name"], digests=row["digest"]), None


def unsigned_about(data: bytes, thing: str, subject: Subject, path: Path) -> Checked:
    """An unsigned statement, against what the record beside the wheel, or the root's lock, says."""
    if not is_wheel(thing) and Path(thing).is_dir():
        raise InputError("--unsigned needs a wheel with its record, or the name of a root")
    expected, _ = statement_about(thing, offline=True, builder=said_builder(data))
    return unsigned_statement(data, subject, expected, where=str(path))


def checked_record(wheel: Path | None, checked: Checked) -> bool:
    """Whether the record beside a wheel is the one that was left with it; IntegrityError for another."""
    if wheel is None or not record_path(wheel).is_file():
        return False
    path = record_path(wheel)
    said = checked.byproducts.get(path.name)
    data_sha256 = file_sha256(path)
    read_record(path)
    if said != data_sha256:
        raise IntegrityError(
            f"{path} is not the record that the provenance names: SHA-256 {data_sha256}, not {said}",
            hint="get the record again from where the wheel comes from",
        )
    return True
