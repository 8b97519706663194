"""``manyloong root import|forget``: root filesystems of the user's as roots to test in."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from manyloong.cli.options import AsJson

if TYPE_CHECKING:
    from manyloong.store import Store


def import_(
    name: Annotated[str, typer.Argument(help="The name that tests and records give it.")],
    archive: Annotated[
        Path, typer.Argument(metavar="ROOTFS", help="A root filesystem: .tar, .tar.gz, .tar.xz or .tar.zst.")
    ],
    as_json: AsJson = False,
) -> None:
    """Make a root filesystem of yours (Alpine's, openEuler's) another root to test wheels in.

    Refused: another architecture, the old world, a root without a CPython, device nodes, names that lead out.
    """
    from dataclasses import asdict

    from manyloong.cli import terminal
    from manyloong.roots.floor import all_floors
    from manyloong.roots.imported import check_name, import_root
    from manyloong.roots.spec import all_specs

    taken = {*(spec.name for spec in all_specs()), *(floor.name for floor in all_floors())}
    check_name(name, taken=taken)
    row = import_root(name, archive, store=_store())
    if as_json:
        terminal.print_json({"root": asdict(row)})
        return
    print(f"{row.name}: {row.libc} on {row.architecture}, CPythons {', '.join(row.pythons)}")
    print("wheels for these are tested there too: manyloong build NAME --test-roots all")


def forget(
    name: Annotated[str, typer.Argument(help="An imported root.")],
) -> None:
    """Test no longer in an imported root; its files go with `manyloong cache prune`."""
    from manyloong.roots.imported import forget_root

    forget_root(name, store=_store())
    print(f"{name}: forgotten")


def _store() -> "Store":
    import os

    from manyloong.config.paths import cache_directory
    from manyloong.store import Store

    return Store(cache_directory(os.environ))
