"""``manyloong cache``: what the cache holds, and making it smaller."""

from typing import Annotated

import typer

from manyloong.cli.options import AsJson

app = typer.Typer(help="Look at the cache, or make it smaller.", no_args_is_help=True)

UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def size_text(size_bytes: float) -> str:
    """A size for people, e.g. ``1.5 GiB``."""
    for unit in UNITS[:-1]:
        if size_bytes < 1024:
            return f"{size_bytes:.0f} {unit}" if unit == "B" else f"{size_bytes:.1f} {unit}"
        size_bytes /= 1024
    return f"{size_bytes:.1f} {UNITS[-1]}"


@app.command()
def info(
    as_json: AsJson = False,
) -> None:
    """Say where the cache is, what is in it and how much of the disk it takes."""
    import os

    from manyloong.cli import terminal
    from manyloong.config.paths import cache_directory
    from manyloong.store import Store

    found = Store(cache_directory(os.environ)).info()
    if as_json:
        terminal.print_json(
            {
                "path": str(found.path),
                "objects": found.objects,
                "objects_bytes": found.objects_bytes,
                "partial_bytes": found.partial_bytes,
                "scratch_bytes": found.scratch_bytes,
                "json_bytes": found.json_bytes,
                "kept_bytes": found.kept_bytes,
                "other_bytes": found.other_bytes,
                "total_bytes": found.total_bytes,
                "trees": [
                    {
                        "kind": tree.kind,
                        "key": tree.key,
                        "size_bytes": tree.size_bytes,
                        "idle_days": round(tree.idle_days, 3),
                    }
                    for tree in found.trees
                ],
            }
        )
        return
    print(f"{found.path}  {size_text(found.total_bytes)}")
    print(f"  {found.objects} files  {size_text(found.objects_bytes)}")
    for tree in found.trees:
        print(f"  {tree.kind} {tree.key[:16]}  {size_text(tree.size_bytes)}  idle {tree.idle_days:.1f} days")
    print(f"  downloads under way  {size_text(found.partial_bytes)}")
    print(f"  running or killed work  {size_text(found.scratch_bytes)}")
    print(f"  kept failed builds  {size_text(found.kept_bytes)}")
    print(f"  logs and tools' caches  {size_text(found.other_bytes)}")


@app.command()
def prune(
    keep_days: Annotated[int, typer.Option(min=0, help="Keep what was used in the last DAYS days.")] = 30,
    everything: Annotated[bool, typer.Option("--everything", help="Remove all, however new.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove what was not used for a while. What a running manyloong uses always stays."""
    import os

    from manyloong.cli import terminal
    from manyloong.config.paths import cache_directory
    from manyloong.store import Store

    freed = Store(cache_directory(os.environ)).prune(keep_days=keep_days, everything=everything)
    if as_json:
        terminal.print_json({"freed_bytes": freed})
    else:
        print(f"freed {size_text(freed)}")


@app.command()
def verify(
    remove: Annotated[
        bool,
        typer.Option("--remove", help="Remove what is damaged; it is made again when needed."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Read every byte of the cache, and name files and trees that are not what they were.

    Exit code 5 where there are any, also when they were removed.
    """
    import os
    from dataclasses import asdict

    from manyloong.cli import terminal
    from manyloong.config.paths import cache_directory
    from manyloong.errors import IntegrityError
    from manyloong.store import Store

    store = Store(cache_directory(os.environ))
    found = tuple(store.damaged())
    for damage in found if remove else ():
        store.remove_damaged(damage)
    if as_json:
        terminal.print_json({"damaged": [asdict(damage) for damage in found], "removed": remove})
    for damage in () if as_json else found:
        print(f"{damage.kind} {damage.key}: damaged" + (f", {damage.paths[0]}" if damage.paths else ""))
    if found:
        raise typer.Exit(IntegrityError.exit_code)
    if not as_json:
        print("nothing is damaged")
