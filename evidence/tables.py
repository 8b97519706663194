"""Builds the releases of tables.toml by their own cibuildwheel tables, and writes tables.json: what was seen.

As linked.py; besides, which options had no effect and why, and what hooks took: ``python -m evidence.tables
[NAME...]``.
"""

import hashlib
import json
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

from evidence import linked

from manyloong.wheels.recipes import choose_recipe

HERE = Path(__file__).parent
LIST, RESULTS = HERE / "tables.toml", HERE / "tables.json"
OPTIONS = HERE.parent / "src/manyloong/ci/options.toml"


def digest(name: str, entry: dict[str, Any]) -> str:
    """As linked.py's, and what decides which options hold."""
    ignored = choose_recipe(name, None, ()).ignored
    rules = hashlib.sha256(OPTIONS.read_bytes()).hexdigest()
    document = [linked.digest(entry), ignored, rules, version("cibuildwheel")]
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def build(entry: dict[str, Any]) -> dict[str, Any]:
    """One release, built and tested by its own table; what was seen."""
    with tempfile.TemporaryDirectory() as folder:
        result = linked.built(entry, Path(folder), table="--table")
        record = result["record"]
        found = linked.seen(record, linked.bill(Path(result["wheel"])))
        commands = sorted({report["command"] or "" for report in record["tests"]})
        taken = [one["url"].rpartition("/")[2] for one in record["downloads"] if one["origin"] == "index"]
        return found | {"commands": commands, "notes": record["notes"], "taken": taken}


def main(names: list[str]) -> None:
    """Build the named releases, or those whose inputs have changed."""
    entries, found = linked.packages(LIST), linked.results(RESULTS)
    digests = {name: digest(name, entry) for name, entry in entries.items()}
    stale = [name for name in entries if found.get(name, {}).get("inputs") != digests[name]]
    for name in names or stale:
        found[name] = {"inputs": digests[name], **build(entries[name])}
        kept = {name: found[name] for name in sorted(found) if name in entries}
        RESULTS.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n", "utf-8")
        print(name, found[name]["wheel"])


if __name__ == "__main__":
    main(sys.argv[1:])
