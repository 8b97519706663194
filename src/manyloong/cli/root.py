"""``manyloong root``: the trees that builds and tests run in."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from manyloong.cli.options import AsJson, Locked, Mirror, Offline

if TYPE_CHECKING:
    from manyloong.cli.doors import Outside
    from manyloong.events import Listener
    from manyloong.roots import Root
    from manyloong.roots.floor import Floor
    from manyloong.roots.model import RootLock
    from manyloong.sandbox import Emulator
    from manyloong.store import Store
    from manyloong.wheels.doors import Doors

app = typer.Typer(help="The roots that builds and tests run in.", no_args_is_help=True)


@app.command("list")
def list_roots(as_json: AsJson = False) -> None:
    """List every root: what its lock holds, and whether it is built."""
    import os

    from manyloong.cli import terminal
    from manyloong.cli.cache import size_text
    from manyloong.config.paths import cache_directory
    from manyloong.roots.lock import committed_lock, has_lock, root_id
    from manyloong.roots.spec import all_specs
    from manyloong.store import Store

    store = Store(cache_directory(os.environ))
    locked = [(spec, committed_lock(spec.name)) for spec in all_specs() if has_lock(spec.name)]
    ids = {spec.name: root_id(lock, spec) for spec, lock in locked}
    built = {name for name, identity in ids.items() if store.tree_path("root", identity)}
    sizes = {lock.root: sum(package.size for package in lock.packages) for _, lock in locked}
    floors = _floor_rows(store)
    imported = _imported_rows(store)
    if as_json:
        rows = [
            {
                "name": lock.root,
                "id": ids[lock.root],
                "suite": lock.suite,
                "date": lock.date.isoformat(),
                "packages": len(lock.packages),
                "download_bytes": sizes[lock.root],
                "built": lock.root in built,
            }
            for _, lock in locked
        ]
        terminal.print_json({"roots": rows, "floors": floors, "imported": imported})
        return
    for _, lock in locked:
        print(
            f"{lock.root:16} {ids[lock.root][:16]}  {lock.suite} {lock.date:%Y-%m-%d}  "
            f"{len(lock.packages):4} packages  {size_text(sizes[lock.root]):>9}  "
            f"{'built' if lock.root in built else 'not built'}"
        )
    for text in (*map(_floor_line, floors), *map(_imported_line, imported)):
        print(text)


def _floor_line(row: dict[str, str]) -> str:
    return f"{row['name']:26} from source: {row['libc']}, CPython {row['python']:8} {row['state']}"


def _imported_line(row: dict[str, str]) -> str:
    return f"{row['name']:26} imported: {row['archive']}, {row['libc']}, {row['pythons']}"


def _imported_rows(store: "Store") -> list[dict[str, str]]:
    from manyloong.roots.imported import imported_roots

    return [
        {
            "name": row.name,
            "libc": row.libc,
            "pythons": ", ".join(row.pythons),
            "id": row.id,
            "archive": row.archive,
        }
        for row in imported_roots(store)
    ]


def _floor_rows(store: "Store") -> list[dict[str, str]]:
    import os

    from manyloong.config.mirrors import debian_mirrors
    from manyloong.roots.floor import all_floors

    mirrors = debian_mirrors(os.environ)
    return [_floor_row(floor, store, mirrors) for floor in all_floors()]


def _floor_row(floor: "Floor", store: "Store", mirrors: tuple[str, ...]) -> dict[str, str]:
    from manyloong.roots.floor import last_floor
    from manyloong.wheels.floors import missing_reason

    libc, _, python = floor.sources
    built = last_floor(floor, store)
    return {
        "name": floor.name,
        "libc": f"{libc.name} {libc.version}",
        "python": python.version + ("t" if floor.python.free_threaded else ""),
        "id": built.id if built else "",
        "state": "built" if built else missing_reason(floor, store, mirrors) or "not built",
    }


@app.command()
def build(
    names: Annotated[
        list[str] | None, typer.Argument(help="Roots; without any, those that builds on this host need.")
    ] = None,
    offline: Offline = False,
    locked: Locked = False,
    mirror: Mirror = None,
    as_json: AsJson = False,
) -> None:
    """Fetch and build roots, where they are not in the cache, and print their paths."""
    from dataclasses import asdict

    from manyloong.cli import terminal
    from manyloong.cli.doors import open_outside
    from manyloong.cli.progress import ProgressListener
    from manyloong.roots.spec import needed_roots

    with ProgressListener(quiet=as_json) as listener:
        outside = open_outside(listener, offline=offline, locked=locked, mirror=mirror)
        wanted = names or needed_roots(outside.host)
        roots = [ensure(name, outside) for name in wanted]
    if as_json:
        terminal.print_json({"roots": [asdict(root) | {"path": str(root.path)} for root in roots]})
        return
    for root in roots:
        print(f"{root.name:16} {root.id[:16]}  {root.path}")


@app.command()
def lock(
    names: Annotated[
        list[str] | None, typer.Argument(help="Roots whose locks to make again; without any, all.")
    ] = None,
    only: Annotated[list[str], typer.Option(help="The same, as an option.")] = [],  # noqa: B006 - typer copies it
    update: Annotated[
        bool,
        typer.Option("--update/--check", help="Write the locks; or see whether they are the newest."),
    ] = True,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder for the locks, instead of this program's.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the changes and write nothing.")] = False,
    locked: Annotated[bool, typer.Option("--locked", help="Refuse an index that is past its date.")] = False,
    as_json: AsJson = False,
) -> None:
    """Resolve roots again from the newest signed index, and print who signed it and what changes.

    With --check nothing is written, and the exit code is 6 where a lock is not the newest.
    """
    from manyloong.cli import terminal
    from manyloong.cli.doors import open_outside
    from manyloong.cli.progress import ProgressListener
    from manyloong.errors import LockError
    from manyloong.roots.renew import locked_roots, locks_directory, renew_lock

    changes: dict[str, tuple[str, ...]] = {}
    signed: dict[str, str] = {}
    with ProgressListener(quiet=as_json) as listener:
        doors = open_outside(listener, offline=False, locked=locked).doors
        for name in dict.fromkeys((*(names or ()), *only)) or locked_roots():
            new, changes[name], signed[name] = renew_lock(
                name, fetcher=doors.fetcher, mirrors=doors.mirrors, listener=listener, locked=locked
            )
            if update and not dry_run:
                _write_lock(new, output or locks_directory(), doors, listener)
    if as_json:
        terminal.print_json({"changes": changes, "signed": signed})
    for name, lines in () if as_json else changes.items():
        print(f"{name}: {signed[name]}")
        print("\n".join(lines) or f"{name}: no changes")
    if not update and any(changes.values()):
        raise typer.Exit(LockError.exit_code)


def _write_lock(lock: "RootLock", folder: Path, doors: "Doors", listener: "Listener") -> None:
    """The lock with its packages' licences, as a file."""
    from manyloong.roots.lock import format_lock
    from manyloong.roots.renew import complete_lock
    from manyloong.store import write_whole

    whole = complete_lock(
        lock, fetcher=doors.fetcher, mirrors=doors.mirrors, listener=listener, store=doors.store
    )
    write_whole(folder / f"{lock.root}.toml", format_lock(whole).encode("utf-8"))


