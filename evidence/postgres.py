"""psycopg2 from inside the target's root talks to a real PostgreSQL of this machine, over loopback.

Writes nothing: ``conversation(wheel)`` starts a server of its own, lets the wheel's psycopg2 create a table,
fill it and read it back under emulation, and returns what it said; ``python -m evidence.postgres WHEEL``.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from manyloong.cli.doors import open_outside
from manyloong.events import ignore
from manyloong.sandbox import Bind, Command
from manyloong.targets import target
from manyloong.wheels.kit import ensure_kit

SERVERS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
SITE = "/opt/manyloong/env"
STARTED_S = 60.0
PROGRAM = """
import os, platform, sys
sys.path.insert(0, "/opt/manyloong/env")
import psycopg2
link = psycopg2.connect(host="127.0.0.1", port=sys.argv[1], user="tester", dbname="postgres")
cursor = link.cursor()
cursor.execute("create temporary table t (n integer, w text)")
cursor.executemany("insert into t values (%s, %s)", [(n, "\\u9f99" * n) for n in range(100)])
cursor.execute("select count(*), sum(n), max(length(w)) from t")
print(platform.machine(), psycopg2.__libpq_version__, cursor.fetchone())
"""


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def server() -> Iterator[int]:
    """A PostgreSQL of its own on 127.0.0.1; its port."""
    if not SERVERS:
        raise SystemExit("no PostgreSQL on this machine; as root: apt-get install postgresql")
    folder, port = Path(tempfile.mkdtemp(prefix="mnl-pg-", dir="/tmp")), free_port()
    as_user: list[str] = []
    if os.geteuid() == 0:  # it refuses to run as root
        shutil.chown(folder, "nobody")
        as_user = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
    data = str(folder / "data")
    made = [f"{SERVERS[0]}/initdb", "-D", data, "-U", "tester", "-A", "trust", "--no-sync", "-E", "UTF8"]
    subprocess.run([*as_user, *made, "--locale=C"], check=True, capture_output=True, cwd=folder)
    words = [f"{SERVERS[0]}/postgres", "-D", data, "-k", str(folder), "-p", str(port)]
    words += ["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "shared_buffers=16MB"]
    process = subprocess.Popen([*as_user, *words], stderr=subprocess.DEVNULL, cwd=folder)
    try:
        wait_for(port)
        yield port
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder)


def wait_for(port: int) -> None:
    """Until somebody listens there."""
    end = time.monotonic() + STARTED_S
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise SystemExit(f"no server at port {port}")


def conversation(wheel: Path) -> dict[str, str]:
    """What psycopg2 of the wheel prints, by CPU model."""
    outside = open_outside(ignore, offline=False, locked=False)
    kit = ensure_kit(target("manylinux_2_36_loongarch64"), outside.host, doors=outside.doors)
    qemu = kit.target.architecture.qemu
    said = {}
    with tempfile.TemporaryDirectory() as name, server() as port:
        site = Path(name, "site")
        zipfile.ZipFile(wheel).extractall(site)
        for cpu in (qemu.cpu_baseline, qemu.cpu_full):
            log = Path(name, f"{cpu}.log")
            command = Command(
                argv=("/usr/bin/python3.13", "-c", PROGRAM, str(port)),
                root=kit.target_root.path,
                log=log,
                environment=(("PATH", "/usr/bin"), ("HOME", "/home/builder")),
                binds=(Bind(source=site, target=SITE),),
                emulator=kit.emulator(cpu),
                network=True,
            )
            done = outside.doors.runner.run(command)
            if not done.succeeded:
                raise SystemExit(f"{cpu}: {done.last_lines()}")
            said[cpu] = done.last_lines(1)
    return said


if __name__ == "__main__":
    print(conversation(Path(sys.argv[1])))
