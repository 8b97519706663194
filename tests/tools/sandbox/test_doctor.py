"""manyloong doctor on this host."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from manyloong.sandbox import HostFacts

pytestmark = pytest.mark.tools


def doctor(*options: str, cache: Path) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": "/usr/bin:/bin", "MANYLOONG_CACHE_DIR": str(cache), "NO_COLOR": "1"}
    words = [sys.executable, "-m", "manyloong", "doctor", *options]
    return subprocess.run(words, env=environment, capture_output=True, text=True, check=False, timeout=60)


def test_table(facts: HostFacts, tmp_path: Path) -> None:
    done = doctor("--offline", cache=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{facts.machine}, {facts.cores} cores" in done.stdout
    assert "\x1b" not in done.stdout
    assert done.stdout.endswith("builds can run here\n")


def test_json_and_exit_code(facts: HostFacts, tmp_path: Path) -> None:
    del facts
    (tmp_path / "file").touch()
    done = doctor("--offline", "--json", cache=tmp_path / "file")
    said = json.loads(done.stdout)
    assert done.returncode == 7
    assert said["can_build"] is False
    assert {row["name"] for row in said["checks"] if row["state"] == "blocked"} == {"cache"}