@app.command(context_settings={"ignore_unknown_options": True})
def shell(
    name: Annotated[str, typer.Argument(help="The root to enter.")],
    command: Annotated[
        list[str] | None, typer.Argument(help="A program and its arguments, instead of a shell.")
    ] = None,
    offline: Offline = False,
) -> None:
    """Enter a root, read-only and without network, as builds and tests see it; /build is writable.

    Its exit code is that of the program.
    """
    from manyloong.cli.doors import open_outside
    from manyloong.cli.progress import ProgressListener
    from manyloong.roots.ensure import Sources, root_emulator
    from manyloong.roots.floor import find_floor, is_floor
    from manyloong.roots.spec import root_spec

    with ProgressListener() as listener:
        outside = open_outside(listener, offline=offline, locked=False)
        root = ensure(name, outside)
        doors = outside.doors
        sources = Sources(store=doors.store, fetcher=doors.fetcher, mirrors=doors.mirrors, listener=listener)
        spec = root_spec(find_floor(name).target.test_root if is_floor(name) else name)
        emulator = root_emulator(spec, outside.host, sources)
    raise typer.Exit(_enter(root, emulator, command or [], outside))


def _enter(root: "Root", emulator: "Emulator | None", command: list[str], outside: "Outside") -> int:
    import subprocess

    from manyloong.sandbox import Bind, Command, write_script

    environment = (("HOME", "/home/builder"), ("LC_ALL", "C.UTF-8"), ("PATH", "/usr/bin:/usr/sbin"))
    with outside.doors.store.scratch("shell") as folder:
        (folder / "build").mkdir()
        entered = Command(
            argv=("/bin/bash" if (root.path / "usr/bin/bash").exists() else "/bin/sh",),
            root=root.path,
            log=folder / "log",
            environment=environment,
            binds=(Bind(source=folder / "build", target="/build", writable=True),),
            cwd="/build",
            emulator=emulator,
        )
        script = write_script(folder, entered, outside.facts)
        return subprocess.run(["sh", str(script), *command], check=False).returncode


def ensure(name: str, outside: "Outside") -> "Root":
    """The root of that name, through these doors."""
    from manyloong.roots.floor import is_floor
    from manyloong.wheels.kit import root_of

    return _ensure_floor(name, outside) if is_floor(name) else root_of(name, outside.doors)


def _ensure_floor(name: str, outside: "Outside") -> "Root":
    from manyloong.roots.floor import ensure_floor, find_floor
    from manyloong.wheels.floors import compile_doors
    from manyloong.wheels.kit import ensure_kit, kit_parts

    floor = find_floor(name)
    kit = ensure_kit(floor.target, outside.host, doors=outside.doors)
    return ensure_floor(floor, kit_parts(kit, outside.doors), compile_doors(outside.doors))
