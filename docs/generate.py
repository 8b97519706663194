"""Writes docs/reference/cli.md from the program: ``nox -s docs``; a test says when it is stale."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from manyloong.cli.app import app

HEAD = """# Command line

Made from the program's own help by `nox -s docs`. Colours respect `NO_COLOR` and `FORCE_COLOR`;
results go to stdout, everything else to stderr; `--json` prints one document for machines.
Shell completion: `manyloong --install-completion`.
[Exit codes](exit-codes.md) are the same for every verb.
"""


def commands(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every command below this one, with its whole name."""
    for name, child in sorted(getattr(command, "commands", {}).items()):
        if child.hidden:
            continue
        yield f"{path} {name}", child
        yield from commands(child, f"{path} {name}")


def options(command: Any) -> list[Any]:
    """Arguments first, then options, without --help."""
    shown = [
        param
        for param in command.params
        if param.name not in {"help", "install_completion", "show_completion"}
    ]
    return sorted(shown, key=lambda param: param.param_type_name != "argument")


def spelled(param: Any) -> str:
    """How it is written on a command line."""
    if param.param_type_name == "argument":
        return f"`{(param.metavar or param.name or '').upper()}`"
    names = ", ".join(f"`{name}`" for name in (*param.opts, *param.secondary_opts))
    return names if param.is_flag else f"{names} *{(param.metavar or param.name).upper()}*"


def section(path: str, command: Any) -> str:
    """One command: what it does and each of its options."""
    lines = [f"\n## {path}\n", (command.help or "").strip() + "\n"]
    rows = options(command)
    if rows:
        lines += ["| option | meaning | default |", "|---|---|---|"]
        for param in rows:
            nothing = param.required or param.default in (None, False, (), [])
            default = "" if nothing else f"`{param.default}`"
            lines.append(f"| {spelled(param)} | {' '.join((param.help or '').split())} | {default} |")
        lines.append("")
    if command.epilog:
        lines.append(command.epilog + "\n")
    return "\n".join(lines)


def render() -> str:
    """The whole page."""
    root = typer.main.get_command(app)
    return HEAD + "".join(section(path, command) for path, command in commands(root, "manyloong"))


def main() -> int:
    """Write the page, or with --check only say whether it is up to date."""
    page = Path(__file__).parent / "reference" / "cli.md"
    if "--check" in sys.argv:
        return int(page.read_text("utf-8") != render())
    page.write_text(render(), "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
