"""``manyloong ports sources``: the sources of the libraries that a wheel carries."""

from pathlib import Path
from typing import Annotated

import typer

from manyloong.cli.options import AsJson, Offline, Ports


def sources(
    wheels: Annotated[list[Path], typer.Argument(help="Wheels with a bill of materials.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to.")],
    everything: Annotated[
        bool, typer.Option("--all", help="Every library, not only those with a copyleft licence.")
    ] = False,
    ports: Ports = [],  # noqa: B006 - typer copies it
    offline: Offline = False,
    as_json: AsJson = False,
) -> None:
    """Write the sources of carried libraries to a folder: archives, patches, and how they were built.

    Each file is the one that the library in the wheel was built from, by hash.
    """
    from manyloong.cli import terminal
    from manyloong.cli.doors import open_outside
    from manyloong.cli.progress import ProgressListener
    from manyloong.errors import NotFoundError
    from manyloong.roots.ports import all_ports
    from manyloong.wheels.bundle import carried_components, known_sources, plan_bundle, write_bundle

    for wheel in wheels:
        if not wheel.is_file():
            raise NotFoundError(f"no wheel at {wheel}", hint="check the path")
    carried = tuple(dict.fromkeys(one for wheel in wheels for one in carried_components(wheel)))
    wanted = plan_bundle(carried, known_sources(all_ports(ports)), everything=everything)
    with ProgressListener(quiet=as_json) as listener:
        doors = open_outside(listener, offline=offline, locked=False).doors
        files = write_bundle(wanted, output, doors) if wanted else ()
    if as_json:
        names = [port.label for port in wanted]
        terminal.print_json({"libraries": names, "files": [str(path) for path in files]})
        return
    for port in wanted:
        print(f"{port.label:24} {port.licence}")
    left = len(carried) - len(wanted)
    print(f"{len(files)} files in {output}" if wanted else "nothing to write")
    if left:
        terminal.print_note(f"{left} carried libraries are under other licences; --all takes them too")
