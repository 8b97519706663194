"""Podman with a store and a configuration of its own."""

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PROGRAM = Path(sys.executable).with_name("manyloong")
TAG = "manylinux_2_36_loongarch64"
# Rlimits above the hard limit are refused; runc also takes hosts with both kinds of control groups.
CONFIGURATION = """\
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
netns = "host"
volumes = ["/etc/ssl/certs/ca-certificates.crt:/etc/ssl/certs/ca-certificates.crt:ro"]
[engine]
runtime = "runc"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Podman:
    """How to call it."""

    environ: Mapping[str, str]
    layout: Path

    def call(self, *arguments: str | Path, text: str = "") -> subprocess.CompletedProcess[str]:
        """One podman command."""
        command = ["podman", *map(str, arguments)]
        return subprocess.run(
            command, input=text, capture_output=True, text=True, env=dict(self.environ), check=False
        )

    def run(self, script: str, *options: str | Path) -> str:
        """What a shell script in a new container prints; it must succeed."""
        common = ("--rm", "--interactive", "--platform", "linux/loong64", "--pull", "never")
        done = self.call("run", *common, *options, TAG, "bash", "-euo", "pipefail", text=script)
        assert done.returncode == 0, f"{script}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done.stdout
