"""Builds every port twice, runs its own tests under emulation, and writes ports.json: what was seen.

One entry a port with the digest of its description and of all it depends on, so that only what changed is
made again: ``python -m evidence.ports [--musl] [NAME...]``; with ``--musl`` for musl, in musl_ports.json.
"""

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from manyloong.roots.ports import Port, all_ports
from manyloong.roots.ports.ensure import RECIPE
from manyloong.roots.ports.order import in_order
from manyloong.roots.ports.script import build_script, check_script
from manyloong.targets import target as find_target

GLIBC, MUSL = "ports", "musl_ports"  # the proofs, by the names of their files
PLATFORMS = {GLIBC: "manylinux_2_36", MUSL: "musllinux_1_2"}
LIBC = {proof: find_target(tag).libc for proof, tag in PLATFORMS.items()}
PROGRAM = Path(sys.executable).with_name("manyloong")


def ports_of(proof: str = GLIBC) -> dict[str, Port]:
    """Every port as it is for a proof's C library."""
    return {name: port.on(LIBC[proof]) for name, port in all_ports().items()}


def digest(port: Port, ports: dict[str, Port], *, tests: bool = True) -> str:
    """SHA-256 over what decides a port's tree, apart from the compiler, and what its ``tests`` are."""
    rows = [
        [RECIPE, one.document(), build_script(one), check_script(port) if tests and one is port else ""]
        for one in in_order([port.name], ports)
    ]
    return hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()


def result_file(proof: str = GLIBC) -> Path:
    """Where a proof's results are."""
    return Path(__file__).parent / f"{proof}.json"


def results(proof: str = GLIBC) -> dict[str, Any]:
    """What is committed, by port."""
    file = result_file(proof)
    document: dict[str, Any] = json.loads(file.read_text("utf-8")) if file.is_file() else {}
    return dict(document.get("ports", {}))


def check(name: str, proof: str = GLIBC) -> dict[str, Any]:
    """A second build of one port with its tests; what was seen."""
    arguments = [str(PROGRAM), "ports", "build", name, "--check", "--json", "--platform", PLATFORMS[proof]]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    if not done.stdout.startswith("{"):
        raise SystemExit(f"{name}: exit {done.returncode}\n{done.stderr[-4000:]}")
    row: dict[str, Any] = json.loads(done.stdout)["checked"][0]
    keys = ("version", "same_bytes", "digest", "compiler", "size_bytes", "build_s", "tests")
    return {key: row[key] for key in keys}


def main() -> int:
    """Check what changed, or what is named, and write the results after each."""
    proof = MUSL if "--musl" in sys.argv else GLIBC
    ports = ports_of(proof)
    found = {name: entry for name, entry in results(proof).items() if name in ports}
    stale = [name for name, port in ports.items() if found.get(name, {}).get("inputs") != digest(port, ports)]
    for name in [word for word in sys.argv[1:] if not word.startswith("--")] or stale:
        entry = {"inputs": digest(ports[name], ports), **check(name, proof)}
        found = {one: seen for one, seen in results(proof).items() if one in ports} | {name: entry}
        text = json.dumps({"ports": dict(sorted(found.items()))}, indent=1, sort_keys=True)
        result_file(proof).write_text(text + "\n", "utf-8")
        print(name, "same bytes" if found[name]["same_bytes"] else "OTHER BYTES", found[name]["tests"])
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
