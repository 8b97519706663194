"""Runs CPython's own tests under QEMU in roots that are built from source, and writes cpython.json.

``python -m evidence.cpython [--again] [--root NAME] [--seconds N] [MODULE...]``: what is named, or all that
is not there yet; with ``--seconds`` no module is waited for after so long. The modules of a root run in one
process, as CPython's own developers run them. What did not pass is written down test by test with its last
line; cpython_causes.toml says why.
"""

import argparse
import fcntl
import hashlib
import json
import re
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from evidence import floor, musl

HERE = Path(__file__).parent
LIST, CAUSES, RESULTS = HERE / "cpython.toml", HERE / "cpython_causes.toml", HERE / "cpython.json"
PROGRAM = Path(sys.executable).with_name("manyloong")
LIMIT_S = 900  # of one module
_OPTIONS = ("-W", "ignore", "-m", "test", "-v", "--timeout", str(LIMIT_S))
_RAN = re.compile(r"^Ran (\d+) tests? in", re.MULTILINE)
_SKIPPED = re.compile(r"skipped=(\d+)")
_BAD = re.compile(r"^(?:FAIL|ERROR): (\S+) \(([^)]+)\)", re.MULTILINE)
_HEAD = re.compile(r"^\d+:\d\d:\d\d (?:load avg: [\d.]+ )?\[ *\d+/\d+(?:/\d+)?\] (test[_.][\w.]+)(.*)$")
_RULE = re.compile(r"^={70}$", re.MULTILINE)


def inputs() -> dict[str, str]:
    """All that decides the roots, and how the tests are called."""
    roots = {"floor": json.dumps(floor.parts()), "musl": json.dumps(musl.parts())}
    return {**roots, "options": " ".join(_OPTIONS)}


def digest() -> str:
    """SHA-256 of the inputs' canonical JSON."""
    return hashlib.sha256(json.dumps(inputs(), sort_keys=True).encode()).hexdigest()


def listed() -> tuple[list[str], list[str]]:
    """The roots, and the modules."""
    document = tomllib.loads(LIST.read_text("utf-8"))
    return document["roots"], document["modules"]


def causes() -> list[dict[str, Any]]:
    """Each with ``roots``, ``tests`` (patterns), ``of`` (QEMU, musl, root, ours) and ``why``."""
    found: list[dict[str, Any]] = tomllib.loads(CAUSES.read_text("utf-8"))["cause"]
    return found


def cause_of(root: str, test: str) -> dict[str, Any] | None:
    """Why a test does not pass in a root; None where nothing says so."""
    fitting = (
        one
        for one in causes()
        if root in one["roots"] and any(re.fullmatch(some, test) for some in one["tests"])
    )
    return next(fitting, None)


def failures(text: str) -> dict[str, str]:
    """Each test that did not pass, and the last line of what it said."""
    found = {}
    for part in _RULE.split(text):
        head = _BAD.match(part.lstrip("\n"))
        if head is None:
            continue
        body = part.split("\n" + "-" * 70 + "\n")
        lines = body[1].strip().splitlines() if len(body) > 1 else []
        name = head[2] if head[2].endswith(f".{head[1]}") else f"{head[2]}.{head[1]}"
        found[name] = lines[-1][:200] if lines else ""
    return found


def run_modules(root: str, modules: Sequence[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each test module as it ends: how it ended, how many tests, and each that did not pass."""
    words = [str(PROGRAM), "root", "shell", root, "--", "python3", *_OPTIONS, *modules]
    stream = subprocess.Popen(
        words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace"
    )
    with stream as running:
        try:
            yield from parted(running.stdout or (), running.wait)
        except GeneratorExit:
            running.terminate()
            raise


def parted(lines: Iterable[str], wait: Callable[[], int]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The output of the suite by module; ``wait``: the exit code of a process that ended within one."""
    name, text, started = "", "", time.monotonic()
    for line in lines:
        head = _HEAD.match(line)
        if head and not head[2]:
            name, text, started = head[1], "", time.monotonic()
        elif head and head[1] == name:
            yield name, result_of(text, outcome(head[2]), time.monotonic() - started)
            name = ""
        else:
            text += line
    if name:
        yield name, result_of(text, wait() or 1, time.monotonic() - started)


def outcome(words: str) -> int:
    """The exit code that the suite gives a module alone, of what it says behind the module's name."""
    if words.strip().startswith("passed"):
        return 0
    return 4 if "skipped" in words or "no tests" in words else 2


def result_of(text: str, code: int, seconds: float) -> dict[str, Any]:
    """What is kept of a module's output."""
    bad = failures(text)
    return {
        "exit": code,
        "tests": sum(map(int, _RAN.findall(text))),
        "skipped": sum(map(int, _SKIPPED.findall(text))),
        "bad": bad,
        "seconds": round(seconds),
        **({"end": text[-600:]} if code and not bad else {}),
    }


def run_module(root: str, module: str) -> dict[str, Any]:
    """One test module alone."""
    return dict(run_modules(root, [module]))[module]


def keep(root: str, module: str, result: dict[str, Any]) -> None:
    """Put one result into cpython.json, which another run may be writing as well."""
    with LIST.open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        results = earlier()
        results.setdefault(root, {})[module] = result
        document = {"digest": digest(), "inputs": inputs(), "results": results}
        RESULTS.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n", "utf-8")


def earlier() -> dict[str, Any]:
    """The results in cpython.json of modules that are listed, if they are about today's inputs."""
    document = json.loads(RESULTS.read_text("utf-8")) if RESULTS.is_file() else {}
    found = document["results"] if document.get("digest") == digest() else {}
    _, modules = listed()
    return {root: {name: one for name, one in row.items() if name in modules} for root, row in found.items()}


def main() -> int:
    """Run and write after each module."""
    parser = argparse.ArgumentParser(prog="python -m evidence.cpython")
    parser.add_argument("modules", nargs="*")
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--root", action="append")
    parser.add_argument("--seconds", type=float, default=float("inf"))
    asked = parser.parse_args()
    roots, modules = listed()
    end = time.monotonic() + asked.seconds
    for root in asked.root or roots:
        there = {} if asked.again else earlier().get(root, {})
        wanted = [module for module in asked.modules or modules if module not in there]
        for module, result in run_modules(root, wanted) if wanted else ():
            keep(root, module, result)
            print(root, module, json.dumps(result), flush=True)
            if time.monotonic() > end:
                return 0
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
