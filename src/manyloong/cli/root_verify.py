"""``manyloong root verify``: whether the same inputs give the same bytes, whatever else changes."""

import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from manyloong.cli.options import AsJson, Mirror
from manyloong.cli.root import ensure

if TYPE_CHECKING:
    from manyloong.cli.changed import Conditions, Rebuilt
    from manyloong.cli.doors import Outside
    from manyloong.events import Listener


def verify(
    names: Annotated[list[str], typer.Argument(help="Roots, or platform tags of images, to build again.")],
    twice: Annotated[
        bool, typer.Option("--twice", help="Build the first one from nothing too, whatever the cache has.")
    ] = False,
    mirror: Mirror = None,
    record: Annotated[
        bool, typer.Option("--record", help="Write the digest into the lock, if both builds agree.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Build roots from nothing, under changed conditions, and compare every byte with those in the cache.

    The build runs in another folder, with another umask, time zone, locale and number of cores, as another
    user where this host has user namespaces, and with no network: it gets downloads and nothing else that
    the cache has. What several names need is built once. Exit code 5 where they differ.
    """
    from dataclasses import asdict

    from manyloong.cli import terminal
    from manyloong.cli.progress import ProgressListener
    from manyloong.errors import IntegrityError

    outcomes: list[Rebuilt] = []
    with ProgressListener(quiet=as_json) as listener:
        for outcome in verified(names, listener, mirror=mirror, twice=twice or mirror is not None):
            outcomes.append(outcome)
            if record:
                _record(outcome)
            if not as_json:
                _print_outcome(outcome)
    if as_json:
        terminal.print_json({"roots": [asdict(outcome) for outcome in outcomes]})
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where one run of the verb works, and with what."""

    outside: "Outside"  # of the first builds
    folder: Path
    conditions: "Conditions"  # of the second builds


def verified(
    names: Sequence[str], listener: "Listener", *, mirror: Path | None = None, twice: bool = False
) -> "Iterator[Rebuilt]":
    """Each root or image as it is done; what they share is built once for the first, once for the second."""
    from manyloong.cli.changed import changed_conditions
    from manyloong.cli.doors import open_outside

    with open_outside(listener, offline=False, locked=False).doors.store.scratch("verify") as folder:
        cache = folder / "first" if twice else None
        place = _Place(
            outside=open_outside(listener, offline=False, locked=False, mirror=mirror, cache=cache),
            folder=folder,
            conditions=changed_conditions(folder),
        )
        for name in dict.fromkeys(names):
            yield _again(name, place)


def _again(name: str, place: _Place) -> "Rebuilt":
    from manyloong.cli.changed import build_under, compare_builds, compare_images, export_under

    if _is_image(name):
        image = _first_image(name, place)
        _link_inputs(place)
        return compare_images(name, image, export_under(place.conditions, name), place.conditions)
    first = ensure(name, place.outside).path
    _link_inputs(place)
    return compare_builds(name, first, build_under(place.conditions, name), place.conditions)


def _is_image(name: str) -> bool:
    from manyloong.errors import NotFoundError
    from manyloong.wheels.image_parts import image_target

    try:
        image_target(name)
    except NotFoundError:
        return False
    return True


def _first_image(name: str, place: _Place) -> Path:
    """The folder of an image."""
    from manyloong.cli.image import find_image
    from manyloong.roots.images.oci import export_layout

    folder = place.folder / f"image-{name}"
    export_layout(find_image(name, place.outside), folder)
    return folder


def _link_inputs(place: _Place) -> None:
    """Give the second cache hard links of the first one's downloads, and of what it knows of drift."""
    first, second = place.outside.doors.store.path, place.conditions.cache
    for kind in ("objects", "results/drift"):
        for source in (first / kind).rglob("*"):
            target = second / kind / source.relative_to(first / kind)
            if source.is_file() and not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                _link(source, target)


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # a file system without hard links, or one that has too many
        shutil.copyfile(source, target)


def _record(outcome: "Rebuilt") -> None:
    from manyloong.roots.lock import committed_lock, format_lock, has_lock, spec_digest
    from manyloong.roots.renew import locks_directory
    from manyloong.roots.spec import root_spec
    from manyloong.store import write_whole

    name = outcome.name
    if outcome.same and has_lock(name):
        lock = replace(committed_lock(name), tree=outcome.tree, spec=spec_digest(root_spec(name)))
        write_whole(locks_directory() / f"{name}.toml", format_lock(lock).encode("utf-8"))
