"""Imports modules one after another and says of each how it went, one JSON object a line.

Runs in a test root's Python: ``python import_all.py RESULTS MODULE...``. A line is written before each import
too, so that whoever reads the results after a crash knows which module it was.
"""

import glob
import importlib
import json
import platform
import subprocess
import sys
import traceback
from typing import TextIO


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
    results_path, modules = argv[1], argv[2:]
    with open(results_path, "a", encoding="utf-8") as results:
        _say(results, machine=platform.machine(), libc=_libc(), python=platform.python_version())
        for name in modules:
            _import(results, name)


main(sys.argv)
