"""``manyloong rebuild``: whether a wheel's record gives the same wheel again."""

from pathlib import Path
from typing import Annotated

import typer

from manyloong.cli.options import AsJson, Crates, FindLinks, Offline, Ports, SourceFiles

EPILOG = "Example: manyloong rebuild wheelhouse/demo-1.0-cp313-cp313-manylinux_2_36_loongarch64.whl"


def rebuild(
    record: Annotated[Path, typer.Argument(help="A wheel with its record beside it, or a record.")],
    source: Annotated[
        str | None,
        typer.Argument(help="The archive or checkout that was built, where it is not of the index."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Keep the new wheel in this folder.")
    ] = None,
    source_file: SourceFiles = [],  # noqa: B006 - typer copies it
    ports: Ports = [],  # noqa: B006
    find_links: FindLinks = [],  # noqa: B006
    crates: Crates = [],  # noqa: B006
    stabilised: Annotated[
        bool,
        typer.Option(
            "--stabilised", help="Be content where only order, times or compression of members differ."
        ),
    ] = False,
    offline: Offline = False,
    as_json: AsJson = False,
) -> None:
    """Build a wheel again from its record, under changed conditions, and compare.

    Sources, options, build requirements, roots and tools are those that the record names by hash; where one
    is gone or another, that is an error. The build runs in another folder, with another user, umask,
    time zone, locale and number of cores, and without network. Exit code 5 where the wheels differ.
    """
    from manyloong.cli.rebuild_run import Again, print_again, run_again
    from manyloong.errors import IntegrityError
    from manyloong.rebuild import links_of
    from manyloong.wheels.given import parse_given

    request = Again(
        record=record,
        source=source,
        given=parse_given(source_file),
        ports=tuple(ports),
        links=links_of(find_links),
        crates=tuple(crates),
        output=output,
        offline=offline,
    )
    seen = run_again(request, quiet=as_json)
    print_again(seen, as_json=as_json)
    if not (seen.strict or (stabilised and seen.stabilised)):
        raise typer.Exit(IntegrityError.exit_code)
