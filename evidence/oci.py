"""Asks everything of the images in podman, and writes oci.json: ``python -m evidence.oci``; as root.

What ``make test-oci`` does, with its answers kept: each question by its outcome.
"""

import json
import os
import subprocess
import sys
import tempfile
import tomllib
import xml.etree.ElementTree as ET
from pathlib import Path

from evidence.digests import ROOT, files_digest

HERE = Path(__file__).parent
LIST, RESULTS = HERE / "oci.toml", HERE / "oci.json"
COMMAND = "python -m evidence.oci"
RUN = ("-m", "pytest", "-q", "tests/oci", "-p", "no:cacheprovider")


def digest() -> str:
    """SHA-256 over all that oci.toml names."""
    return files_digest(tomllib.loads(LIST.read_text("utf-8"))["files"], "oci")


def outcomes(report: Path) -> dict[str, list[str]]:
    """The names of the questions by their outcome, from pytest's report."""
    found: dict[str, list[str]] = {"passed": [], "failed": [], "skipped": []}
    for case in ET.parse(report).iter("testcase"):  # noqa: S314 - pytest wrote it just now
        kinds = {child.tag for child in case}
        bad = kinds & {"failure", "error"}
        kind = "failed" if bad else "skipped" if "skipped" in kinds else "passed"
        found[kind].append(f"{case.get('classname', '').rpartition('.')[2]}::{case.get('name')}")
    return {kind: sorted(names) for kind, names in found.items()}


def main() -> int:
    """Run all, and write what was seen where all went well; pytest's exit status."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        environ = {**os.environ, "REQUIRE_TOOLS": "1", "OCI_SAMPLE": ""}
        command = [sys.executable, *RUN, "--durations=12", f"--junit-xml={report}"]
        done = subprocess.run(command, cwd=ROOT, env=environ, check=False)
        if done.returncode == 0:
            document = {"command": COMMAND, "inputs": digest(), "results": outcomes(report)}
            RESULTS.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n", "utf-8")
    return done.returncode


if __name__ == "__main__":
    raise SystemExit(main())
