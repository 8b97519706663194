"""Stands for yum, dnf, apk and apt-get in a build: what they would install is there, or is refused by name.

The table beside it is written when the build starts: packages that are ports, the ports that this build links
with, and packages that need no installing.
"""

import json
import os
import shutil
import sys

VERBS = ("install", "add", "localinstall", "groupinstall", "reinstall")
HARMLESS = ("update", "upgrade", "clean", "makecache", "check-update", "autoremove", "config-manager")
REFUSED = 65


def wanted(words: "list[str]") -> "list[str] | None":
    """The packages of an install line, or None for another."""
    for number, word in enumerate(words):
        if word in VERBS:
            return [name for name in words[number + 1 :] if not name.startswith("-")]
    return None


def main() -> int:
    """Say what becomes of each package; the exit status."""
    program, words = sys.argv[1], sys.argv[2:]
    with open(os.environ["MANYLOONG_PACKAGES"], encoding="utf-8") as stream:
        table = json.load(stream)
    names = wanted(words)
    if names is None:
        if any(word in HARMLESS for word in words):
            return 0
        text = f"{program} {' '.join(words)}: packages come as ports here, there is nothing to manage"
        sys.stderr.write(f"{text}\n")
        return REFUSED
    missing = []
    for name in names:
        port = table["ports"].get(name)
        program_of = table["present"].get(name)
        if port is not None and port in table["linked"]:
            sys.stdout.write(f"{program}: {name} is the port {port}, which is linked with\n")
        elif port is not None:
            missing.append(f"{name} is the port {port}: name it in pyproject.toml, "
                           f'[tool.manyloong] ports = ["{port}"]')  # fmt: skip
        elif shutil.which(program_of or name):
            sys.stdout.write(f"{program}: {name} is here\n")
        else:
            missing.append(f"there is no port of {name}: see manyloong ports list")
    for text in missing:
        sys.stderr.write(f"{program}: {text}\n")
    return REFUSED if missing else 0


if __name__ == "__main__":
    sys.exit(main())
