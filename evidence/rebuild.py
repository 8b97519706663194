"""Builds the releases of rebuild.toml, builds each again from its record, and writes what was seen.

``python -m evidence.rebuild [RELEASE...]``: what has no result for today's inputs, of those named or of all;
with ``--again`` whether it has one or not.
"""

import hashlib
import json
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

from evidence import ports as port_evidence
from evidence.packages import PROGRAM
from evidence.packages import inputs as common_inputs

from manyloong.roots.ports import all_ports
from manyloong.wheels.recipes import shipped_names, shipped_recipe

HERE = Path(__file__).parent
LIST, RESULTS = HERE / "rebuild.toml", HERE / "rebuild.json"
ROLES = ("native", "target", "toolchain")  # of the roots that these builds use


def document() -> dict[str, Any]:
    """The list."""
    return tomllib.loads(LIST.read_text("utf-8"))


def inputs() -> dict[str, Any]:
    """Everything that decides the results, by hash or by recipe number."""
    releases: list[str] = document()["releases"]
    names = {release.split("==")[0] for release in releases}
    recipes = {name: shipped_recipe(name).build_digest for name in shipped_names() if name in names}
    ports = {port for name in recipes for port in shipped_recipe(name).ports}
    known = all_ports()
    common = common_inputs()
    return common | {
        "list": _sha256_of([document()["python"], sorted(document()["releases"])]),
        "locks": {name: sha256 for name, sha256 in common["locks"].items() if name.startswith(ROLES)},
        "release_recipes": recipes,
        "ports": {port: port_evidence.digest(known[port], known, tests=False) for port in sorted(ports)},
    }


def _sha256_of(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def digest() -> str:
    """SHA-256 of the inputs' canonical JSON."""
    return _sha256_of(inputs())


def rebuild(release: str, output: Path) -> dict[str, Any]:
    """One release, built (or taken from the cache) and built again; what ``manyloong rebuild`` said."""
    python = document()["python"]
    (built,) = _json(
        "build", release, "--no-table", "--python", python, "--no-test", "--output", str(output)
    )["results"]
    seen: dict[str, Any] = _json("rebuild", built["wheel"], accepted=(0, 5))
    return seen | {"requirements": [row["filename"] for row in built["record"]["build_environment"]]}


def _json(*words: str, accepted: tuple[int, ...] = (0,)) -> Any:
    done = subprocess.run([str(PROGRAM), *words, "--json"], capture_output=True, text=True, check=False)
    if done.returncode not in accepted or not done.stdout:
        raise SystemExit(
            f"{' '.join(words)}: exit {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        )
    return json.loads(done.stdout)


def earlier() -> dict[str, Any]:
    """Results of an interrupted run with the same inputs."""
    found = json.loads(RESULTS.read_text("utf-8")) if RESULTS.is_file() else {}
    return found["results"] if found.get("digest") == digest() else {}


def main() -> int:
    """Rebuild what is not there yet, and write rebuild.json after each release."""
    results = earlier()
    named = [word for word in sys.argv[1:] if not word.startswith("-")]
    for release in named or document()["releases"]:
        if release in results and "--again" not in sys.argv:
            continue
        print(release, flush=True)
        with tempfile.TemporaryDirectory() as folder:
            seen = rebuild(release, Path(folder))
        results = earlier() | {release: seen}  # another run may have written meanwhile
        found = {"digest": digest(), "inputs": inputs(), "results": results}
        RESULTS.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
