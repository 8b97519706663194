"""Podman with a store and a configuration of its own."""

import secrets
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PROGRAM = Path(sys.executable).with_name("manyloong")
TAG = "manylinux_2_36_loongarch64"
MUSL = "musllinux_1_2_loongarch64"
# Rlimits above the hard limit are refused; runc also takes hosts with both kinds of control groups.
CONFIGURATION = """\
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
netns = "host"
volumes = ["/etc/ssl/certs/ca-certificates.crt:/etc/ssl/certs/ca-certificates.crt:ro"]
[engine]
runtime = "runc"
"""


def fresh_folder(parent: Path) -> Path:
    """A new folder whose name podman can take as a part of an image's; tempfile's may end with "_"."""
    folder = parent / f"podman-{secrets.token_hex(6)}"
    folder.mkdir(mode=0o700)
    return folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Podman:
    """How to call it. Images are exported and loaded when they are first asked for."""

    environ: Mapping[str, str]
    folder: Path

    def call(self, *arguments: str | Path, text: str = "") -> subprocess.CompletedProcess[str]:
        """One podman command."""
        command = ["podman", *map(str, arguments)]
        return subprocess.run(
            command, input=text, capture_output=True, text=True, env=dict(self.environ), check=False
        )

    def layout(self, tag: str = TAG, *options: str) -> Path:
        """The image of a platform tag, exported by this program; its folder."""
        layout = self.folder / "-".join(("layout", tag, *options))
        if not layout.exists():
            arguments = [str(PROGRAM), "root", "export", tag, "--oci", str(layout), *options]
            done = subprocess.run(arguments, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
        return layout

    def load(self, tag: str) -> None:
        """Have the image, under its platform tag."""
        if self.call("image", "exists", tag).returncode == 0:
            return
        pulled = self.call("pull", "--quiet", f"oci:{self.layout(tag)}")
        assert pulled.returncode == 0, pulled.stderr
        self.call("tag", pulled.stdout.split()[-1], tag)

    def run(self, script: str, *options: str | Path, tag: str = TAG) -> str:
        """What a shell script in a new container prints; it must succeed."""
        self.load(tag)
        common = ("--rm", "--interactive", "--platform", "linux/loong64", "--pull", "never")
        done = self.call("run", *common, *options, tag, "bash", "-euo", "pipefail", text=script)
        assert done.returncode == 0, f"{script}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done.stdout
