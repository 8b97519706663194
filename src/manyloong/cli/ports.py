"""``manyloong ports``: the C libraries that wheels carry."""

from pathlib import Path
from typing import Annotated

import typer

from manyloong.cli.options import AsJson, Locked, Offline, Ports

app = typer.Typer(help="The C libraries that are built from source for wheels.", no_args_is_help=True)
_EPILOG = "Examples: manyloong ports build libffi; manyloong ports build --all --check"

Platform = Annotated[str, typer.Option(help="Platform tag to build for.")]


@app.command("list")
def list_ports(ports: Ports = [], as_json: AsJson = False) -> None:  # noqa: B006 - typer copies it
    """List every port: version, licence, what needs it."""
    from manyloong.cli.ports_report import print_list
    from manyloong.roots.ports import all_ports

    print_list(all_ports(ports), as_json=as_json)


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="A port.")],
    ports: Ports = [],  # noqa: B006
    as_json: AsJson = False,
) -> None:
    """Show one port: where it comes from, how it is built, who uses it."""
    from manyloong.cli.ports_report import print_port
    from manyloong.roots.ports import all_ports, find_port

    known = all_ports(ports)
    print_port(find_port(name, known), known, as_json=as_json)


@app.command(epilog=_EPILOG)
def build(
    names: Annotated[list[str] | None, typer.Argument(help="Ports; what they depend on comes too.")] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Build every port, but for those that need one which fails.")
    ] = False,
    check: Annotated[
        bool,
        typer.Option("--check", help="Build them a second time: run their own tests, compare the bytes."),
    ] = False,
    platform: Platform = "manylinux_2_36",
    ports: Ports = [],  # noqa: B006
    offline: Offline = False,
    locked: Locked = False,
    as_json: AsJson = False,
) -> None:
    """Build ports where they are not in the cache, and print where they are.

    Named ones end with the first that fails. With --all the others go on: at the end stands what failed and
    what was not tried because of that, with exit code 1. With --check, exit code 10 when a port's own tests
    fail or a second build gives other bytes.
    """
    from manyloong.cli.ports_run import Wanted, run_build

    wanted = Wanted(
        names=tuple(names or ()),
        everything=everything,
        check=check,
        platform=platform,
        folders=tuple(ports),
        offline=offline,
        locked=locked,
        as_json=as_json,
    )
    raise typer.Exit(run_build(wanted))


@app.command()
def outdated(
    suite: Annotated[str, typer.Option(help="Debian suite to compare with.")] = "sid",
    ports: Ports = [],  # noqa: B006
    offline: Offline = False,
    as_json: AsJson = False,
) -> None:
    """Compare every port with what Debian carries now, as its signed index says."""
    from manyloong.cli.doors import open_outside
    from manyloong.cli.ports_report import print_standings
    from manyloong.cli.progress import ProgressListener
    from manyloong.roots.index import read_source_versions
    from manyloong.roots.ports import all_ports
    from manyloong.roots.ports.upkeep import standings

    known = all_ports(ports)
    with ProgressListener(quiet=as_json) as listener:
        doors = open_outside(listener, offline=offline, locked=False).doors
        debian = read_source_versions(suite, mirrors=doors.mirrors, fetcher=doors.fetcher, listener=listener)
    print_standings(standings(known, debian), as_json=as_json)


@app.command()
def affected(
    library: Annotated[str, typer.Argument(help="NAME, or NAME with versions: 'libffi<3.4.2'.")],
    wheelhouse: Annotated[Path, typer.Argument(help="A folder with wheels, or one wheel.")],
    as_json: AsJson = False,
) -> None:
    """List the wheels whose bill of materials has a library in these versions."""
    from dataclasses import asdict

    from manyloong.cli import terminal
    from manyloong.wheels.affected import find_affected, parse_query

    found = find_affected(parse_query(library), wheelhouse)
    if as_json:
        terminal.print_json({"affected": [asdict(row) for row in found]})
        return
    for row in found:
        print(f"{row.wheel}  {row.name} {row.version}")
    terminal.print_note(f"{len(found)} of the wheels in {wheelhouse} carry {library}")
