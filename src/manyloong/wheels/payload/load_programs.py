"""Asks the loader whether it could start programs, and says of each how it went, one JSON object a line.

Runs in a test root's Python: ``python load_programs.py RESULTS PROGRAM...``. The loader maps a program and
its libraries and binds every symbol, as ``ldd -r`` has it done (ld.so(8)), and does not run it. The lines are
those of import_all.py.
"""

import glob
import json
import os
import platform
import subprocess
import sys

TRACE = {"LD_TRACE_LOADED_OBJECTS": "1", "LD_BIND_NOW": "1", "LD_WARN": "1"}
FAULTS = (" not found", "undefined symbol", "symbol lookup error", "error while loading")


def judge(returncode: int, output: str) -> tuple[bool, str]:
    """Whether the loader is content, and the lines that say why not."""
    bad = [line.strip() for line in output.splitlines() if any(fault in line for fault in FAULTS)]
    if returncode != 0 or bad:
        return False, "\n".join(bad[:8]) or f"the loader ended with {returncode}: {output.strip()[-400:]}"
    return True, ""


def listing_loader() -> list[str]:
    """What to put before a program so that it is listed, not run; glibc is told by the environment."""
    loaders = sorted(glob.glob("/lib/ld-musl-*.so.1"))
    return [loaders[0], "--list"] if loaders else []


def load(program: str) -> tuple[bool, str]:
    """As judge, of one program."""
    if not os.access(program, os.X_OK):
        return False, "it is not installed as an executable file"
    try:
        done = subprocess.run(
            [*listing_loader(), program],
            env={"PATH": os.environ.get("PATH", ""), **TRACE},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            timeout=120,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return False, str(error)
    return judge(done.returncode, done.stdout.decode("utf-8", "replace"))


def main(argv: list[str]) -> None:
    """Load each program that is named."""
    with open(argv[1], "a", encoding="utf-8") as results:

        def say(**fields: str) -> None:
            results.write(json.dumps(fields) + "\n")
            results.flush()

        libc = " ".join(platform.libc_ver()).strip()
        say(machine=platform.machine(), libc=libc, python=platform.python_version())
        for program in argv[2:]:
            say(module=program, outcome="started")
            good, detail = load(program)
            say(module=program, outcome="ok" if good else "failed", detail=detail)


if __name__ == "__main__":
    main(sys.argv)
