"""One project page from four index servers, side by side in one run.

    python -m benchmarks.index_requests [--seconds 5] [--rounds 3] [--wheels 100]

Needs wrk and hey (`python3 requirements/test_host.py` installs them). The other servers are installed from
the configured package index into environments below ``benchmarks/results/``. All traffic stays on loopback,
bounded in time.
"""

import argparse
import base64
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx

from manyloong.index.testing import FakeUpstream, good_wheel, upstream_file

RESULTS = Path(__file__).parent / "results"
JSON = "application/vnd.pypi.simple.v1+json"
OTHERS = {
    "pypiserver": ("pypiserver[cache]",),
    "devpi-server": ("devpi-server",),
    "simple-repository-server": ("simple-repository-server",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running server and its page."""

    name: str
    page: str
    accept: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What one server did."""

    name: str
    version: str
    kind: str
    page_bytes: int
    requests_s: float
    p50_ms: float
    p99_ms: float


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(name: str) -> Path:
    """The bin folder of an environment with one of the other servers."""
    folder = RESULTS / "venvs" / name
    if not (folder / "installed").exists():
        venv.create(folder, with_pip=True, clear=True)
        pip = [str(folder / "bin/python"), "-m", "pip", "install", "--quiet", *OTHERS[name]]
        subprocess.run(pip, check=True)
        (folder / "installed").touch()
    return folder / "bin"


@contextmanager
def running(command: list[str], ready: str, environ: dict[str, str] | None = None) -> Iterator[None]:
    """A process that answers at an address, ended afterwards."""
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environ or dict(os.environ)
    )
    try:
        until = time.monotonic() + 60
        while True:
            assert process.poll() is None, f"{command[0]} ended with {process.returncode}"
            assert time.monotonic() < until, f"{command[0]} did not start"
            try:
                if httpx.get(ready, trust_env=False).status_code < 500:
                    break
            except httpx.TransportError:
                time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait(20)


@contextmanager
def pypiserver(wheels: Path, work: Path) -> Iterator[Server]:
    port = free_port()
    del work
    command = [str(environment("pypiserver") / "pypi-server"), "run", "-i", "127.0.0.1", "-p", str(port)]
    page = f"http://127.0.0.1:{port}/simple/example/"
    with running([*command, "--disable-fallback", str(wheels)], page):
        yield Server(name="pypiserver", page=page, accept="text/html")


@contextmanager
def simple_repository(wheels: Path, work: Path) -> Iterator[Server]:
    port = free_port()
    project = work / "simple/example"
    project.mkdir(parents=True)
    for path in wheels.iterdir():
        shutil.copy(path, project)
    command = [str(environment("simple-repository-server") / "simple-repository-server"), str(project.parent)]
    page = f"http://127.0.0.1:{port}/simple/example/"
    with running([*command, "--host", "127.0.0.1", "--port", str(port)], page):
        yield Server(name="simple-repository-server", page=page, accept=JSON)


@contextmanager
def devpi(wheels: Path, work: Path) -> Iterator[Server]:
    port = free_port()
    binaries = environment("devpi-server")
    folder = work / "devpi"
    subprocess.run(
        [str(binaries / "devpi-init"), "--serverdir", str(folder), "--no-root-pypi"],
        check=True,
        capture_output=True,
    )
    base = f"http://127.0.0.1:{port}"
    command = [str(binaries / "devpi-server"), "--serverdir", str(folder), "--host", "127.0.0.1"]
    with running([*command, "--port", str(port)], f"{base}/+api"):
        client = httpx.Client(trust_env=False, timeout=60)
        login = client.post(f"{base}/+login", json={"user": "root", "password": ""}).json()
        pair = f"root:{login['result']['password']}"
        client.headers["X-Devpi-Auth"] = base64.b64encode(pair.encode()).decode()
        client.put(f"{base}/root/dev", json={"bases": []}).raise_for_status()
        for path in sorted(wheels.iterdir()):
            form = {":action": "file_upload", "name": "example", "version": "1.0", "filetype": "bdist_wheel"}
            files = {"content": (path.name, path.read_bytes())}
            client.post(
                f"{base}/root/dev/", data=form, files=files, auth=("root", pair.partition(":")[2])
            ).raise_for_status()
        yield Server(name="devpi-server", page=f"{base}/root/dev/+simple/example/", accept=JSON)


@contextmanager
def ours(wheels: Path, work: Path) -> Iterator[Server]:
    port = free_port()
    root = work / "ours"
    with FakeUpstream() as upstream:
        upstream.project("example", ["1.0"], upstream_file("example-1.0.tar.gz", b"sdist"))
        environ = dict(os.environ) | {"MANYLOONG_INDEX_URL": upstream.url}
        manyloong = [sys.executable, "-m", "manyloong", "index"]
        subprocess.run([*manyloong, "init", str(root)], check=True, capture_output=True, env=environ)
        subprocess.run(
            [*manyloong, "import", str(wheels), "--root", str(root)],
            check=True,
            capture_output=True,
            env=environ,
        )
        base = f"http://127.0.0.1:{port}"
        with running([*manyloong, "serve", str(root), "--port", str(port)], f"{base}/readyz", environ):
            yield Server(name="manyloong", page=f"{base}/simple/example/", accept=JSON)


def make_wheels(folder: Path, number: int) -> None:
    folder.mkdir()
    for build in range(number):
        filename, content = good_wheel(build=str(build + 1), note=f"build {build}")
        (folder / filename).write_bytes(content)


def saturation(server: Server, seconds: int) -> float:
    """Requests a second with 16 connections that wait for nothing."""
    command = ["wrk", "-t1", "-c16", f"-d{seconds}s", "-H", f"Accept: {server.accept}", server.page]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert "Non-2xx" not in text, text
    match = re.search(r"Requests/sec:\s+([\d.]+)", text)
    assert match, text
    return float(match[1])


def latency(server: Server, rate: float, seconds: int) -> tuple[float, float]:
    """Median and 99th percentile in milliseconds at a fixed rate."""
    workers = 8
    command = ["hey", "-z", f"{seconds}s", "-c", str(workers), "-q", str(max(1, int(rate / workers)))]
    command += ["-o", "csv", "-H", f"Accept: {server.accept}", server.page]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    times = sorted(float(line.split(",")[0]) * 1000 for line in text.splitlines()[1:] if line)
    return times[len(times) // 2], times[int(len(times) * 0.99)]


def version_of(name: str) -> str:
    if name == "manyloong":
        return "this"
    python = RESULTS / "venvs" / name / "bin/python"
    code = f"import importlib.metadata as m; print(m.version({name!r}))"
    return subprocess.run(
        [str(python), "-c", code], check=True, capture_output=True, text=True
    ).stdout.strip()


def measure(servers: list[Server], *, seconds: int, rounds: int) -> list[Measured]:
    """Rounds go round all servers, so that the machine's moods hit all alike; medians count."""
    rates: dict[str, list[float]] = {server.name: [] for server in servers}
    for _ in range(rounds):
        for server in servers:
            rates[server.name].append(saturation(server, seconds))
    found = []
    for server in servers:
        body = httpx.get(
            server.page, headers={"Accept": server.accept, "Accept-Encoding": "identity"}, trust_env=False
        )
        assert body.status_code == 200
        rate = statistics.median(rates[server.name])
        p50, p99 = latency(server, rate / 2, seconds)
        found.append(
            Measured(
                name=server.name,
                version=version_of(server.name),
                kind="JSON" if "json" in body.headers["content-type"] else "HTML",
                page_bytes=len(body.content),
                requests_s=rate,
                p50_ms=p50,
                p99_ms=p99,
            )
        )
    return found


def table(found: list[Measured]) -> str:
    lines = [
        "| server | version | page | size | requests/s | p50 at half of that | p99 at half of that |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {m.name} | {m.version} | {m.kind} | {m.page_bytes / 1000:.1f} kB | {m.requests_s:,.0f} "
        f"| {m.p50_ms:.1f} ms | {m.p99_ms:.1f} ms |"
        for m in found
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=int, default=5, help="length of one measurement")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--wheels", type=int, default=100, help="wheels of the project")
    arguments = parser.parse_args()
    missing = [tool for tool in ("wrk", "hey") if not shutil.which(tool)]
    if missing:
        sys.exit(f"{' and '.join(missing)} missing: python3 requirements/test_host.py")
    makers: tuple[Callable[[Path, Path], object], ...] = (ours, pypiserver, devpi, simple_repository)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        work = Path(folder)
        make_wheels(work / "wheels", arguments.wheels)
        servers: list[Any] = []
        for maker in makers:
            opened: Any = maker(work / "wheels", work)
            servers.append(stack.enter_context(opened))
        found = measure(servers, seconds=arguments.seconds, rounds=arguments.rounds)
    best = max(m.requests_s for m in found if m.name != "manyloong")
    text = table(found) + f"\n\nmanyloong / best other: {found[0].requests_s / best:.1f}"
    print(text)
    RESULTS.mkdir(exist_ok=True)
    digest = sha256(text.encode()).hexdigest()[:8]
    document = {"table": [vars_of(m) for m in found], "ratio": found[0].requests_s / best, "id": digest}
    (RESULTS / "index_requests.json").write_text(json.dumps(document, indent=2))


def vars_of(measured: Measured) -> dict[str, object]:
    return {name: getattr(measured, name) for name in Measured.__slots__}


if __name__ == "__main__":
    main()
