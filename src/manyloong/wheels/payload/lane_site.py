"""Hands ``python -m PROGRAM`` to the build machine's own Python where ``native/modules.json`` names it.

Installed as ``_manyloong_lane.py`` in an environment of the emulated lane with a ``.pth`` that imports it.
"""

from __future__ import annotations

import json
import os
import sys

PLACE = "/opt/manyloong/env"


def _module(words: list[str]) -> tuple[str, list[str]] | None:
    """What ``-m`` names, and the words after it."""
    rest = words[1:]
    while rest and rest[0].startswith("-") and rest[0] not in ("-", "-c"):
        word = rest.pop(0)
        if word == "-m":
            return (rest[0], rest[1:]) if rest else None
        if word.startswith("-m"):
            return word[2:], rest
        if word in ("-X", "-W"):
            del rest[:1]
    return None


def _main() -> None:
    found = _module(sys.orig_argv)
    if found is None:
        return
    try:
        with open(f"{PLACE}/native/modules.json", encoding="utf-8") as file:
            scripts: dict[str, str] = json.load(file)
    except OSError:
        return
    if found[0] in scripts:
        script = f"{PLACE}/bin/{scripts[found[0]]}"
        os.execv(script, [script, *found[1]])  # noqa: S606 - no shell is meant


_main()
