"""Installs what the tests and benchmarks of the index need from the host's packages; run as root.

PostgreSQL (its server is started by the tests, unprivileged), SQLite's own tool, nginx for exports, Chromium
for the web pages, wrk and hey for load; with --oci: podman, runc and a registry, for `make test-oci`.
Standard library only. What is there already is left alone.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

PACKAGES = {
    "postgresql": "postgresql",
    "chromium": "chromium",
    "nginx": "nginx-light",
    "sqlite3": "sqlite3",
    "wrk": "wrk",
    "hey": "hey",
}
IMAGES = {"podman": "podman", "docker-registry": "docker-registry", "runc": "runc"}  # for --oci, instead


def is_there(tool: str) -> bool:
    if tool == "postgresql":
        return bool(list(Path("/usr/lib/postgresql").glob("*/bin/initdb")))
    return bool(shutil.which(tool) or shutil.which(tool, path="/usr/sbin"))


def main() -> int:
    packages = IMAGES if sys.argv[1:] == ["--oci"] else PACKAGES
    missing = [tool for tool in packages if not is_there(tool)]
    if not missing:
        return 0
    install = ["apt-get", "install", "-y", "--no-install-recommends", *(packages[tool] for tool in missing)]
    if not shutil.which("apt-get") or os.geteuid() != 0:
        print(f"test host: missing {', '.join(missing)}; as root: {' '.join(install)}", file=sys.stderr)
        return 1
    environ = dict(os.environ) | {"DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update"], check=False, capture_output=True)
    done = subprocess.run(install, check=False, capture_output=True, text=True, env=environ)
    still = [tool for tool in missing if not is_there(tool)]
    if still:
        print(f"test host: could not install {', '.join(still)}\n{done.stderr[-2000:]}", file=sys.stderr)
    return 1 if still else 0


if __name__ == "__main__":
    raise SystemExit(main())
