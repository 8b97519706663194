"""Builds the releases of packages.toml and writes packages.json: what went in, and what was seen.

The digest covers what decides the results: the list, the locks, and every recipe number. ``check`` says
whether packages.json is about today's inputs.
"""

import hashlib
import json
import subprocess
import sys
import tempfile
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

from evidence.digests import deciding

from manyloong.roots import resolve, toolchain, zig
from manyloong.wheels import environment, job

HERE = Path(__file__).parent
LIST, RESULTS = HERE / "packages.toml", HERE / "packages.json"
ROLES = ("emulator", "floorbuild", "native", "target", "toolchain")  # of the roots that builds and tests use
PROGRAM = Path(sys.executable).with_name("manyloong")


def inputs() -> dict[str, Any]:
    """Everything that decides the results, by hash or by recipe number."""
    locks = files("manyloong").joinpath("locks")
    return {
        "list": hashlib.sha256(LIST.read_bytes()).hexdigest(),
        "locks": {
            entry.name: hashlib.sha256(deciding(entry.read_bytes())).hexdigest()
            for entry in sorted(locks.iterdir(), key=lambda entry: entry.name)
            if entry.name.endswith(".toml") and entry.name.startswith(ROLES)
        },
        "recipes": {
            "root": resolve.RECIPE,
            "zig": zig.RECIPE,
            "toolchain": toolchain.RECIPE,
            "environment": environment.RECIPE,
            "job": job.RECIPE,
        },
    }


def digest() -> str:
    """SHA-256 of the inputs' canonical JSON."""
    return hashlib.sha256(json.dumps(inputs(), sort_keys=True).encode()).hexdigest()


def packages() -> tuple[list[dict[str, Any]], list[str]]:
    """The entries of packages.toml, and the Pythons."""
    document = tomllib.loads(LIST.read_text("utf-8"))
    return document["package"], document["pythons"]


def build(
    entry: dict[str, Any],
    pythons: list[str],
    output: Path,
    *,
    roots: str = "current",
    more: tuple[str, ...] = (),
    force: bool = True,
) -> list[dict[str, Any]]:
    """One release for some Pythons, built anew and tested in some roots; what was seen of each wheel.

    ``more`` are further options of the command; without ``force`` a wheel that was made of the same is taken.
    """
    arguments = [str(PROGRAM), "build", entry["release"], "--python", ",".join(pythons), "--json"]
    arguments += ["--no-table", *(["--force"] if force else [])]
    arguments += ["--output", str(output), "--test-roots", roots, *more]
    for requirement in entry.get("test_requires", []):
        arguments += ["--test-requires", requirement]
    if "test_command" in entry:
        arguments += ["--test-command", entry["test_command"]]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(
            f"{entry['release']}: exit {done.returncode}\n{done.stdout[-4000:]}\n{done.stderr[-2000:]}"
        )
    return [seen(result["record"]) for result in json.loads(done.stdout)["results"]]


def seen(record: dict[str, Any]) -> dict[str, Any]:
    """The part of a build record that is a result."""
    return {
        "identifier": record["identifier"],
        "wheel": record["wheel"]["filename"],
        "sha256": record["wheel"]["sha256"],
        "accepted": record["accepted"],
        "environment": [wheel["filename"] for wheel in record["build_environment"]],
        "dropped_flags": record["dropped_flags"],
        "tests": [
            {key: report[key] for key in ("python", "root", "libc", "cpu", "outcome", "imported", "command")}
            for report in record["tests"]
        ],
        "seconds": {stage["name"]: stage["seconds"] for stage in record["stages"]},
    }


def earlier() -> dict[str, Any]:
    """Results of an interrupted run with the same inputs."""
    document = json.loads(RESULTS.read_text("utf-8")) if RESULTS.is_file() else {}
    return document["results"] if document.get("digest") == digest() else {}


def main() -> int:
    """Build what is not there yet (with --again: everything) and write packages.json after each release."""
    entries, pythons = packages()
    results = earlier()
    again = "--again" in sys.argv
    for entry in entries:
        if entry["release"] in results and not again:
            continue
        print(entry["release"], flush=True)
        with tempfile.TemporaryDirectory() as folder:
            results[entry["release"]] = build(entry, pythons, Path(folder))
        document = {"digest": digest(), "inputs": inputs(), "results": results}
        RESULTS.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
