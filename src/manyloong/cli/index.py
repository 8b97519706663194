"""``manyloong index``: make, serve and keep an index."""

from pathlib import Path
from typing import Annotated

import typer

from manyloong.cli import terminal

app = typer.Typer(
    name="index",
    help="Serve upstream's packages and audited loongarch64 wheels under one URL.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
token_app = typer.Typer(help="Tokens that may upload.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(token_app, name="token")

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The index's folder.")]
Root = Annotated[Path, typer.Option("--root", metavar="DIR", help="The index's folder.")]
HERE = Path()


@app.command()
def init(
    directory: Folder,
    database: Annotated[
        str, typer.Option(help="sqlite:///PATH (relative to DIR) or postgresql://HOST/NAME.")
    ] = "sqlite:///index.sqlite3",
    files: Annotated[
        str, typer.Option(help="A folder (relative to DIR) or s3://BUCKET/PREFIX?endpoint=URL.")
    ] = "files",
    upstream: Annotated[
        str, typer.Option(help="The index to merge with; default: the one pip or uv are configured to use.")
    ] = "",
    title: Annotated[str, typer.Option(help="Shown on the web pages.")] = "loongarch64 wheels",
) -> None:
    """Make an index."""
    from manyloong.index.settings import Settings
    from manyloong.index.site import init_site

    init_site(directory, Settings(database=database, files=files, upstream=upstream, title=title))
    print(f"made {directory}; serve it: manyloong index serve {directory}")


@app.command()
def serve(
    directory: Folder,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")] = 8000,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "info",
) -> None:
    """Serve an index; makes it first where there is none."""
    from manyloong.cli.index_setup import keeper, upstream_of
    from manyloong.errors import InputError
    from manyloong.index.operations import log_to_stderr
    from manyloong.index.server import build_app, run_server
    from manyloong.index.settings import FILE_NAME, Settings
    from manyloong.index.site import init_site, open_site

    if log_level not in {"debug", "info", "warning", "error"}:
        raise InputError(f"--log-level {log_level!r} is unknown", hint="debug, info, warning or error")
    log_to_stderr(log_level)
    site = open_site(directory) if (directory / FILE_NAME).exists() else init_site(directory, Settings())
    url, certificates = upstream_of(site)
    app_to_serve = build_app(site, upstream_url=url, ca=certificates, keeper=keeper(site))

    def started(bound: int) -> None:
        print(f"index: http://{host}:{bound}/simple/", flush=True)

    run_server(app_to_serve, host=host, port=port, started=started)


@app.command()
def add(
    wheels: Annotated[list[Path], typer.Argument(metavar="WHEEL...")],
    root: Root = HERE,
) -> None:
    """Publish wheels from this machine, with the records and logs beside them."""
    from manyloong.cli.index_setup import add_all
    from manyloong.index.site import open_site

    for published in add_all(open_site(root), wheels):
        print(f"{'added' if published.created else 'there already'}: {published.filename}")


@app.command(name="import")
def import_(
    source: Annotated[Path, typer.Argument(metavar="FOLDER", help="Wheels, or an export.")],
    root: Root = HERE,
) -> None:
    """Publish every wheel of a folder; from an export also its dates, yanks and documents."""
    from manyloong.cli.index_setup import import_all
    from manyloong.index.site import open_site

    created = import_all(open_site(root), source)
    print(f"imported {created} wheels")


@app.command()
def export(
    destination: Annotated[Path, typer.Argument(metavar="DEST", help="A new folder, or an older export.")],
    root: Root = HERE,
) -> None:
    """Write the index as plain files for any web server."""
    from manyloong.cli.index_setup import export_all
    from manyloong.index.site import open_site

    done = export_all(open_site(root), destination)
    print(f"{done.written} written, {done.unchanged} unchanged, {done.removed} removed")


@app.command()
def yank(
    filename: Annotated[str, typer.Argument(metavar="FILE")],
    reason: Annotated[str, typer.Option(help="Shown to whoever asks for exactly this file.")] = "",
    undo: Annotated[bool, typer.Option("--undo", help="Take the yank back.")] = False,
    root: Root = HERE,
) -> None:
    """Yank a file (PEP 592): resolvers pass over it, pins still get it."""
    from manyloong.index import shelf
    from manyloong.index.database import writing
    from manyloong.index.model import utc_now
    from manyloong.index.site import open_site

    with writing(open_site(root).engine) as connection:
        said = None if undo else reason
        shelf.yank(connection, filename, reason=said, actor="operator", now=utc_now())
    print(f"{'no longer yanked' if undo else 'yanked'}: {filename}")


def _set_state(root: Path, filename: str, state: str, reason: str) -> None:
    from manyloong.index import shelf
    from manyloong.index.database import writing
    from manyloong.index.model import State, utc_now
    from manyloong.index.site import open_site

    with writing(open_site(root).engine) as connection:
        shelf.set_state(connection, filename, State(state), reason=reason, now=utc_now())
    print(f"{state}: {filename}")


@app.command()
def quarantine(
    filename: Annotated[str, typer.Argument(metavar="FILE")],
    reason: Annotated[str, typer.Option(help="Kept in the ledger.")] = "",
    root: Root = HERE,
) -> None:
    """Take a file away from everybody: neither on the page nor at its URL."""
    _set_state(root, filename, "quarantined", reason)


@app.command()
def withdraw(
    filename: Annotated[str, typer.Argument(metavar="FILE")],
    reason: Annotated[str, typer.Option(help="Kept in the ledger.")] = "",
    root: Root = HERE,
) -> None:
    """Take a file off its page; it stays at its URL for lock files."""
    _set_state(root, filename, "withdrawn", reason)


@app.command()
def publish(filename: Annotated[str, typer.Argument(metavar="FILE")], root: Root = HERE) -> None:
    """Put a withdrawn or quarantined file back."""
    _set_state(root, filename, "published", "")


@app.command()
def local(
    project: Annotated[str, typer.Argument(metavar="PROJECT")],
    undo: Annotated[bool, typer.Option("--undo", help="Merge it with upstream again.")] = False,
    root: Root = HERE,
) -> None:
    """Declare a project to be this index's own: upstream is never asked for it."""
    from manyloong.index import shelf
    from manyloong.index.database import writing
    from manyloong.index.model import utc_now
    from manyloong.index.names import project_name
    from manyloong.index.site import open_site

    name = project_name(project)
    with writing(open_site(root).engine) as connection:
        shelf.declare_local(connection, name, local=not undo, now=utc_now())
    print(f"{'merged with upstream' if undo else 'local'}: {name}")


@app.command()
def verify(root: Root = HERE) -> None:
    """Read every byte and the whole ledger; exit 5 when something is wrong."""
    from manyloong.errors import IntegrityError
    from manyloong.index.site import open_site
    from manyloong.index.upkeep import verify as verified

    result = verified(open_site(root))
    for fault in result.faults:
        terminal.print_error(fault)
    if result.faults:
        raise IntegrityError(f"{len(result.faults)} faults in {root}", hint="restore from a backup")
    print(f"{result.files} files, {result.entries} ledger entries, all as they should be")
    print(f"head of the ledger: {result.head}")


@app.command()
def gc(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    root: Root = HERE,
) -> None:
    """Remove bytes that nothing names (uploads that were cut off)."""
    import time

    from manyloong.index.site import open_site
    from manyloong.index.upkeep import collect

    done = collect(open_site(root), now=time.time, dry_run=dry_run)
    for key in done.keys:
        print(f"{'would remove' if dry_run else 'removed'}: {key}")
    print(f"{len(done.keys)} removed, {done.size_bytes} bytes")


@app.command()
def affected(
    component: Annotated[str, typer.Argument(metavar="NAME[<VERSION]")],
    root: Root = HERE,
) -> None:
    """List the wheels whose SBOM has a component, such as 'zlib<1.3.1'."""
    from manyloong.index.site import open_site
    from manyloong.index.upkeep import affected as found

    for hit in found(open_site(root), component):
        print(f"{hit.filename}: {hit.component} {hit.version}")


@token_app.command(name="create")
def token_create(
    root: Root = HERE,
    project: Annotated[
        list[str] | None, typer.Option("--project", metavar="NAME", help="Only for this; may be repeated.")
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=3650, help="How long it is valid.")] = 90,
    note: Annotated[str, typer.Option(help="What it is for.")] = "",
) -> None:
    """Make a token and print it on the last line; it is kept nowhere."""
    from datetime import timedelta

    from manyloong.index.database import writing
    from manyloong.index.model import utc_now
    from manyloong.index.names import project_name
    from manyloong.index.site import open_site
    from manyloong.index.tokens import create_token

    projects = tuple(project_name(name) for name in project or [])
    with writing(open_site(root).engine) as connection:
        lifetime = timedelta(days=days)
        text = create_token(connection, projects=projects, note=note, now=utc_now(), lifetime=lifetime)
    print(f"for {', '.join(projects) or 'every project'}, valid for {days} days; user name __token__")
    print(text)


@token_app.command(name="list")
def token_list(root: Root = HERE) -> None:
    """List tokens; their secrets are not known."""
    from manyloong.index.database import reading
    from manyloong.index.site import open_site
    from manyloong.index.tokens import list_tokens

    with reading(open_site(root).engine) as connection:
        for token in list_tokens(connection):
            state = "revoked" if token.revoked_at else f"until {token.expires_at[:10]}"
            print(f"{token.id}  {state}  {', '.join(token.projects) or '*'}  {token.note}")


@token_app.command(name="revoke")
def token_revoke(token: Annotated[str, typer.Argument(metavar="ID")], root: Root = HERE) -> None:
    """Make a token useless."""
    from manyloong.index.database import writing
    from manyloong.index.model import utc_now
    from manyloong.index.site import open_site
    from manyloong.index.tokens import revoke_token

    with writing(open_site(root).engine) as connection:
        revoke_token(connection, token, now=utc_now())
    print(f"revoked: {token}")
