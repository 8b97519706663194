"""Large things: a page of 10,000 files, a 20 MB upload with its audit, and memory with 100,000 files.

python -m benchmarks.index_size

All traffic stays on loopback; the index is made below a temporary folder and removed.
"""

import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import httpx
import psutil
from benchmarks.index_requests import RESULTS, free_port, running

from manyloong.corpus import Elf, make_elf
from manyloong.index import shelf
from manyloong.index.database import writing
from manyloong.index.model import Attachment, NewFile, utc_now
from manyloong.index.names import wheel_name
from manyloong.index.settings import Settings
from manyloong.index.site import Site, init_site
from manyloong.index.testing import FakeUpstream, good_wheel, upstream_file

JSON = "application/vnd.pypi.simple.v1+json"
PLATFORMS = ("manylinux_2_36_loongarch64", "musllinux_1_2_loongarch64")
PYTHONS = tuple(f"cp3{minor}" for minor in range(10, 15))


def new_files(project: str, number: int) -> Iterator[NewFile]:
    """Rows as uploads would leave them; ten to a version."""
    for index in range(number):
        version, rest = divmod(index, 10)
        python, platform = PYTHONS[rest % 5], PLATFORMS[rest // 5]
        filename = f"{project.replace('-', '_')}-{version}.0-{python}-{python}-{platform}.whl"
        verdict = Attachment(kind="verdict", name="verdict.json", text='{"accepted": true, "findings": []}')
        yield NewFile(
            name=wheel_name(filename),
            sha256=sha256(filename.encode()).hexdigest(),
            size_bytes=1_000_000,
            metadata=filename.encode(),
            requires_python=">=3.10",
            summary="",
            released_at="2025-01-01T00:00:00.000000Z",
            attachments=(verdict,),
        )


def fill(site: Site, project: str, number: int) -> None:
    with writing(site.engine) as connection:
        for new in new_files(project, number):
            shelf.add_file(connection, new, actor="benchmark", now=utc_now())


def offer(upstream: FakeUpstream, project: str, versions: int, files: int) -> None:
    """Upstream's side of a project: ``files`` wheels of other platforms over its versions."""
    listed = [
        upstream_file(
            f"{project}-{index % versions}.0-cp{310 + index}-cp{310 + index}-manylinux_2_17_x86_64.whl", b"x"
        )
        for index in range(files)
    ]
    upstream.project(project, [f"{version}.0" for version in range(versions)], *listed)


@contextmanager
def served(root: Path, upstream: FakeUpstream) -> Iterator[tuple[str, psutil.Process]]:
    port = free_port()
    environ = dict(os.environ) | {"MANYLOONG_INDEX_URL": upstream.url}
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "manyloong", "index", "serve", str(root), "--port", str(port)]
    with running(command, f"{url}/readyz", environ):
        found = [
            process for process in psutil.Process().children(recursive=True) if str(port) in process.cmdline()
        ]
        yield url, found[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One request: until the last byte, the server's processor time for it, and bytes."""

    wall_ms: float
    cpu_ms: float
    size_bytes: int


def get(url: str, process: psutil.Process, encoding: str = "identity") -> Answer:
    headers = {"Accept": JSON, "Accept-Encoding": encoding}
    with httpx.Client(trust_env=False, timeout=60) as client:
        client.get(url.split("/simple", maxsplit=1)[0] + "/healthz")  # the connection is there
        before = process.cpu_times()
        begun = time.perf_counter()
        with client.stream("GET", url, headers=headers) as answer:
            size = sum(len(piece) for piece in answer.iter_raw())
            assert answer.status_code == 200
        wall = time.perf_counter() - begun
        after = process.cpu_times()
    cpu = after.user + after.system - before.user - before.system
    return Answer(wall_ms=wall * 1000, cpu_ms=cpu * 1000, size_bytes=size)


def cold_pages(root: Path, upstream: FakeUpstream, rounds: int = 7) -> list[str]:
    """A server that has just started, its upstream page in the database: the first request for the page."""
    lines = []
    kinds = {"ours": "10,000 of ours", "theirs": "10,000 of upstream's", "both": "5,000 of each"}
    for project, what in kinds.items():
        for encoding in ("identity", "zstd"):
            found = []
            for _ in range(rounds):
                with served(root, upstream) as (url, process):
                    found.append(get(f"{url}/simple/{project}/", process, encoding))
            wall = statistics.median(one.wall_ms for one in found)
            best = min(one.wall_ms for one in found)
            cpu = statistics.median(one.cpu_ms for one in found)
            size = found[0].size_bytes / 1e6
            lines.append(
                f"| cold page, {what}, {encoding}, {size:.2f} MB | {wall:.0f} ms (best {best:.0f} ms; "
                f"{cpu:.0f} ms of processor time) |"
            )
    return lines


def large_wheel() -> tuple[str, bytes]:
    """About 20 MB: 16 MB of code in four libraries, the rest data that does not compress."""
    chance = random.Random(1)  # noqa: S311 -- the same wheel every time
    words = [0x00108000 | chance.getrandbits(15) for _ in range(1 << 16)] * 16
    elves = [(f"large/lib{number}.so", make_library(words[number:])) for number in range(4)]
    noise = chance.randbytes(10_000_000)
    return good_wheel("large", "1.0", files=(*elves, ("large/data.bin", noise)))


def make_library(words: list[int]) -> bytes:
    return make_elf(Elf(code=(("compute", tuple(words)),), exported=("compute",)))


def upload(root: Path, upstream: FakeUpstream, rounds: int = 3) -> list[str]:
    filename, content = large_wheel()
    digest = sha256(content).hexdigest()
    create = [sys.executable, "-m", "manyloong", "index", "token", "create", "--root", str(root)]
    token = subprocess.run(create, check=True, capture_output=True, text=True).stdout.splitlines()[-1]
    times = []
    with served(root, upstream) as (url, process):
        for number in range(1, rounds + 1):
            form = {":action": "file_upload", "name": "large", "version": "1.0", "sha256_digest": digest}
            name = filename.replace("-1.0-", f"-1.0-{number}-")
            files = {"content": (name, content)}
            begun = time.perf_counter()
            answer = httpx.post(
                f"{url}/legacy/",
                data=form,
                files=files,
                auth=("__token__", token),
                trust_env=False,
                timeout=60,
            )
            times.append(time.perf_counter() - begun)
            assert answer.status_code == 200, answer.text
        peak = process.memory_info().rss / 1e6
    return [
        f"| upload of {len(content) / 1e6:.1f} MB with full audit | {statistics.median(times):.2f} s |",
        f"| memory after {rounds} such uploads | {peak:.0f} MB |",
    ]


def memory(root: Path, upstream: FakeUpstream) -> list[str]:
    """Resident memory of the server after it has answered for 300 projects of an index of 100,000 files."""
    with served(root, upstream) as (url, process), httpx.Client(trust_env=False, timeout=60) as client:
        idle = process.memory_info().rss / 1e6
        for number in range(300):
            answer = client.get(f"{url}/simple/pkg{number}/", headers={"Accept": JSON})
            assert answer.status_code == 200
            client.get(f"{url}/simple/pkg{number}/")
        for page in ("/", "/statistics", "/search?q=pkg", "/metrics"):
            assert client.get(url + page).status_code == 200
        used = process.memory_info().rss / 1e6
    return [f"| memory with 100,000 files: idle, after 600 pages | {idle:.0f} MB, {used:.0f} MB |"]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, FakeUpstream() as upstream:
        root = Path(folder) / "index"
        site = init_site(root, Settings(uploads_per_minute=10_000))
        offer(upstream, "ours", 1000, 1)
        offer(upstream, "theirs", 1000, 10_000)
        offer(upstream, "both", 1000, 5_000)
        offer(upstream, "large", 2, 2)
        fill(site, "ours", 10_000)
        fill(site, "theirs", 10)
        fill(site, "both", 5_000)
        with served(root, upstream) as (url, process):  # upstream's pages are remembered in the database
            for project in ("ours", "theirs", "both"):
                get(f"{url}/simple/{project}/", process)
        lines = cold_pages(root, upstream)
        lines += upload(root, upstream)
        for number in range(850):
            offer(upstream, f"pkg{number}", 10, 30)
            fill(site, f"pkg{number}", 100)
        lines += memory(root, upstream)
    text = "\n".join(["| what | measured |", "|---|---|", *lines])
    print(text)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "index_size.json").write_text(json.dumps(lines, indent=2))


if __name__ == "__main__":
    main()
