"""Builds the releases of a list in both lanes and writes what was seen: verdicts, tests, and what differs.

For glibc the list is lanes.toml and the result lanes.json; with ``--musl``: musl_lanes.toml, musl_lanes.json.
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

from evidence import musl, packages

from manyloong.audit import read_facts
from manyloong.roots import lane
from manyloong.wheels import emulated

HERE = Path(__file__).parent
GLIBC, MUSL = "lanes", "musl_lanes"  # the proofs, by the names of their files
PLATFORMS = {GLIBC: "manylinux_2_36_loongarch64", MUSL: musl.PLATFORM}
LANES = ("cross", "emulated")
ROLES = ("native", "target", "toolchain")  # of the roots that these builds use


def listed(proof: str = GLIBC) -> Path:
    """The releases of a proof."""
    return HERE / f"{proof}.toml"


def result_file(proof: str = GLIBC) -> Path:
    """Where its results are."""
    return HERE / f"{proof}.json"


def inputs(proof: str = GLIBC) -> dict[str, Any]:
    """Everything that decides the results, by hash or by recipe number."""
    common = packages.inputs()
    own = {"lane": lane.RECIPE, "emulated": emulated.RECIPE}
    root = {"root": musl.parts()} if proof == MUSL else {}
    return {
        "list": hashlib.sha256(listed(proof).read_bytes()).hexdigest(),
        "locks": {name: sha256 for name, sha256 in common["locks"].items() if name.startswith(ROLES)},
        "recipes": common["recipes"] | own,
        **root,
    }


def digest(proof: str = GLIBC) -> str:
    """SHA-256 of the inputs' canonical JSON."""
    return hashlib.sha256(json.dumps(inputs(proof), sort_keys=True).encode()).hexdigest()


def entries(proof: str = GLIBC) -> list[tuple[str, str]]:
    """Each release with each of its Pythons."""
    rows = tomllib.loads(listed(proof).read_text("utf-8"))["package"]
    return [(entry["release"], python) for entry in rows for python in entry["pythons"]]


def build(release: str, python: str, name: str, output: Path, *, platform: str) -> dict[str, Any]:
    """One release in one lane: the build's result; a wheel that this machine made of the same is taken."""
    arguments = [str(packages.PROGRAM), "build", release, "--python", python, "--lane", name]
    arguments += ["--platform", platform, "--no-table", "--json", "--output", str(output / name)]
    arguments += ["--force"] if "--again" in sys.argv else []
    arguments += ["--test-roots", "current"] if "--current" in sys.argv else []
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{release} {python} {name}: exit {done.returncode}\n{done.stdout[-4000:]}")
    result: dict[str, Any] = json.loads(done.stdout)["results"][0]
    return result


def in_both_lanes(release: str, python: str, output: Path, *, platform: str) -> dict[str, Any]:
    """What was seen of one release in both lanes."""
    results = {name: build(release, python, name, output, platform=platform) for name in LANES}
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
    """Build what is not there yet (with --again: everything) and write after each release.

    With names (``msgpack``, ``msgpack==1.2.4 cp313``): only those. ``--current``: not on the floor.
    """
    proof = MUSL if "--musl" in sys.argv else GLIBC
    file = result_file(proof)
    wanted = tuple(word for word in sys.argv[1:] if not word.startswith("--"))
    document = json.loads(file.read_text("utf-8")) if file.is_file() else {}
    results = document.get("results", {}) if document.get("digest") == digest(proof) else {}
    for release, python in entries(proof):
        key = f"{release} {python}"
        if (key in results and "--again" not in sys.argv) or not key.startswith(wanted or ("",)):
            continue
        print(key, flush=True)
        with tempfile.TemporaryDirectory() as folder:
            results[key] = in_both_lanes(release, python, Path(folder), platform=PLATFORMS[proof])
        document = {"digest": digest(proof), "inputs": inputs(proof), "results": results}
        file.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
