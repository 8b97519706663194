"""Writes docs/reference/{cli,ports,tools}.md: ``nox -s docs``; a test says when they are stale."""

import json
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from manyloong.cli.app import app
from manyloong.cli.cache import size_text
from manyloong.cli.ports_report import port_users
from manyloong.roots.ports import Port, all_ports
from manyloong.roots.ports.order import in_order
from manyloong.wheels.recipes import shipped_names, shipped_recipe

EVIDENCE = Path(__file__).parents[1] / "evidence" / "ports.json"
MUSL_EVIDENCE = EVIDENCE.with_name("musl_ports.json")
TOOLS = EVIDENCE.with_name("tools.json")

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


PORTS_HEAD = """# Ports

Made by `nox -s docs` from the ports' files, the recipes (users) and
[`evidence/ports.json`](../../evidence/ports.json): size of headers and libraries together for
`manylinux_2_36_loongarch64`, and the ports' own tests under QEMU. The column musl says the same of
[`evidence/musl_ports.json`](../../evidence/musl_ports.json): size and tests for `musllinux_1_2_loongarch64`,
or "not proven" where the port was not built twice for musl yet.
How to add one: [write a port](../how-to/write-a-port.md).
How they are built and reach wheels: [ports](../explanation/ports.md).

| port | version | what | licence | libraries | size | own tests | musl | users |
|---|---|---|---|---|---|---|---|---|
"""


def ports_page() -> str:
    """Every port with version, licence, size and users."""
    ports, evidence = all_ports(), json.loads(EVIDENCE.read_text("utf-8"))["ports"]
    on_musl = json.loads(MUSL_EVIDENCE.read_text("utf-8"))["ports"]
    users = port_users(ports)
    rows = []
    for name, port in ports.items():
        seen = evidence.get(name, {})
        size = size_text(seen["size_bytes"]) if seen else "not measured"
        libraries = " ".join(f"`{soname}`" for soname in port.sonames) or "-"
        who = ", ".join(users[name]) or "-"
        rows.append(
            f"| `{name}` | {port.version} | {port.summary} | {port.licence} | {libraries} | {size} "
            f"| {_tests(seen)} | {_musl(port, on_musl.get(name, {}))} | {who} |"
        )
    return PORTS_HEAD + "\n".join(rows) + "\n" + _times(ports, evidence)


TIMES_HEAD = """
## Time

What the ports take that a release asks for, with all that these depend on: a build of each from nothing,
one after the other on two cores that had other work besides (`build_s` in the evidence). A port is built
once for a floor, then it is in the cache.

| for | ports | minutes |
|---|---|---|
"""


def _times(ports: dict[str, Port], evidence: dict[str, Any]) -> str:
    """How long the ports of each recipe took, and all of them."""
    asked = {name: shipped_recipe(name).ports for name in shipped_names()}
    rows = []
    for name, wanted in [*asked.items(), ("all ports", tuple(ports))]:
        needed = [port.name for port in in_order(wanted, ports)]
        missing = [one for one in needed if one not in evidence]
        minutes = sum(evidence[one]["build_s"] for one in needed if one in evidence) / 60
        more = f", without {len(missing)} that were not measured" if missing else ""
        if needed:
            rows.append(f"| {name} | {len(needed)} | {minutes:.1f}{more} |")
    return TIMES_HEAD + "\n".join(rows) + "\n"


def _musl(port: Port, seen: dict[str, Any]) -> str:
    if not seen:
        return "no: there is no Fortran compiler for musl" if "fortran" in port.layers else "not proven"
    tests = "" if seen["tests"] is None else f", {_tests(seen)}"
    return f"{size_text(seen['size_bytes'])}{tests}"


def _tests(seen: dict[str, Any]) -> str:
    tests = seen.get("tests")
    if not tests:
        return "none"
    count = f" ({tests['count']})" if tests["count"] is not None else ""
    return f"passed{count}" if tests["passed"] else f"failed: {tests['reason']}"


TOOLS_HEAD = """# Tools

Made by `nox -s docs` from [`evidence/tools.json`](../../evidence/tools.json).
Each tool is built from its release on the index as one wheel for every Python, audited, and does its work
in loong64 roots with the C libraries below, on a CPU with the baseline instruction set and on one with all.
How to have them on a board: [tools on a board](../how-to/tools-on-a-board.md).
What is asked of a program: [audit rules](audit-rules.md), and
[that each root's loader starts it](../decisions/0068-programs-are-loaded.md).

| wheel | size | programs | says of itself | brings | needs | sources besides the release | worked with |
|---|---|---|---|---|---|---|---|
"""


def tools_page() -> str:
    """Every tool with its programs, what is in its wheel, and where it worked."""
    made = json.loads(TOOLS.read_text("utf-8"))
    listed = tomllib.loads(TOOLS.with_suffix(".toml").read_text("utf-8"))["package"]
    releases = {row["release"].partition("==")[0]: row["release"] for row in listed}
    rows = [
        f"| `{release}` |{' not measured |' * 7}" for name, release in releases.items() if name not in made
    ]
    for seen in made.values():
        programs = " ".join(f"`{path.rpartition('/')[2]}`" for path in seen["programs"])
        needs = {name for program in seen["programs"].values() for name in program["needs"]}
        libcs = sorted({report["libc"] for report in seen["tests"] if report["outcome"] == "passed"})
        cells = (
            f"`{seen['wheel']}`",
            size_text(seen["size_bytes"]),
            programs,
            seen["said"][0],
            ", ".join(seen["carried"]) or "-",
            " ".join(f"`{name}`" for name in sorted(needs)),
            "; ".join(seen["downloads"]) or "-",
            ", ".join(libcs),
        )
        rows.append(f"| {' | '.join(cells)} |")
    return TOOLS_HEAD + "\n".join(rows) + "\n"


def main() -> int:
    """Write the pages, or with --check only say whether they are up to date."""
    folder = Path(__file__).parent / "reference"
    pages = {
        folder / "cli.md": render(),
        folder / "ports.md": ports_page(),
        folder / "tools.md": tools_page(),
    }
    if "--check" in sys.argv:
        stale = [path.name for path, text in pages.items() if path.read_text("utf-8") != text]
        sys.stderr.write(f"stale: {', '.join(stale)}\n" if stale else "")
        return int(bool(stale))
    for path, text in pages.items():
        path.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
