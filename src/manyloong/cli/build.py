"""``manyloong build``: one command from a release, an archive or a checkout to tested wheels."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from manyloong.errors import InputError

if TYPE_CHECKING:
    from manyloong.wheels.given_crates import GivenCrates

EPILOG = (
    "Examples: manyloong build markupsafe; manyloong build msgpack==1.2.4 --python cp313,cp314; "
    "manyloong build . --test-requires pytest --test-command 'pytest {project}/tests'"
)


def build(
    source: Annotated[
        str, typer.Argument(help="NAME, NAME==VERSION, a source archive, or a checkout's folder.")
    ],
    python: Annotated[
        str, typer.Option(help="Pythons, comma separated (cp313,cp314), or all that the project admits.")
    ] = "all",
    platform: Annotated[
        str, typer.Option(help="Platform tags to build for, comma separated (musllinux_1_2,manylinux_2_36).")
    ] = "manylinux_2_36",
    lane: Annotated[
        str,
        typer.Option(help="cross, emulated, or auto: cross, and emulated where a package cannot be crossed."),
    ] = "auto",
    output: Annotated[Path, typer.Option("--output", "-o", help="Where wheels and records go.")] = Path(
        "wheelhouse"
    ),
    config_setting: Annotated[
        list[str], typer.Option("--config-setting", "-C", help="KEY=VALUE for the build backend (PEP 517).")
    ] = [],  # noqa: B006 - typer copies it
    environment: Annotated[
        list[str], typer.Option("--environment", "-e", help="NAME=VALUE for the build.")
    ] = [],  # noqa: B006
    recipe: Annotated[
        list[Path], typer.Option(help="Recipe (NAME.toml) or folder of recipes, instead of a shipped one.")
    ] = [],  # noqa: B006
    ports: Annotated[
        list[Path], typer.Option(help="Folder of ports (NAME.toml) besides the shipped ones.")
    ] = [],  # noqa: B006
    find_links: Annotated[list[Path], typer.Option(help="Folder with more wheels for requirements.")] = [],  # noqa: B006
    source_file: Annotated[
        list[str],
        typer.Option("--source", help="URL=FILE (or git repository) for what the build downloads."),
    ] = [],  # noqa: B006
    crates: Annotated[
        list[Path], typer.Option(help="Folder with Rust crates (as `cargo vendor` writes it, or archives).")
    ] = [],  # noqa: B006
    relock: Annotated[
        bool, typer.Option("--relock", help="Let cargo choose crates anew from --crates, against Cargo.lock.")
    ] = False,
    test_command: Annotated[
        str | None, typer.Option(help="Shell command run after the imports; knows {project} and {wheel}.")
    ] = None,
    test_requires: Annotated[list[str], typer.Option(help="Requirement of the test command.")] = [],  # noqa: B006
    test: Annotated[
        bool, typer.Option("--test/--no-test", help="Import and test each wheel under emulation.")
    ] = True,
    test_roots: Annotated[
        str,
        typer.Option(
            help="Where to test: current, floor (built from source on first use), imported, or all.",
            envvar="MANYLOONG_TEST_ROOTS",
            show_envvar=False,
        ),
    ] = "all",
    force: Annotated[
        bool, typer.Option("--force", help="Build again though the same job is in the cache.")
    ] = False,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep the folder of a failed build and say how to enter it.")
    ] = False,
    build_deps: Annotated[
        bool,
        typer.Option("--build-deps/--no-build-deps", help="Build requirements that have no wheel first."),
    ] = True,
    table: Annotated[
        bool | None,
        typer.Option(
            "--table/--no-table",
            help="Read the project's cibuildwheel table and CIBW_* variables. Unless said: those of folders "
            "and archives, and of releases of the index where such a variable is set.",
        ),
    ] = None,
    network_hooks: Annotated[
        bool,
        typer.Option(
            "--network-hooks", help="Let before-all, before-build and before-test reach the network."
        ),
    ] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Use only what is in the cache.")] = False,
    locked: Annotated[
        bool, typer.Option("--locked", help="Refuse roots that differ from their locks.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan and stop.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document instead of a table.")
    ] = False,
) -> None:
    """Turn a release into repaired, audited and tested wheels.

    Exit code 0 when every wheel was built, accepted and not failed by a test.
    """
    from manyloong.cli.build_run import Request, run_request
    from manyloong.wheels import given, identifier, job, recipes
    from manyloong.wheels.floors import parse_test_roots

    options = job.Options(
        config_settings=recipes.gathered_settings(_pairs(config_setting, "--config-setting")),
        environment=tuple(_pairs(environment, "--environment")),
        test=test,
        test_command=test_command,
        test_requires=tuple(test_requires),
        find_links=tuple(str(folder.resolve()) for folder in find_links),
        sources=given.parse_given(source_file),
        crates=_given_crates(crates, relock=relock),
    )
    request = Request(
        source=source,
        targets=identifier.parse_platforms(platform),
        pythons=identifier.parse_pythons(python),
        options=options,
        lane=job.parse_lane(lane),
        test_roots=parse_test_roots(test_roots),
        recipes=tuple(recipe),
        ports=tuple(ports),
        output=output.resolve(),
        force=force,
        keep=keep,
        build_deps=build_deps,
        environ=dict(os.environ),
        table=table,
        network_hooks=network_hooks,
        offline=offline,
        locked=locked,
        dry_run=dry_run,
        as_json=as_json,
    )
    raise typer.Exit(run_request(request))


def _pairs(texts: list[str], option: str) -> list[tuple[str, str]]:
    return [_pair(text, option) for text in texts]


def _given_crates(folders: list[Path], *, relock: bool) -> "GivenCrates":
    from manyloong.wheels.given_crates import parse_given_crates

    return parse_given_crates(folders, relock=relock)


def _pair(text: str, option: str) -> tuple[str, str]:
    key, separator, value = text.partition("=")
    if not separator or not key:
        raise InputError(
            f"{option} {text!r} is not of the form KEY=VALUE", hint=f"for example: {option} NAME=1"
        )
    return key, value
