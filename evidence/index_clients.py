"""Real clients against a real index: twine and uv upload, pip on loongarch64 installs with one address.

    python -m evidence.index_clients [--wheels FOLDER]

Builds the releases of index-clients.toml (or takes their wheels from a folder), serves an index over the
configured upstream, uploads the wheels, lets pip in the loong64 root resolve and install them with their
dependencies, computes with them on each CPU model, and writes index-clients.json.
"""

import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import tomllib
import zipfile
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx
from evidence.digests import decisive

from manyloong.cli.doors import Outside, open_outside
from manyloong.config.registries import python_index_ca
from manyloong.events import ignore
from manyloong.sandbox import Bind, Command, Limits
from manyloong.targets import target
from manyloong.wheels.kit import Kit, ensure_kit

HERE = Path(__file__).parent
LIST, RESULTS = HERE / "index-clients.toml", HERE / "index-clients.json"
PROGRAM = Path(sys.executable).with_name("manyloong")
PYTHON = "python3.13"
PIP = "pip>=24.1"


def inputs() -> dict[str, str]:
    """What decides the results, by hash: the list, this program, the root's lock."""
    lock = files("manyloong").joinpath("locks", f"{target(PLATFORM).test_root}.toml")
    parts = {
        "list": LIST.read_bytes(),
        "program": Path(__file__).read_bytes(),
        "root": decisive(lock.read_bytes()),
    }
    return {name: hashlib.sha256(content).hexdigest() for name, content in parts.items()}


PLATFORM = "manylinux_2_36_loongarch64"


@contextmanager
def served(root: Path) -> Iterator[str]:
    """``manyloong index serve`` on a free port; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "manyloong", "index", "serve", str(root), "--port", str(port)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            try:
                httpx.get(f"{url}/readyz", trust_env=False).raise_for_status()
                break
            except httpx.HTTPError:
                time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A loongarch64 machine: the test root under QEMU, with a folder of the host at ``/io``."""

    kit: Kit
    outside: Outside
    place: Path

    def run(self, *argv: str, cpu: str = "la464,lasx=off", **variables: str) -> str:
        """What a command prints; raises SystemExit with its last lines when it fails."""
        certificates = python_index_ca(os.environ)
        if certificates:
            shutil.copyfile(certificates, self.place / "ca.pem")
            variables["PIP_CERT"] = "/io/ca.pem"
        etc = self.place / "etc"
        if not etc.exists():  # the root's own, with what finds names on this host
            shutil.copytree(self.kit.target_root.path / "etc", etc, symlinks=True)
            for name in ("hosts", "resolv.conf"):
                (etc / name).unlink(missing_ok=True)
                shutil.copyfile(f"/etc/{name}", etc / name)
        environment = {"PATH": "/usr/bin:/bin", "HOME": "/tmp", "PIP_NO_CACHE_DIR": "1", **variables}  # noqa: S108
        command = Command(
            argv=argv,
            root=self.kit.target_root.path,
            log=self.place / f"{len(list(self.place.glob('*.log')))}.log",
            environment=tuple(sorted(environment.items())),
            cwd="/io",
            binds=(Bind(source=self.place, target="/io", writable=True), Bind(source=etc, target="/etc")),
            emulator=self.kit.emulator(cpu),
            network=True,
            limits=Limits(time_s=1800),
        )
        done = self.outside.doors.runner.run(command)
        if not done.succeeded:
            raise SystemExit(done.last_lines(60))
        return done.last_lines(60)


def machine(place: Path) -> Machine:
    """The machine for the platform of this proof."""
    outside = open_outside(ignore, offline=False, locked=False)
    kit = ensure_kit(target(PLATFORM), outside.host, doors=outside.doors)
    place.mkdir(exist_ok=True)
    return Machine(kit=kit, outside=outside, place=place)


def install(there: Machine, index: str, *requirements: str) -> list[dict[str, Any]]:
    """Let today's pip, itself from the index, install into ``/io/site``; what it took, from where."""
    unpack_pip(there.place, index)
    pip = (PYTHON, "-m", "pip", "install", "--only-binary=:all:", "--target", "/io/site")
    there.run(*pip, "--report", "/io/report.json", "--index-url", index, *requirements, PYTHONPATH="/io/pip")
    report = json.loads((there.place / "report.json").read_text("utf-8"))
    base = index.removesuffix("simple/")
    return [
        {
            "name": item["metadata"]["name"],
            "version": item["metadata"]["version"],
            "wheel": item["download_info"]["url"].rpartition("/")[2],
            "sha256": item["download_info"]["archive_info"]["hashes"]["sha256"],
            "ours": item["download_info"]["url"].startswith(f"{base}files/"),
        }
        for item in sorted(report["install"], key=lambda item: str(item["metadata"]["name"]))
    ]


