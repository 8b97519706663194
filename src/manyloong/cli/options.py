"""Options that several verbs have: one spelling and one help text of each."""

from pathlib import Path
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Offline = Annotated[bool, typer.Option("--offline", help="Use only what is in the cache.")]
Locked = Annotated[bool, typer.Option("--locked", help="Refuse roots that differ from their locks.")]
Mirror = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="A folder made by `root vendor`, asked before the network."),
]
Ports = Annotated[
    list[Path], typer.Option("--ports", help="Folder of ports (NAME.toml) besides the shipped ones.")
]
FindLinks = Annotated[list[Path], typer.Option(help="Folder with more wheels for requirements.")]
SourceFiles = Annotated[
    list[str], typer.Option("--source", help="URL=FILE (or git repository) for what the build downloads.")
]
Crates = Annotated[
    list[Path], typer.Option(help="Folder with Rust crates (as `cargo vendor` writes it, or archives).")
]
