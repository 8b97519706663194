"""Why a cross build failed, where the reason is that it was one. Pure, but for a look at what was built.

A sign counts only in the end of the log, where the failure is told, and only in words of failure: a configure
script that says "cross compiling... yes" has not failed for it. A compiler's own error is no sign at all: it
would come in the other lane too.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from manyloong.targets import Architecture

LINES = 60  # of the log's end that are read
_SOURCES = "/build/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """Words of a log, and what they mean for somebody who does not know the log."""

    pattern: re.Pattern[str]
    meaning: str


def _sign(pattern: str, meaning: str) -> Sign:
    return Sign(pattern=re.compile(pattern, re.IGNORECASE), meaning=meaning)


SIGNS = (
    _sign(r"exec format error|cannot execute binary file", "a program of another machine was started"),
    _sign(
        r"cannot run test program while cross[- ]compiling|cannot run c(?:\+\+)? compiled programs",
        "configure wants to run a test program on the build machine",
    ),
    _sign(
        r"try_run\(\) invoked in cross-?compiling mode|_EXITCODE.*should be set.*cross|"
        r"please set the following variables? appropriately",
        "CMake wants the result of a test program that it may not run",
    ),
    _sign(
        r"can ?not run test applications in this cross environment|exe[_ ]wrapper.*(?:need|defin|requir)|"
        r"need(?:s|ed)?.*exe[_ ]wrapper",
        "Meson wants to run a test program in a cross build",
    ),
    _sign(
        r"(?:error|abort|raise|exception|fatal)\b.*cross[- ]?compil|"
        r"cross[- ]?compil\w*(?:\s+\w+){0,4}\s+(?:not |un)(?:supported|possible|implemented)|"
        r"not? (?:support\w*|possible) (?:when|for|while|with|in) cross[- ]?compil|"
        r"(?:can ?not|unable to|can't) .*\bcross[- ]?compil",
        "the package says that it cannot be cross-compiled",
    ),
    _sign(r"wrong ELF class|invalid ELF header|wrong ELF machine", "a library of another machine was loaded"),
)
_NO_MODULE = re.compile(r"(?:ModuleNotFoundError|ImportError): No module named '([\w.]+)'")
_NO_NAME = re.compile(
    r"ImportError: cannot import name '(\w+)' from (?:partially initialized module )?'([\w.]+)'"
)
_NO_LIBRARY = re.compile(r"(?:OSError|ImportError): (/build/\S+?): (?:cannot open|undefined symbol|invalid)")


def cross_reason(log: str, sources: Path, architecture: Architecture) -> str | None:
    """One line on why the build could not be a cross build, or None where that was not the reason.

    ``sources`` is the build's folder on the host, seen as ``/build`` by what wrote the log.
    """
    lines = log.splitlines()[-LINES:]
    for line in reversed(lines):
        for sign in SIGNS:
            if sign.pattern.search(line):
                return f"{sign.meaning} ({_shortened(line)})"
        if (built := _own_module(line, sources, architecture)) is not None:
            return f"the build imports {built}, which it has just made for {architecture.name}"
    return None


def _own_module(line: str, sources: Path, architecture: Architecture) -> str | None:
    """The target's extension module or library that a line misses, if the build has made it."""
    if found := _NO_LIBRARY.search(line):
        file = sources / found[1].removeprefix(_SOURCES)
        return file.name if _is_of(file, architecture) else None
    if found := _NO_MODULE.search(line):
        module = found[1]
    elif found := _NO_NAME.search(line):
        module = f"{found[2]}.{found[1]}"
    else:
        return None
    name = module.rpartition(".")[2]
    made = (file for file in sources.rglob(f"{name}.*so") if _is_of(file, architecture))
    return module if next(made, None) is not None else None


def _is_of(file: Path, architecture: Architecture) -> bool:
    """Whether a file is machine code of an architecture."""
    try:
        with file.open("rb") as stream:
            head = stream.read(20)
    except OSError:
        return False
    order: Literal["little", "big"] = "little" if architecture.little_endian else "big"
    return head[:4] == b"\x7fELF" and int.from_bytes(head[18:20], order) == architecture.elf_machine


def _shortened(line: str, limit: int = 160) -> str:
    text = " ".join(line.split())
    return text if len(text) <= limit else text[: limit - 3] + "..."
