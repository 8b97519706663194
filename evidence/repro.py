"""Builds roots and images again from nothing, under changed conditions, and writes repro.json.

``python -m evidence.repro [--again] [NAME...]``: those that are named, or all without a result for today's
inputs. Each has a digest of its own: a change of the images does not ask for the roots again. What they share
is built once more, not once for each; each result is written when it is there.
"""

import hashlib
import json
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import asdict
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from evidence import floor, musl
from evidence import ports as port_evidence
from evidence.digests import deciding, decisive
from evidence.packages import inputs as common_inputs

from manyloong.cli.root_verify import verified
from manyloong.events import ignore
from manyloong.roots.floor import is_floor
from manyloong.roots.interpreters import needed_ports
from manyloong.roots.lock import has_lock

HERE = Path(__file__).parent
LIST, RESULTS = HERE / "repro.toml", HERE / "repro.json"


def names() -> list[str]:
    """What is built again."""
    found: list[str] = tomllib.loads(LIST.read_text("utf-8"))["names"]
    return found


def pending() -> list[str]:
    """Of which there is no result yet."""
    found: list[str] = tomllib.loads(LIST.read_text("utf-8"))["pending"]
    return found


def inputs(name: str) -> dict[str, Any]:
    """Everything that decides a root or an image, by hash or by recipe number."""
    common = common_inputs()
    found = {"locks": common["locks"], "recipes": common["recipes"]}
    if has_lock(name):
        return found | {"locks": {f"{name}.toml": common["locks"][f"{name}.toml"]}}
    found |= {"ports": _ports()}
    found |= {
        "floor": floor.parts(),
        "musl": {key: musl.inputs()[key] for key in ("parts", "recipes", "target")},
    }
    return found if is_floor(name) else found | _image_inputs()


def _ports() -> dict[str, dict[str, str]]:
    """What decides the trees of the ports that a Python is built with, for each C library; no tests."""
    found = {proof: port_evidence.ports_of(proof) for proof in port_evidence.PLATFORMS}
    return {
        proof: {name: port_evidence.digest(ports[name], ports, tests=False) for name in needed_ports()}
        for proof, ports in found.items()
    }


def _image_inputs() -> dict[str, Any]:
    locks = _files(files("manyloong").joinpath("locks"))
    return {
        "image-locks": {
            entry.name: hashlib.sha256(deciding(entry.read_bytes())).hexdigest()
            for entry in sorted(locks, key=lambda entry: entry.name)
            if entry.name.startswith("image-")
        },
        "image-payload": _hashes("roots/payload", "interpreters.sh", "launch.c"),
        "images": _hashes("roots/images"),
    }


def _hashes(folder: str, *wanted: str) -> dict[str, str]:
    place = files("manyloong").joinpath(folder)
    entries = [place.joinpath(name) for name in wanted] or sorted(_files(place), key=lambda entry: entry.name)
    return {entry.name: hashlib.sha256(decisive(entry.read_bytes())).hexdigest() for entry in entries}


def _files(place: Traversable) -> Iterator[Traversable]:
    return (entry for entry in place.iterdir() if entry.is_file())


def digest(name: str) -> str:
    """SHA-256 of the inputs' canonical JSON."""
    return hashlib.sha256(json.dumps(inputs(name), sort_keys=True).encode()).hexdigest()


def results() -> dict[str, Any]:
    """What the file says, by name."""
    return json.loads(RESULTS.read_text("utf-8")) if RESULTS.is_file() else {}


def is_fresh(name: str) -> bool:
    """Whether there is a result for today's inputs."""
    return bool(results().get(name, {}).get("digest") == digest(name))


def main() -> int:
    """Build again what is not there yet, and write repro.json."""
    named = [word for word in sys.argv[1:] if not word.startswith("-")]
    wanted = [name for name in named or names() if "--again" in sys.argv or not is_fresh(name)]
    started = {name: digest(name) for name in wanted}
    for seen in verified(wanted, ignore) if wanted else ():
        print(f"{seen.name}: {'identical' if seen.same else 'DIFFERENT'}", flush=True)
        row = {"digest": started[seen.name], "inputs": inputs(seen.name), "seen": asdict(seen)}
        whole = results() | {seen.name: row}
        RESULTS.write_text(json.dumps(whole, indent=1, sort_keys=True) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
