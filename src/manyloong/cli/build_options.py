"""The options of ``manyloong build`` that no other verb has."""

from pathlib import Path
from typing import Annotated

import typer

Source = Annotated[str, typer.Argument(help="NAME, NAME==VERSION, a source archive, or a checkout's folder.")]
Pythons = Annotated[
    str, typer.Option(help="Pythons, comma separated (cp313,cp314), or all that the project admits.")
]
Platforms = Annotated[
    str, typer.Option(help="Platform tags to build for, comma separated (musllinux_1_2,manylinux_2_36).")
]
Lane = Annotated[
    str,
    typer.Option(help="cross, emulated, or auto: cross, and emulated where a package cannot be crossed."),
]
Output = Annotated[Path, typer.Option("--output", "-o", help="Where wheels and records go.")]
ConfigSettings = Annotated[
    list[str], typer.Option("--config-setting", "-C", help="KEY=VALUE for the build backend (PEP 517).")
]
Environment = Annotated[list[str], typer.Option("--environment", "-e", help="NAME=VALUE for the build.")]
Recipes = Annotated[
    list[Path], typer.Option(help="Recipe (NAME.toml) or folder of recipes, instead of a shipped one.")
]
Relock = Annotated[
    bool, typer.Option("--relock", help="Let cargo choose crates anew from --crates, against Cargo.lock.")
]
TestCommand = Annotated[
    str | None, typer.Option(help="Shell command run after the imports; knows {project} and {wheel}.")
]
TestRequires = Annotated[list[str], typer.Option(help="Requirement of the test command.")]
Tested = Annotated[bool, typer.Option("--test/--no-test", help="Import and test each wheel under emulation.")]
TestRoots = Annotated[
    str,
    typer.Option(
        help="Where to test: current, floor (built from source on first use), imported, or all.",
        envvar="MANYLOONG_TEST_ROOTS",
        show_envvar=False,
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Build again though the same job is in the cache.")]
Keep = Annotated[
    bool, typer.Option("--keep", help="Keep the folder of a failed build and say how to enter it.")
]
BuildDeps = Annotated[
    bool, typer.Option("--build-deps/--no-build-deps", help="Build requirements that have no wheel first.")
]
Table = Annotated[
    bool | None,
    typer.Option(
        "--table/--no-table",
        help="Read the project's cibuildwheel table and CIBW_* variables. Unless said: those of folders "
        "and archives, and of releases of the index where such a variable is set.",
    ),
]
NetworkHooks = Annotated[
    bool,
    typer.Option("--network-hooks", help="Let before-all, before-build and before-test reach the network."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the plan and stop.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of a table.")]
