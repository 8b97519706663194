"""Checks, before anything is installed, that this host has what set-up cannot install by itself.

Runs on the bare system Python, so: standard library only. Installs bubblewrap with the host's package
manager when run as root; otherwise says which command does it.
"""

import importlib.util
import os
import shutil
import subprocess
import sys

INSTALL = (
    ("apt-get", ["apt-get", "install", "-y", "--no-install-recommends"]),
    ("dnf", ["dnf", "install", "-y"]),
    ("apk", ["apk", "add"]),
    ("pacman", ["pacman", "-S", "--noconfirm"]),
    ("zypper", ["zypper", "install", "-y"]),
)


def install_command(package: str) -> list[str] | None:
    for tool, command in INSTALL:
        if shutil.which(tool):
            return [*command, package]
    return None


def ensure_bubblewrap() -> str | None:
    """Install bubblewrap if it is missing; an error text where that cannot be done."""
    if shutil.which("bwrap"):
        return None
    command = install_command("bubblewrap")
    if command is None:
        return "bubblewrap is missing and no known package manager is here; install `bwrap` by hand"
    if os.geteuid() != 0:
        return "bubblewrap is missing; run: sudo " + " ".join(command)
    if command[0] == "apt-get":
        subprocess.run(["apt-get", "update"], check=False, capture_output=True)
    subprocess.run(command, check=False, capture_output=True)
    return None if shutil.which("bwrap") else "bubblewrap could not be installed; run: " + " ".join(command)


def main() -> int:
    errors = []
    if sys.version_info < (3, 11):
        errors.append(f"Python 3.11 or later is needed, this is {sys.version.split()[0]}")
    if importlib.util.find_spec("ensurepip") is None:
        errors.append("the venv module is incomplete; run: sudo apt-get install python3-venv")
    errors += [error for error in [ensure_bubblewrap()] if error]
    for error in errors:
        print("setup: " + error, file=sys.stderr)
    return 1 if errors else 0


if __name__ == "__main__":
    raise SystemExit(main())
