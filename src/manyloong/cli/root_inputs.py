"""``manyloong root verify|diff|vendor``: whether equal locks give equal bytes, and from which inputs."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from manyloong.cli.root import AsJson, Mirror, ensure

if TYPE_CHECKING:
    from manyloong.cli.changed import Rebuilt
    from manyloong.cli.doors import Outside
    from manyloong.events import Listener
    from manyloong.roots import Root
    from manyloong.roots.model import RootLock
    from manyloong.store import RemoteFile


def vendor(
    name: Annotated[str, typer.Argument(help="The root whose inputs to keep.")],
    directory: Annotated[Path, typer.Argument(help="Where to; files that are there stay.")],
    as_json: AsJson = False,
) -> None:
    """Copy every input of a root to a folder, so that it can be built again with no mirror at all.

    The root is built anew from nothing on the way, so the folder holds all that a build asks for.
    """
    from manyloong.cli import terminal
    from manyloong.cli.cache import size_text
    from manyloong.cli.progress import ProgressListener

    with ProgressListener(quiet=as_json) as listener:
        root, files, added = _vendored(name, directory, listener)
    if as_json:
        rows = [{"name": f.name, "sha256": f.sha256, "size_bytes": f.size_bytes} for f in files]
        terminal.print_json({"root": name, "id": root.id, "directory": str(directory), "inputs": rows})
        return
    print(f"{name}: {len(files)} inputs in {directory}, {size_text(added)} of them new")
    print(f"to build it from there: manyloong root build {name} --offline --mirror {directory}")


def _vendored(
    name: str, directory: Path, listener: "Listener", mirror: Path | None = None
) -> "tuple[Root, list[RemoteFile], int]":
    """Build from nothing in a store of its own; every file that was asked for goes to the directory."""
    from manyloong.cli.doors import open_outside
    from manyloong.store import RecordingFetcher, Store, fill_shelf

    outside = open_outside(listener, offline=False, locked=False, mirror=mirror)
    doors = outside.doors
    with doors.store.scratch("vendor") as place:
        fetcher = RecordingFetcher(doors.fetcher)
        fresh = replace(outside, doors=replace(doors, store=Store(place), fetcher=fetcher))
        root = ensure(name, fresh, listener)
    files = sorted(fetcher.files.values(), key=lambda file: file.sha256)
    return root, files, fill_shelf(directory, files, store=doors.store)


def diff(
    old: Annotated[str, typer.Argument(help="A root's name, a lock file, or a tree's folder.")],
    new: Annotated[str, typer.Argument(help="Another one, of the same kind.")],
    as_json: AsJson = False,
) -> None:
    """Print what differs between two locks, or between two trees; exit code 1 where anything does."""
    from manyloong.cli import terminal
    from manyloong.errors import InputError
    from manyloong.roots.compare import tree_differences
    from manyloong.roots.resolve import lock_changes

    if Path(old).is_dir() and Path(new).is_dir():
        lines = [str(difference) for difference in tree_differences(Path(old), Path(new), limit=1000)]
    elif Path(old).is_dir() or Path(new).is_dir():
        raise InputError(
            f"{old} and {new}: one is a tree, the other a lock",
            hint="compare two folders, or two of: root names, lock files",
        )
    else:
        lines = list(lock_changes(_lock(old), _lock(new)))
    if as_json:
        terminal.print_json({"old": old, "new": new, "differences": lines})
    else:
        print("\n".join(lines) or "no differences")
    raise typer.Exit(1 if lines else 0)


def _lock(text: str) -> "RootLock":
    from manyloong.errors import NotFoundError
    from manyloong.roots.lock import committed_lock, has_lock, parse_lock

    path = Path(text)
    if path.suffix == ".toml" or "/" in text:
        if not path.is_file():
            raise NotFoundError(f"no such lock file: {text}", hint="see the roots: manyloong root list")
        return parse_lock(path.read_text("utf-8", "replace"), where=text)
    if not has_lock(text):
        raise NotFoundError(f"no lock of that name: {text!r}", hint="see the roots: manyloong root list")
    return committed_lock(text)


def verify(
    names: Annotated[list[str], typer.Argument(help="Roots, or platform tags of images, to build again.")],
    mirror: Mirror = None,
    record: Annotated[
        bool, typer.Option("--record", help="Write the digest into the lock, if both builds agree.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Build roots twice from nothing, under changed conditions, and compare every byte.

    The second build runs in another folder, with another umask, time zone, locale and number of cores, as
    another user where this host has user namespaces, and with no network: its inputs are those that the
    first one asked for. Exit code 5 where they differ.
    """
    from dataclasses import asdict

    from manyloong.cli import terminal
    from manyloong.cli.progress import ProgressListener
    from manyloong.errors import IntegrityError

    with ProgressListener(quiet=as_json) as listener:
        outcomes = [_verified(name, mirror, listener, record=record) for name in names]
    if as_json:
        terminal.print_json({"roots": [asdict(outcome) for outcome in outcomes]})
    else:
        for outcome in outcomes:
            _print_outcome(outcome)
    if not all(outcome.same for outcome in outcomes):
        raise typer.Exit(IntegrityError.exit_code)