def unpack_pip(place: Path, index: str) -> None:
    """The wheel of pip runs where it lies."""
    download = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--index-url", index]
    subprocess.run(
        [*download, "-d", str(place), PIP], check=True, env=os.environ | {"PIP_CONFIG_FILE": os.devnull}
    )
    with zipfile.ZipFile(next(place.glob("pip-*.whl"))) as archive:
        archive.extractall(place / "pip")


def make_wheels(entry: Mapping[str, Any], wheels: Path) -> None:
    """Build the releases of the list."""
    for release in entry["releases"]:
        command = [str(PROGRAM), "build", release, "--python", entry["python"], "--output", str(wheels)]
        print(" ".join(command), flush=True)
        subprocess.run(command, check=True)


def listed_wheels(entry: Mapping[str, Any], wheels: Path) -> list[Path]:
    """One wheel of each release; raises SystemExit for one that is not there."""
    found = []
    for release in entry["releases"]:
        name, _, version = release.partition("==")
        pattern = f"{name.replace('-', '_')}-{version}-{entry['python']}-*{PLATFORM}.whl"
        match = sorted(wheels.glob(pattern))
        if len(match) != 1:
            raise SystemExit(f"{len(match)} wheels {pattern} in {wheels}, one is needed")
        found += match
    return found


def publish(url: str, token: str, wheels: list[Path]) -> None:
    """The first with twine, the others with uv."""
    where = f"{url}/legacy/"
    twine = [sys.executable, "-m", "twine", "upload", "--non-interactive", "--disable-progress-bar"]
    twine += ["--repository-url", where, "-u", "__token__", "-p", token, str(wheels[0])]
    subprocess.run(twine, check=True)
    uv = [str(PROGRAM.with_name("uv")), "publish", "--publish-url", where, "--token", token]
    subprocess.run([*uv, *map(str, wheels[1:])], check=True)


def prove(entry: Mapping[str, Any], wheels: Path, work: Path) -> dict[str, Any]:
    """The whole way, from wheels on disk to figures computed on each CPU model."""
    index = [sys.executable, "-m", "manyloong", "index"]
    subprocess.run([*index, "init", str(work / "index")], check=True, stdout=subprocess.DEVNULL)
    create = [*index, "token", "create", "--root", str(work / "index")]
    token = subprocess.run(create, check=True, capture_output=True, text=True).stdout.splitlines()[-1]
    there = machine(work / "io")
    with served(work / "index") as url:
        publish(url, token, listed_wheels(entry, wheels))
        installed = install(there, f"{url}/simple/", *entry["install"])
    ours = {item["name"].lower() for item in installed if item["ours"]}
    missing = {release.partition("==")[0] for release in entry["releases"]} - ours
    if missing:
        raise SystemExit(f"pip did not take these from the index's own files: {', '.join(sorted(missing))}")
    printed = {}
    for cpu in entry["cpus"]:
        text = there.run(PYTHON, "-c", entry["code"], cpu=cpu, PYTHONPATH="/io/site")
        printed[cpu] = text.strip().splitlines()[-1]
        if printed[cpu] != entry["prints"]:
            raise SystemExit(f"{cpu}: {printed[cpu]!r}, not {entry['prints']!r}")
    pip = there.run(PYTHON, "-m", "pip", "--version", PYTHONPATH="/io/pip").split()[1]
    return {"pip": pip, "installed": installed, "printed": printed}


def main() -> int:
    """Do it and write index-clients.json."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--wheels", type=Path, help="a folder that holds the wheels already")
    arguments = parser.parse_args()
    entry = tomllib.loads(LIST.read_text("utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        wheels = arguments.wheels or Path(folder) / "wheelhouse"
        if arguments.wheels is None:
            make_wheels(entry, wheels)
        results = prove(entry, wheels, Path(folder))
    document = {"command": "nox -s evidence_index", "inputs": inputs(), "results": results}
    RESULTS.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
