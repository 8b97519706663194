"""Builds the releases of numeric.toml, with what they compile against, and writes what was seen.

``python -m evidence.numeric [NAME...]``: numpy.json, pandas.json, against-numpy.json; only the named releases
anew. One folder of wheels serves all, so that NumPy is built once; the first release is NumPy itself.
"""

import hashlib
import json
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

from evidence.packages import PROGRAM, seen
from evidence.packages import inputs as common_inputs

from manyloong.wheels.recipes import shipped_names, shipped_recipe

HERE = Path(__file__).parent
LIST = HERE / "numeric.toml"
ROLES = ("native", "target", "toolchain", "floor")  # of the roots that these builds use


def inputs() -> dict[str, Any]:
    """Everything that decides the results: as for the other packages, and the recipes."""
    recipes = {name: shipped_recipe(name).digest for name in shipped_names()}
    listed = hashlib.sha256(LIST.read_bytes()).hexdigest()
    names = {entry["release"].split("==")[0] for entry in packages()}
    used = {name: digest for name, digest in recipes.items() if name in names}
    common = common_inputs()
    locks = {name: sha256 for name, sha256 in common["locks"].items() if name.startswith(ROLES)}
    return common | {"locks": locks, "list": listed, "release_recipes": used}


def digest() -> str:
    """SHA-256 of the inputs' canonical JSON."""
    return hashlib.sha256(json.dumps(inputs(), sort_keys=True).encode()).hexdigest()


def packages() -> list[dict[str, Any]]:
    """The entries of numeric.toml, in the order they are built in."""
    found: list[dict[str, Any]] = tomllib.loads(LIST.read_text("utf-8"))["package"]
    return found


def pythons() -> list[str]:
    """The Pythons that they are built for."""
    found: list[str] = tomllib.loads(LIST.read_text("utf-8"))["pythons"]
    return found


def results_file(entry: dict[str, Any]) -> Path:
    """Where an entry's results are."""
    return HERE / f"{entry['file']}.json"


def build(entry: dict[str, Any], output: Path, *, force: bool = True) -> list[dict[str, Any]]:
    """One release, built anew, with what it needs from ``output``; what was seen of each wheel."""
    arguments = [str(PROGRAM), "build", entry["release"], "--python", ",".join(pythons()), "--json"]
    arguments += ["--no-table", "--output", str(output), *(["--force"] if force else [])]
    arguments += ["--test-roots", "current"] if "--current" in sys.argv else []
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = f"{done.stdout[-4000:]}\n{done.stderr[-2000:]}"
        raise SystemExit(f"{entry['release']}: exit {done.returncode}\n{said}")
    return [counted(result["record"]) for result in json.loads(done.stdout)["results"]]


def counted(record: dict[str, Any]) -> dict[str, Any]:
    """The part of a build record that is a result, with what it was compiled against and its counts."""
    found = seen(record)
    found["target_copies"] = [copy["filename"] for copy in record["target_copies"]]
    notes = [finding for finding in record["verdict"]["findings"] if finding["rule"].startswith("ML07")]
    found["instructions"] = [finding["message"] for finding in notes]
    for short, report in zip(found["tests"], record["tests"], strict=True):
        short["counts"] = report["counts"]
    return found


def earlier(entry: dict[str, Any]) -> dict[str, Any]:
    """The results in an entry's file, if they are about today's inputs."""
    file = results_file(entry)
    document = json.loads(file.read_text("utf-8")) if file.is_file() else {}
    return document["results"] if document.get("digest") == digest() else {}


def main() -> int:
    """Build what is not there yet, or what is named, and write its file after each release.

    A wheel that this machine has made from the same inputs is taken as it is, unless ``--again`` is given;
    ``--current``: not tested on the floor.
    """
    named = {word for word in sys.argv[1:] if not word.startswith("--")}
    with tempfile.TemporaryDirectory() as folder:
        for entry in packages():
            results = earlier(entry)
            project = entry["release"].split("==")[0]
            if project not in named if named else entry["release"] in results:
                continue
            print(entry["release"], flush=True)
            results[entry["release"]] = build(entry, Path(folder), force="--again" in sys.argv)
            document = {"digest": digest(), "inputs": inputs(), "results": results}
            text = json.dumps(document, indent=1, sort_keys=True)
            results_file(entry).write_text(text + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
