"""What ``manyloong ports`` prints: tables for people, JSON for machines."""

from collections.abc import Mapping, Sequence
from typing import Any

from manyloong.cli import terminal
from manyloong.cli.cache import size_text
from manyloong.roots.ports import Outcome, Port
from manyloong.roots.ports.check import Checked
from manyloong.roots.ports.upkeep import Standing
from manyloong.wheels.recipes import shipped_names, shipped_recipe


def port_users(ports: Mapping[str, Port]) -> dict[str, tuple[str, ...]]:
    """Port -> the ports and the recipes that name it."""
    users: dict[str, list[str]] = {name: [] for name in ports}
    for name, port in sorted(ports.items()):
        for wanted in port.depends:
            users[wanted].append(name)
    for project in shipped_names():
        for wanted in shipped_recipe(project).ports:
            if wanted in users:
                users[wanted].append(f"{project} (wheel)")
    return {name: tuple(found) for name, found in users.items()}


def print_list(ports: Mapping[str, Port], *, as_json: bool) -> None:
    """One line a port."""
    users = port_users(ports)
    if as_json:
        terminal.print_json({"ports": [port_document(port, users[name]) for name, port in ports.items()]})
        return
    width = max(len(port.version) for port in ports.values())
    for name, port in ports.items():
        print(f"{name:15} {port.version:{width}}  {port.licence:38}  {port.summary}")


def port_document(port: Port, users: Sequence[str]) -> dict[str, Any]:
    """A port as JSON."""
    return {
        "name": port.name,
        "version": port.version,
        "summary": port.summary,
        "licence": port.licence,
        "cpe": port.cpe,
        "purl": port.purl,
        "source": {
            "path": port.source.path,
            "urls": list(port.source.urls),
            "sha256": port.source.sha256,
            "size_bytes": port.source.size_bytes,
        },
        "system": port.system,
        "options": list(port.options),
        "depends": list(port.depends),
        "sonames": list(port.sonames),
        "pkg_config": list(port.pkg_config),
        "known_by": list(port.known_by),
        "patches": [{"name": patch.name, "status": patch.status} for patch in port.patches],
        "check": port.check is not None,
        "users": list(users),
    }


def print_port(port: Port, ports: Mapping[str, Port], *, as_json: bool) -> None:
    """Everything about one port."""
    users = port_users(ports)[port.name]
    if as_json:
        terminal.print_json(port_document(port, users))
        return
    rows = {
        port.name: f"{port.version}: {port.summary}",
        "licence": port.licence,
        "purl": port.purl,
        "cpe": port.cpe,
        "source": f"{port.source.path or port.source.urls[0]} ({size_text(port.source.size_bytes or 0)})",
        "sha256": port.source.sha256,
        "system": " ".join((port.system, *port.options)),
        "depends": ", ".join(port.depends),
        "provides": ", ".join((*port.sonames, *(f"{name}.pc" for name in port.pkg_config))),
        "known by": ", ".join(port.known_by),
        "patches": ", ".join(f"{patch.name} ({patch.status})" for patch in port.patches),
        "tests": f"\n{'':10} ".join(_shown(step) for step in port.check.steps) if port.check else "",
        "used by": ", ".join(users),
    }
    for key, value in rows.items():
        if value:
            print(f"{key:10} {value}")


def _shown(step: str) -> str:
    """One line of a step of the shell; those of loops and of whole files go on."""
    first, *rest = step.strip().splitlines()
    return f"{first} ..." if rest else first


def print_trees(outcome: Outcome, *, as_json: bool) -> None:
    """Where built ports are, and which could not be built."""
    if as_json:
        rows = [
            {"name": tree.port.name, "version": tree.port.version, "key": tree.key, "path": str(tree.path)}
            for tree in outcome.trees
        ]
        terminal.print_json({"ports": rows} | _faults_document(outcome))
        return
    for tree in outcome.trees:
        print(f"{tree.port.label:24} {tree.path}")
    _print_faults(outcome)


def print_checked(rows: Sequence[Checked], outcome: Outcome, *, as_json: bool) -> None:
    """What second builds and the ports' own tests showed, and which ports could not be built once."""
    if as_json:
        terminal.print_json({"checked": [checked_document(row) for row in rows]} | _faults_document(outcome))
        return
    for row in rows:
        tests = "no tests of its own" if row.tests is None else _tests(row)
        print(f"{row.port.label:24} {'same bytes' if row.same_bytes else 'OTHER BYTES':12} {tests}")
    _print_faults(outcome)


def _faults_document(outcome: Outcome) -> dict[str, Any]:
    """What failed and what was left because of it; nothing where nothing did."""
    failed = [
        {"name": port.name, "error": type(error).__name__, "message": error.message}
        for port, error in outcome.failed
    ]
    untried = [{"name": port.name, "because": list(names)} for port, names in outcome.untried]
    return {"failed": failed, "untried": untried} if failed else {}


def _print_faults(outcome: Outcome) -> None:
    for _, error in outcome.failed:
        terminal.print_error(error.message, hint=error.hint)
    for port, names in outcome.untried:
        terminal.print_note(f"{port.label} was not tried: it needs {', '.join(names)}")
    if outcome.failed:
        failed = ", ".join(port.name for port, _ in outcome.failed)
        untried = ", ".join(port.name for port, _ in outcome.untried) or "none"
        count = len(outcome.trees)
        terminal.print_note(
            f"{count} ports are there; failed: {failed}; not tried because of that: {untried}"
        )


def checked_document(row: Checked) -> dict[str, Any]:
    """A check as JSON."""
    tests = row.tests
    return {
        "name": row.port.name,
        "version": row.port.version,
        "same_bytes": row.same_bytes,
        "digest": row.digest,
        "compiler": row.compiler,
        "size_bytes": row.size_bytes,
        "build_s": row.build_s,
        "passed": row.passed,
        "tests": None
        if tests is None
        else {"passed": tests.passed, "count": tests.tests, "reason": tests.reason},
    }


def _tests(row: Checked) -> str:
    if row.tests is None:
        return ""
    count = f" ({row.tests.tests})" if row.tests.tests is not None else ""
    why = f": {row.tests.reason}" if row.tests.reason else ""
    return f"tests {'passed' if row.tests.passed else 'FAILED'}{count} in {row.tests.seconds:.0f} s{why}"


def print_standings(rows: Sequence[Standing], *, as_json: bool) -> None:
    """Ports beside Debian's versions."""
    if as_json:
        found = [
            {"name": row.name, "ours": row.ours, "debian": row.theirs, "outdated": row.outdated}
            for row in rows
        ]
        terminal.print_json({"ports": found})
        return
    for row in rows:
        word = "OUTDATED" if row.outdated else "ok" if row.theirs else "not in Debian"
        print(f"{row.name:15} {row.ours:16} {row.theirs or '-':16} {word}")
    count = sum(row.outdated for row in rows)
    terminal.print_note(f"{count} of {len(rows)} ports are older than Debian's")
