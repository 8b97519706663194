"""Builds releases and tests their wheels on the floor itself; writes floor.json: what went in, what was seen.

The releases of packages.toml for cp313, those of floor.toml for Pythons that are built from source.
"""

import hashlib
import json
import sys
import tempfile
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

from evidence import packages

from manyloong.roots import compile as compiled
from manyloong.roots import floor

HERE = Path(__file__).parent
LIST, RESULTS = HERE / "floor.toml", HERE / "floor.json"
_PROGRAMS = ("payload/glibc.sh", "payload/cpython.sh", "payload/busybox.sh")
_PARTS = ("cpython.toml", "runtime.toml", "floor_tree.py", *_PROGRAMS)


def parts() -> dict[str, Any]:
    """What decides the floor roots, by hash or by recipe number."""
    source = files("manyloong.roots")
    hashes = {name: hashlib.sha256(source.joinpath(name).read_bytes()).hexdigest() for name in _PARTS}
    return {**hashes, "recipes": {"compile": compiled.RECIPE, "floor": floor.RECIPE}}


def inputs() -> dict[str, Any]:
    """Everything that decides the results."""
    wanted = hashlib.sha256(LIST.read_bytes()).hexdigest()
    return {"list": wanted, "packages": packages.digest(), "parts": parts()}


def digest() -> str:
    """SHA-256 of the inputs' canonical JSON."""
    return hashlib.sha256(json.dumps(inputs(), sort_keys=True).encode()).hexdigest()


def jobs() -> list[tuple[str, dict[str, Any], list[str]]]:
    """Name, entry and Pythons of every build."""
    usual = [(f"{entry['release']} cp313", entry, ["cp313"]) for entry in packages.packages()[0]]
    document = tomllib.loads(LIST.read_text("utf-8"))
    special = [
        (f"{entry['release']} {python}", entry, [python])
        for entry in document["package"]
        for python in document["pythons"]
    ]
    return usual + special


def main() -> int:
    """Build what is not there yet (with --again: everything) and write floor.json after each release.

    With names (``msgpack``, ``msgpack==1.2.4 cp313``): only those.
    """
    wanted = tuple(word for word in sys.argv[1:] if word != "--again")
    earlier = json.loads(RESULTS.read_text("utf-8")) if RESULTS.is_file() else {}
    results = earlier["results"] if earlier.get("digest") == digest() and "--again" not in sys.argv else {}
    for name, entry, pythons in jobs():
        if name in results or not name.startswith(wanted or ("",)):
            continue
        print(name, flush=True)
        with tempfile.TemporaryDirectory() as folder:
            results[name] = packages.build(
                entry, pythons, Path(folder), roots="floor", force="--again" in sys.argv
            )
        document = {"digest": digest(), "inputs": inputs(), "results": results}
        RESULTS.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
