"""Builds the releases of linked.toml, which need C libraries, and writes linked.json: what was seen.

An entry's digest covers its release, its recipe, and the ports it asks for, so that only what changed is made
again: ``python -m evidence.linked [NAME...]``. MANYLOONG_TEST_ROOTS says where wheels are tested, as ever.

Keys of an entry: ``release``, or ``folder`` for a project of this tree; ``recipe``, instead of the shipped
one; ``crates``, a lock of packaged Rust crates that cargo chooses from; ``implied``, ports that the sources
ask for.
"""

import hashlib
import json
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from evidence import ports as port_evidence
from evidence.crates import packaged_crates
from evidence.digests import ROOT, files_digest
from evidence.postgres import conversation

from manyloong.roots.ports import all_ports
from manyloong.wheels.recipes import choose_recipe, read_recipes

HERE = Path(__file__).parent
LIST, RESULTS = HERE / "linked.toml", HERE / "linked.json"
PROGRAM = Path(sys.executable).with_name("manyloong")
BILL = "sboms/manyloong.cdx.json"
EXPECTED = ("least_tests",)  # keys of an entry that say what the result has to be
FILES = ("recipe", "folder", "crates", "implied")  # keys whose content counts, not what they are called


def packages(file: Path = LIST) -> dict[str, dict[str, Any]]:
    """The entries of a list by name, which is the project's unless they say another."""
    rows = tomllib.loads(file.read_text("utf-8"))["package"]
    return {row.get("name", project(row)): row for row in rows}


def project(entry: dict[str, Any]) -> str:
    """The project that an entry builds a release of."""
    return str(entry.get("release", entry.get("name"))).partition("==")[0]


def own_recipes(entry: dict[str, Any]) -> tuple[Path, ...]:
    """The recipe that an entry names, which stands for the shipped one."""
    return (HERE / entry["recipe"],) if "recipe" in entry else ()


def digest(entry: dict[str, Any]) -> str:
    """SHA-256 over what is asked for and what it is linked with, apart from the compiler."""
    asked = {key: value for key, value in entry.items() if key not in (*EXPECTED, *FILES)}
    asked |= {key: files_digest([pattern], project(entry)) for key, pattern in _files(entry)}
    ports = all_ports()
    recipe = choose_recipe(project(entry), None, read_recipes(own_recipes(entry)))
    named = (*recipe.ports, *entry.get("implied", ()))
    linked = [port_evidence.digest(ports[port], ports, tests=False) for port in named]
    return hashlib.sha256(json.dumps([asked, recipe.digest, linked], sort_keys=True).encode()).hexdigest()


def _files(entry: dict[str, Any]) -> list[tuple[str, str]]:
    """Files of this tree that an entry names, as patterns from its root."""
    patterns = {"folder": "{}/**/*", "crates": "{}"}
    return [(key, text.format(entry[key])) for key, text in patterns.items() if key in entry]


def results(file: Path = RESULTS) -> dict[str, Any]:
    """What is committed, by project."""
    return dict(json.loads(file.read_text("utf-8"))) if file.is_file() else {}


def built(entry: dict[str, Any], folder: Path, *, table: str = "--no-table") -> dict[str, Any]:
    """The result of building and testing one release, as the program prints it."""
    source = entry["release"] if "release" in entry else str(ROOT / entry["folder"])
    arguments = [str(PROGRAM), "build", source, table, "--python", "cp313", "--json"]
    arguments += ["--output", str(folder)]
    if "crates" in entry:
        arguments += ["--relock", "--crates", str(packaged_crates(ROOT / entry["crates"]))]
    for recipe in own_recipes(entry):
        arguments += ["--recipe", str(recipe)]
    if "test_command" in entry:
        arguments += ["--test-command", entry["test_command"]]
    for requirement in entry.get("test_requires", ()):
        arguments += ["--test-requires", requirement]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{source}: exit {done.returncode}\n{done.stdout[-6000:]}\n{done.stderr[-2000:]}")
    result: dict[str, Any] = json.loads(done.stdout)["results"][-1]
    return result


def build(entry: dict[str, Any]) -> dict[str, Any]:
    """One release, built and tested; what was seen."""
    with tempfile.TemporaryDirectory() as folder:
        result = built(entry, Path(folder))
        wheel = Path(result["wheel"])
        found = seen(result["record"], bill(wheel))
        return found | {"server": conversation(wheel)} if entry.get("server") else found


def bill(wheel: Path) -> list[str]:
    """Name, version and licence of everything the wheel says it carries."""
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if name.endswith(BILL)]
        rows = json.loads(archive.read(names[0]))["components"] if names else []
    return [f"{row['name']} {row['version']} {row['licenses'][0]['expression']}" for row in rows]


def seen(record: dict[str, Any], carried: list[str]) -> dict[str, Any]:
    """The part of a build record that is a result."""
    keys = ("python", "libc", "cpu", "outcome", "imported", "loaded", "counts")
    crates = {"crates": len(record["crates"]), "relocked": record["relocked"]} if record["crates"] else {}
    return crates | {
        "wheel": record["wheel"]["filename"],
        "accepted": record["accepted"],
        "grafted": record["grafted"],
        "carried": carried,
        "tests": [{key: report.get(key) for key in keys} for report in record["tests"]],
    }


def renew(
    file: Path, known: Path, build: Callable[[dict[str, Any]], dict[str, Any]], names: Sequence[str]
) -> None:
    """Build the named entries of a list, or what changed, and write the results after each."""
    entries, found = packages(file), results(known)
    digests = {name: digest(entry) for name, entry in entries.items()}
    stale = [name for name in entries if found.get(name, {}).get("inputs") != digests[name]]
    for name in names or stale:
        row = {"inputs": digests[name], **build(entries[name])}
        found = results(known) | {name: row}  # another may have written meanwhile
        kept = {name: found[name] for name in sorted(found) if name in entries}
        known.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n", "utf-8")
        print(name, found[name]["wheel"])


if __name__ == "__main__":
    renew(LIST, RESULTS, build, sys.argv[1:])
