"""Runs CPython's own tests under QEMU in roots that are built from source, and writes cpython.json.

What did not pass is written down test by test; ``causes`` in cpython.toml says why, by module.
"""

import hashlib
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from evidence import floor

HERE = Path(__file__).parent
LIST, RESULTS = HERE / "cpython.toml", HERE / "cpython.json"
PROGRAM = Path(sys.executable).with_name("manyloong")
_OPTIONS = ("-W", "ignore", "-m", "test", "-v", "--timeout", "1200")
_RAN = re.compile(r"^Ran (\d+) tests? in", re.MULTILINE)
_SKIPPED = re.compile(r"skipped=(\d+)")
_BAD = re.compile(r"^(?:FAIL|ERROR): (\S+) \(([^)]+)\)", re.MULTILINE)


def inputs() -> dict[str, str]:
    """The list, and all that decides the roots."""
    return {"list": hashlib.sha256(LIST.read_bytes()).hexdigest(), "floor": json.dumps(floor.parts())}


def digest() -> str:
    """SHA-256 of the inputs' canonical JSON."""
    return hashlib.sha256(json.dumps(inputs(), sort_keys=True).encode()).hexdigest()


def run_module(root: str, module: str) -> dict[str, Any]:
    """One test module in a root: how it ended, how many tests, and each that did not pass."""
    words = [str(PROGRAM), "root", "shell", root, "--", "python3", *_OPTIONS, module]
    done = subprocess.run(words, capture_output=True, text=True, check=False, errors="replace")
    text = done.stdout + done.stderr
    return {
        "exit": done.returncode,
        "tests": sum(map(int, _RAN.findall(text))),
        "skipped": sum(map(int, _SKIPPED.findall(text))),
        "bad": sorted({f"{where}.{name}" for name, where in _BAD.findall(text)}),
        **({"end": text[-600:]} if done.returncode and not _BAD.search(text) else {}),
    }


def main() -> int:
    """Run what is not there yet (with --again: everything), writing after each module."""
    document = tomllib.loads(LIST.read_text("utf-8"))
    earlier = json.loads(RESULTS.read_text("utf-8")) if RESULTS.is_file() else {}
    results = earlier["results"] if earlier.get("digest") == digest() and "--again" not in sys.argv else {}
    for root in document["roots"]:
        found = results.setdefault(root, {})
        for module in document["modules"]:
            if module in found:
                continue
            found[module] = run_module(root, module)
            print(root, module, {key: found[module][key] for key in ("exit", "tests", "bad")}, flush=True)
            written = {"digest": digest(), "inputs": inputs(), "results": results}
            RESULTS.write_text(json.dumps(written, indent=1, sort_keys=True) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
