"""``manyloong build``: one command from a release, an archive or a checkout to tested wheels."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from manyloong.cli import build_options, options
from manyloong.errors import InputError

if TYPE_CHECKING:
    from manyloong.wheels.given_crates import GivenCrates

EPILOG = (
    "Examples: manyloong build markupsafe; manyloong build msgpack==1.2.4 --python cp313,cp314; "
    "manyloong build . --test-requires pytest --test-command 'pytest {project}/tests'"
)


def build(
    source: build_options.Source,
    python: build_options.Pythons = "all",
    platform: build_options.Platforms = "manylinux_2_36",
    lane: build_options.Lane = "auto",
    output: build_options.Output = Path("wheelhouse"),
    config_setting: build_options.ConfigSettings = [],  # noqa: B006 - typer copies it
    environment: build_options.Environment = [],  # noqa: B006
    recipe: build_options.Recipes = [],  # noqa: B006
    ports: options.Ports = [],  # noqa: B006
    find_links: options.FindLinks = [],  # noqa: B006
    source_file: options.SourceFiles = [],  # noqa: B006
    crates: options.Crates = [],  # noqa: B006
    relock: build_options.Relock = False,
    test_command: build_options.TestCommand = None,
    test_requires: build_options.TestRequires = [],  # noqa: B006
    test: build_options.Tested = True,
    test_roots: build_options.TestRoots = "all",
    force: build_options.Force = False,
    keep: build_options.Keep = False,
    build_deps: build_options.BuildDeps = True,
    table: build_options.Table = None,
    network_hooks: build_options.NetworkHooks = False,
    offline: options.Offline = False,
    locked: options.Locked = False,
    dry_run: build_options.DryRun = False,
    as_json: build_options.AsJson = False,
) -> None:
    """Turn a release into repaired, audited and tested wheels.

    Exit code 0 when every wheel was built, accepted and not failed by a test.
    """
    from manyloong.cli.build_run import Request, run_request
    from manyloong.wheels import given, identifier, job, recipes
    from manyloong.wheels.floors import parse_test_roots

    wanted = job.Options(
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
        options=wanted,
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
