"""Imports modules one after another and says of each how it went, one JSON object a line.

Runs in a test root's Python: ``python import_all.py [--first=MODULE...] RESULTS MODULE...``. A line is
written before each import too, so that whoever reads the results after a crash knows which module it was.
What is to be imported first is no part of the wheel: nothing is said of it, and its error ends it all.
"""

import glob
import importlib
import json
import platform
import subprocess
import sys
import traceback
from typing import TextIO

_FIRST = "--first="


def _say(results: TextIO, **fields: str) -> None:
    results.write(json.dumps(fields) + "\n")
    results.flush()


def _import(results: TextIO, name: str) -> None:
    _say(results, module=name, outcome="started")
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        _say(results, module=name, outcome="missing", missing=error.name or "", detail=str(error))
    except SystemExit as error:
        _say(
            results,
            module=name,
            outcome="failed",
            detail=f"it called sys.exit({error.code!r})",
        )
    except BaseException:
        detail = traceback.format_exc().strip().splitlines()
        _say(results, module=name, outcome="failed", detail="\n".join(detail[-8:]))
    else:
        _say(results, module=name, outcome="ok")


def _libc() -> str:
    """Name and version of the C library; platform knows glibc, musl's loader says what it is."""
    known = " ".join(platform.libc_ver()).strip()
    loaders = sorted(glob.glob("/lib/ld-musl-*.so.1"))
    if known or not loaders:
        return known
    try:
        said = subprocess.run(loaders[:1], capture_output=True, text=True, check=False).stderr
    except OSError:
        return "musl"
    return "musl " + "".join(line.removeprefix("Version ") for line in said.splitlines()[1:2])


def main(argv: list[str]) -> None:
    words = argv[1:]
    while words[0].startswith(_FIRST):
        importlib.import_module(words.pop(0)[len(_FIRST) :])
    results_path, modules = words[0], words[1:]
    with open(results_path, "a", encoding="utf-8") as results:
        _say(results, machine=platform.machine(), libc=_libc(), python=platform.python_version())
        for name in modules:
            _import(results, name)


main(sys.argv)
