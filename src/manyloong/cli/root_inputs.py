"""``manyloong root diff|vendor``: what differs between roots, and which inputs they are made from."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from manyloong.cli.options import AsJson
from manyloong.cli.root import ensure

if TYPE_CHECKING:
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
        root = ensure(name, fresh)
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
