"""The installed command as a user runs it: a process, its exit code, its JSON."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROGRAM = Path(sys.executable).with_name("manyloong")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """One finished command."""

    returncode: int
    stdout: str
    stderr: str

    def json(self) -> Any:
        """Its standard output as a document; shows stderr when it is none."""
        try:
            return json.loads(self.stdout)
        except ValueError as error:
            raise AssertionError(f"exit {self.returncode}, no JSON: {self.stdout}\n{self.stderr}") from error


def manyloong(*arguments: str | Path, variables: Mapping[str, str] | None = None) -> Ran:
    """Run the command to its end; wheels are tested in the current root where nothing else is asked for."""
    done = subprocess.run(
        [str(PROGRAM), *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, "NO_COLOR": "1", "MANYLOONG_TEST_ROOTS": "current", **(variables or {})},
        check=False,
    )
    return Ran(returncode=done.returncode, stdout=done.stdout, stderr=done.stderr)


def build(*arguments: str | Path, output: Path) -> list[dict[str, Any]]:
    """``manyloong build`` that must succeed; its results. Pass ``--force`` for a build that is not cached."""
    ran = manyloong("build", *arguments, "--output", output, "--json")
    assert ran.returncode == 0, f"exit {ran.returncode}\n{ran.stdout[-3000:]}\n{ran.stderr[-3000:]}"
    results: list[dict[str, Any]] = ran.json()["results"]
    return results
