"""Runs all unit tests of the newest releases with our edits made, and writes upstream.json: what they said.

``python -m evidence.upstream``. Minutes: packaging alone has sixty thousand tests.
"""

import tempfile
from pathlib import Path

from evidence.digests import write_evidence
from upstream.check import PROJECTS, check


def main() -> None:
    """All of them; nothing is written where one fails."""
    results = {}
    for project in PROJECTS:
        with tempfile.TemporaryDirectory() as folder:
            checked = check(project, Path(folder))
        if not checked.passed:
            raise SystemExit(f"{project} {checked.version}\n{checked.log[-6000:]}")
        summary = checked.log.strip().splitlines()[-1].strip("= ")
        results[project] = {"version": checked.version, "changed": sorted(checked.changed), "tests": summary}
        print(project, checked.version, summary)
    write_evidence("upstream", command="python -m evidence.upstream", results=results)


if __name__ == "__main__":
    main()
