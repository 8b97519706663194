"""Stands for yum, dnf, apk and apt-get in a build: what they would install is there, or is refused by name.

The table beside it is written when the build starts: packages that are ports, the ports that this build links
with, and packages that need no installing.
"""

import json
import os
import re
import shutil
import sys

VERBS = ("install", "add", "localinstall", "groupinstall", "reinstall")
HARMLESS = ("update", "upgrade", "clean", "makecache", "check-update", "autoremove", "config-manager",
            "autoclean", "remove", "erase", "purge", "del", "module")  # fmt: skip
# Options whose value is a word of its own: releases, repositories, and apk's names for a set of packages.
VALUED = ("-t", "--virtual", "--target-release", "--default-release", "-X", "--repository", "--enablerepo",
          "--disablerepo", "--repo", "--repoid", "--repofrompath", "--setopt", "-x", "--exclude", "-o",
          "--option", "-c", "--config", "--releasever", "--installroot", "--keys-dir")  # fmt: skip
# A version (apk, apt-get) or an architecture (apt-get, yum) behind a package's name.
_REST = re.compile(r"[=<>~!].*$|:[a-z][a-z0-9-]*$|\.(?:x86_64|i[3-6]86|aarch64|noarch|loongarch64)$")
REFUSED = 65


def wanted(words: "list[str]") -> "list[str] | None":
    """The packages of an install line by their names alone, or None for another line."""
    rest, names, verb = list(words), [], ""
    while rest:
        word = rest.pop(0)
        if word in VALUED:
            del rest[:1]
        elif word.startswith("-"):
            continue
        elif not verb:
            verb = word
        else:
            names.append(_REST.sub("", word))
    return names if verb in VERBS else None


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
