"""Builds releases for musl and tests their wheels in the musl root; writes musl.json: inputs and results.

``python -m evidence.musl [--again] [RELEASE...]``: those that are named, or all that are not there yet.
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
from manyloong.roots import floor, libstdcxx, musl
from manyloong.targets import target

HERE = Path(__file__).parent
LIST, RESULTS = HERE / "musl.toml", HERE / "musl.json"
PLATFORM = "musllinux_1_2_loongarch64"
_PROGRAMS = ("payload/musl_sysroot.py", "payload/cpython.sh", "payload/busybox.sh")
_PARTS = ("cpython.toml", "musl.toml", "musl_tree.py", *_PROGRAMS)


def parts() -> dict[str, Any]:
    """What decides the musl root, by hash and by recipe number."""
    source = files("manyloong.roots")
    hashes = {name: hashlib.sha256(source.joinpath(name).read_bytes()).hexdigest() for name in _PARTS}
    recipes = {
        "compile": compiled.RECIPE,
        "floor": floor.RECIPE,
        "libstdcxx": libstdcxx.RECIPE,
        "musl": musl.RECIPE,
    }
    return {"parts": hashes, "recipes": recipes}


def inputs() -> dict[str, Any]:
    """Everything that decides the results, by hash or by recipe number."""
    own = parts()
    return {
        "list": hashlib.sha256(LIST.read_bytes()).hexdigest(),
        "parts": own["parts"],
        "recipes": packages.inputs()["recipes"] | own["recipes"],
        "target": repr(target(PLATFORM)),
    }


def digest() -> str:
    """SHA-256 of the inputs' canonical JSON."""
    return hashlib.sha256(json.dumps(inputs(), sort_keys=True).encode()).hexdigest()


def releases() -> list[dict[str, Any]]:
    """The entries of musl.toml."""
    entries: list[dict[str, Any]] = tomllib.loads(LIST.read_text("utf-8"))["package"]
    return entries


def main() -> int:
    """Build and write musl.json after each release."""
    pythons = tomllib.loads(LIST.read_text("utf-8"))["pythons"]
    named = [word for word in sys.argv[1:] if not word.startswith("-")]
    again = "--again" in sys.argv
    earlier = json.loads(RESULTS.read_text("utf-8")) if RESULTS.is_file() else {}
    results = earlier["results"] if earlier.get("digest") == digest() else {}
    for entry in releases():
        name = entry["release"]
        if (named and name not in named) or (name in results and not again):
            continue
        print(name, flush=True)
        with tempfile.TemporaryDirectory() as folder:
            more = ("--platform", PLATFORM)
            results[name] = packages.build(entry, pythons, Path(folder), roots="floor", more=more)
        document = {"digest": digest(), "inputs": inputs(), "results": results}
        RESULTS.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
