"""``manyloong matrix``: a project's build identifiers as jobs of a CI service."""

from typing import Annotated

import typer

EPILOG = "Examples: manyloong matrix --json; manyloong matrix . --platform manylinux_2_36 --jobs 2 --json"


def matrix(
    source: Annotated[str, typer.Argument(help="As for build: a folder, a release, an archive.")] = ".",
    python: Annotated[
        str, typer.Option(help="Pythons, comma separated, or all that the project's table selects.")
    ] = "all",
    platform: Annotated[str, typer.Option(help="Platform tags, comma separated.")] = "manylinux_2_36",
    jobs: Annotated[
        int | None, typer.Option(min=1, help="At most so many jobs; without it one for each identifier.")
    ] = None,
    table: Annotated[
        bool,
        typer.Option(
            "--table/--no-table", help="Read the project's cibuildwheel table and CIBW_* variables."
        ),
    ] = True,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one line of JSON, as a workflow's matrix takes it.")
    ] = False,
) -> None:
    """Split what a project builds over jobs that can run side by side."""
    import json
    import os
    from dataclasses import asdict

    from manyloong.ci.matrix import split_identifiers
    from manyloong.cli.matrix_run import project_identifiers
    from manyloong.targets import target as find_target
    from manyloong.wheels.identifier import parse_pythons

    targets = [find_target(word.strip()) for word in platform.split(",")]
    environ = dict(os.environ) if table else None
    found = project_identifiers(source, targets, parse_pythons(python), environ=environ)
    rows = split_identifiers(found, jobs=jobs)
    if as_json:
        print(json.dumps({"include": [asdict(row) for row in rows]}))
        return
    for row in rows:
        print(f"{row.name}\tmanyloong build {source} --python {row.python} --platform {row.platform}")