def _print_outcome(outcome: "Rebuilt") -> None:
    print(f"{outcome.name}: {'identical' if outcome.same else 'DIFFERENT'}")
    print(f"  tree {outcome.tree}\n  tar  {outcome.tar}")
    if outcome.manifest:
        print(f"  image manifest {outcome.manifest}")
    print(f"  second build: {outcome.conditions}")
    for line in outcome.differences:
        print(f"  {line}")


def _verified(name: str, mirror: Path | None, listener: "Listener", *, record: bool) -> "Rebuilt":
    from manyloong.cli.changed import (
        build_under,
        changed_conditions,
        compare_builds,
        compare_images,
        export_under,
    )
    from manyloong.cli.doors import open_outside

    outside = open_outside(listener, offline=False, locked=False, mirror=mirror)
    with outside.doors.store.scratch("verify") as place:
        shelf = place / "inputs"
        shelf.mkdir()
        if _is_image(name):
            image = _first_image(name, place / "first", shelf, outside, listener)
            conditions = changed_conditions(place)
            again = export_under(conditions, name, shelf=shelf)
            return compare_images(name, image, again, conditions)
        first = _first(name, place / "first", shelf, outside, listener)
        conditions = changed_conditions(place)
        second = build_under(conditions, name, shelf=shelf)
        outcome = compare_builds(name, first, second, conditions)
    if record and outcome.same:
        _record(name, outcome.tree)
    return outcome


def _is_image(name: str) -> bool:
    from manyloong.errors import NotFoundError
    from manyloong.wheels.image_parts import image_target

    try:
        image_target(name)
    except NotFoundError:
        return False
    return True


def _first_image(
    name: str, place: Path, shelf: Path, outside: "Outside", listener: "Listener"
) -> tuple[Path, str]:
    """The folder of an image that is made from nothing, and its manifest's digest."""
    from manyloong.cli.image import find_image
    from manyloong.roots.images.oci import export_layout
    from manyloong.store import RecordingFetcher, Store, fill_shelf

    fetcher = RecordingFetcher(outside.doors.fetcher)
    doors = replace(outside.doors, store=Store(place), fetcher=fetcher, listener=listener)
    folder = place.with_name("first-image")
    layout = export_layout(find_image(name, replace(outside, doors=doors), cross=False), folder)
    fill_shelf(shelf, list(fetcher.files.values()), store=outside.doors.store)
    return folder, layout.manifest.digest


def _first(name: str, place: Path, shelf: Path, outside: "Outside", listener: "Listener") -> Path:
    from manyloong.store import RecordingFetcher, Store, fill_shelf

    fetcher = RecordingFetcher(outside.doors.fetcher)
    doors = replace(outside.doors, store=Store(place), fetcher=fetcher)
    root = ensure(name, replace(outside, doors=doors), listener)
    fill_shelf(shelf, list(fetcher.files.values()), store=outside.doors.store)
    return root.path


def _record(name: str, tree: str) -> None:
    from manyloong.roots.lock import committed_lock, format_lock, spec_digest
    from manyloong.roots.renew import locks_directory
    from manyloong.roots.spec import root_spec
    from manyloong.store import write_whole

    lock = replace(committed_lock(name), tree=tree, spec=spec_digest(root_spec(name)))
    write_whole(locks_directory() / f"{name}.toml", format_lock(lock).encode("utf-8"))
