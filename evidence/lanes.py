"""Builds the releases of lanes.toml in both lanes and writes lanes.json: verdicts, tests, and what differs.

The digest covers what decides the results: the list, the locks, and every recipe number.
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

from evidence import packages

from manyloong.audit import read_facts
from manyloong.roots import lane
from manyloong.wheels import emulated

HERE = Path(__file__).parent
LIST, RESULTS = HERE / "lanes.toml", HERE / "lanes.json"
LANES = ("cross", "emulated")
ROLES = ("native", "target", "toolchain")  # of the roots that these builds use


def inputs() -> dict[str, Any]:
    """Everything that decides the results, by hash or by recipe number."""
    common = packages.inputs()
    own = {"lane": lane.RECIPE, "emulated": emulated.RECIPE}
    return {
        "list": hashlib.sha256(LIST.read_bytes()).hexdigest(),
        "locks": {name: sha256 for name, sha256 in common["locks"].items() if name.startswith(ROLES)},
        "recipes": common["recipes"] | own,
    }


def digest() -> str:
    """SHA-256 of the inputs' canonical JSON."""
    return hashlib.sha256(json.dumps(inputs(), sort_keys=True).encode()).hexdigest()


def entries() -> list[tuple[str, str]]:
    """Each release with each of its Pythons."""
    rows = tomllib.loads(LIST.read_text("utf-8"))["package"]
    return [(entry["release"], python) for entry in rows for python in entry["pythons"]]


def build(release: str, python: str, name: str, output: Path) -> dict[str, Any]:
    """One release in one lane: the build's result; a wheel that this machine made of the same is taken."""
    arguments = [str(packages.PROGRAM), "build", release, "--python", python, "--lane", name]
    arguments += ["--no-table", "--json", "--output", str(output / name)]
    arguments += ["--force"] if "--again" in sys.argv else []
    arguments += ["--test-roots", "current"] if "--current" in sys.argv else []
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{release} {python} {name}: exit {done.returncode}\n{done.stdout[-4000:]}")
    result: dict[str, Any] = json.loads(done.stdout)["results"][0]
    return result


def in_both_lanes(release: str, python: str, output: Path) -> dict[str, Any]:
    """What was seen of one release in both lanes."""
    results = {name: build(release, python, name, output) for name in LANES}
    return {
        **{name: seen(result["record"]) for name, result in results.items()},
        "compared": compare(*(Path(results[name]["wheel"]) for name in LANES)),
    }


def seen(record: dict[str, Any]) -> dict[str, Any]:
    """The part of a build record that is a result."""
    return {
        "lane": record["lane"],
        "wheel": record["wheel"]["filename"],
        "sha256": record["wheel"]["sha256"],
        "accepted": record["accepted"],
        "findings": sorted({finding["rule"] for finding in record["verdict"]["findings"]}),
        "outcomes": {f"{one['root']} {one['cpu']}".strip(): one["outcome"] for one in record["tests"]},
        "downloads": record["downloads"],
    }


def compare(cross: Path, emulated_wheel: Path) -> dict[str, Any]:
    """Member names and bytes of two wheels, and what their machine code needs of a system."""
    first, second = members(cross), members(emulated_wheel)
    return {
        "only_cross": sorted(first.keys() - second.keys()),
        "only_emulated": sorted(second.keys() - first.keys()),
        "same": sum(first[name] == second[name] for name in first.keys() & second.keys()),
        "different": sorted(name for name in first.keys() & second.keys() if first[name] != second[name]),
        "needs_are_equal": needs(cross) == needs(emulated_wheel),
    }


def members(wheel: Path) -> dict[str, str]:
    """SHA-256 of each member by its name; RECORD, which lists them, left out."""
    with zipfile.ZipFile(wheel) as archive:
        return {
            name: hashlib.sha256(archive.read(name)).hexdigest()
            for name in archive.namelist()
            if not name.endswith(".dist-info/RECORD")
        }


def needs(wheel: Path) -> dict[str, Any]:
    """Of each ELF file: its libraries and the symbol versions that it asks them for."""
    return {
        elf.path: (sorted(elf.needed), sorted(map(str, elf.versions_needed)))
        for elf in read_facts(wheel).elves
    }


def main() -> int:
    """Build what is not there yet (with --again: everything) and write lanes.json after each release.

    With names (``msgpack``, ``msgpack==1.2.4 cp313``): only those. ``--current``: not on the floor.
    """
    wanted = tuple(word for word in sys.argv[1:] if not word.startswith("--"))
    document = json.loads(RESULTS.read_text("utf-8")) if RESULTS.is_file() else {}
    results = document.get("results", {}) if document.get("digest") == digest() else {}
    for release, python in entries():
        key = f"{release} {python}"
        if (key in results and "--again" not in sys.argv) or not key.startswith(wanted or ("",)):
            continue
        print(key, flush=True)
        with tempfile.TemporaryDirectory() as folder:
            results[key] = in_both_lanes(release, python, Path(folder))
        document = {"digest": digest(), "inputs": inputs(), "results": results}
        RESULTS.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
