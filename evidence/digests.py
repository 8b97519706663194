"""What the auditor's proofs were made from: a digest of files of this tree, listed in inputs.toml."""

import hashlib
import json
import re
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

_WORDS = (b"zig_licence = ", b"known_by = ")  # for people
_OUTCOME = (b"tree = ", b"spec = ")  # of a lock: what comes out of it
_LICENCE = re.compile(rb', licence = "[^"]*" },')  # in a package's row
HERE = Path(__file__).parent
ROOT = HERE.parent


def names() -> tuple[str, ...]:
    """The proofs that are listed."""
    return tuple(_table())


def digest_of(name: str) -> str:
    """SHA-256 over names and contents of the proof's inputs; raises ValueError where a pattern fits none."""
    return files_digest(_table()[name]["files"], name, content=decisive)


def decisive(content: bytes) -> bytes:
    """A file's content; of a lock without its packages' licences, of a port without what it is known by.

    Neither decides anything that is built.
    """
    return b"".join(
        _LICENCE.sub(b" },", line)
        for line in content.splitlines(keepends=True)
        if not line.startswith(_WORDS)
    )


def deciding(lock: bytes) -> bytes:
    """A lock without what it says of its outcome and of licences."""
    lines = decisive(lock).splitlines(keepends=True)
    return b"".join(line for line in lines if not line.startswith(_OUTCOME))


def files_digest(patterns: Sequence[str], name: str, *, content: Callable[[bytes], bytes] = deciding) -> str:
    """SHA-256 over names and contents of all files of this tree that patterns fit; ValueError as above."""
    found: dict[str, str] = {}
    for pattern in patterns:
        paths = sorted(path for path in ROOT.glob(pattern) if path.is_file())
        if not paths:
            raise ValueError(f"no file of the tree fits {pattern!r}, an input of {name}")
        for path in paths:
            found[path.relative_to(ROOT).as_posix()] = hashlib.sha256(content(path.read_bytes())).hexdigest()
    return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()


def write_evidence(name: str, *, command: str, results: Any) -> None:
    """Write ``NAME.json`` whole, about today's inputs."""
    document = {"command": command, "inputs": digest_of(name), "results": results}
    (HERE / f"{name}.json").write_text(json.dumps(document, indent=1, sort_keys=True) + "\n", "utf-8")


def _table() -> dict[str, dict[str, list[str]]]:
    return tomllib.loads((HERE / "inputs.toml").read_text("utf-8"))
