"""Builds the releases of linked.toml, which need C libraries, and writes linked.json: what was seen.

An entry's digest covers its release, its recipe, and the ports it asks for, so that only what changed is made
again: ``python -m evidence.linked [NAME...]``. MANYLOONG_TEST_ROOTS says where wheels are tested, as ever.
"""

import hashlib
import json
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from pathlib import Path
from typing import Any

from evidence import ports as port_evidence
from evidence.postgres import conversation

from manyloong.roots.ports import all_ports
from manyloong.wheels.recipes import shipped_recipe

HERE = Path(__file__).parent
LIST, RESULTS = HERE / "linked.toml", HERE / "linked.json"
PROGRAM = Path(sys.executable).with_name("manyloong")
BILL = "sboms/manyloong.cdx.json"


def packages() -> dict[str, dict[str, Any]]:
    """The entries of linked.toml by project."""
    rows = tomllib.loads(LIST.read_text("utf-8"))["package"]
    return {row["release"].partition("==")[0]: row for row in rows}


def digest(name: str, entry: dict[str, Any]) -> str:
    """SHA-256 over what is asked for and what it is linked with, apart from the compiler."""
    ports, recipe = all_ports(), shipped_recipe(name)
    linked = [port_evidence.digest(ports[port], ports) for port in recipe.ports]
    return hashlib.sha256(json.dumps([entry, recipe.digest, linked], sort_keys=True).encode()).hexdigest()


def results() -> dict[str, Any]:
    """What is committed, by project."""
    return dict(json.loads(RESULTS.read_text("utf-8"))) if RESULTS.is_file() else {}


def build(entry: dict[str, Any]) -> dict[str, Any]:
    """One release, built and tested; what was seen."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = [str(PROGRAM), "build", entry["release"], "--python", "cp313", "--json"]
        arguments += ["--output", folder]
        for requirement in entry.get("test_requires", []):
            arguments += ["--test-requires", requirement]
        if "test_command" in entry:
            arguments += ["--test-command", entry["test_command"]]
        done = subprocess.run(arguments, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(
                f"{entry['release']}: exit {done.returncode}\n{done.stdout[-6000:]}\n{done.stderr[-2000:]}"
            )
        result = json.loads(done.stdout)["results"][-1]
        wheel = Path(result["wheel"])
        found = seen(result["record"], bill(wheel))
        return found | {"server": conversation(wheel)} if entry.get("server") else found


def bill(wheel: Path) -> list[str]:
    """Name, version and licence of everything the wheel says it carries."""
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(BILL))
        rows = json.loads(archive.read(name))["components"]
    return [f"{row['name']} {row['version']} {row['licenses'][0]['expression']}" for row in rows]


def seen(record: dict[str, Any], carried: list[str]) -> dict[str, Any]:
    """The part of a build record that is a result."""
    keys = ("python", "libc", "cpu", "outcome", "imported", "counts")
    return {
        "wheel": record["wheel"]["filename"],
        "accepted": record["accepted"],
        "grafted": record["grafted"],
        "carried": carried,
        "tests": [{key: report.get(key) for key in keys} for report in record["tests"]],
    }


def main() -> int:
    """Build what changed, or what is named, and write the results after each."""
    entries, found = packages(), results()
    digests = {name: digest(name, entry) for name, entry in entries.items()}
    stale = [name for name in entries if found.get(name, {}).get("inputs") != digests[name]]
    for name in sys.argv[1:] or stale:
        found[name] = {"inputs": digests[name], **build(entries[name])}
        kept = {name: found[name] for name in sorted(found) if name in entries}
        RESULTS.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n", "utf-8")
        print(name, found[name]["wheel"], found[name]["carried"])
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
