"""Real pip on loongarch64: inside the target root under QEMU, with one ``--index-url``."""

import os
import shutil
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from tests.system.manyloong_cli import build, manyloong

from manyloong.cli.doors import open_outside
from manyloong.config.registries import python_index_ca
from manyloong.events import ignore
from manyloong.sandbox import Bind, Command, Limits
from manyloong.targets import target
from manyloong.wheels.kit import Kit, ensure_kit

PYTHON = "python3.13"
CODE = (
    "import jinja2, msgpack, markupsafe._speedups, msgpack._cmsgpack, platform;"
    "print(platform.machine(), jinja2.Template('{{ x }}').render(x=1), msgpack.unpackb(msgpack.packb([1])))"
)


@contextmanager
def served(root: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "manyloong", "index", "serve", str(root), "--port", str(port)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            try:
                httpx.get(f"{url}/readyz", trust_env=False).raise_for_status()
                break
            except httpx.HTTPError:
                time.sleep(0.1)
        yield f"{url}/simple/"
    finally:
        process.terminate()
        process.wait(30)


def unpacked_pip(place: Path, index: str) -> None:
    """pip of today, through the same index."""
    download = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "-q",
        "--no-deps",
        "--index-url",
        index,
        "-d",
        str(place),
    ]
    subprocess.run([*download, "pip>=24.1"], check=True, env=os.environ | {"PIP_CONFIG_FILE": os.devnull})
    with zipfile.ZipFile(next(place.glob("pip-*.whl"))) as archive:
        archive.extractall(place / "pip")


def in_root(kit: Kit, place: Path, *argv: str, **variables: str) -> Command:
    certificates = python_index_ca(os.environ)
    if certificates:
        shutil.copyfile(certificates, place / "ca.pem")
        variables["PIP_CERT"] = "/io/ca.pem"
    if not (place / "etc").exists():  # the root's own, with what finds names on this host
        shutil.copytree(kit.target_root.path / "etc", place / "etc", symlinks=True)
        for name in ("hosts", "resolv.conf"):
            (place / "etc" / name).unlink(missing_ok=True)
            shutil.copyfile(f"/etc/{name}", place / "etc" / name)
    environment = {"PATH": "/usr/bin:/bin", "HOME": "/tmp", "PIP_NO_CACHE_DIR": "1", **variables}
    return Command(
        argv=argv,
        root=kit.target_root.path,
        log=place / f"{len(list(place.glob('*.log')))}.log",
        environment=tuple(sorted(environment.items())),
        cwd="/io",
        binds=(Bind(source=place, target="/io", writable=True), Bind(source=place / "etc", target="/etc")),
        emulator=kit.emulator("la464,lasx=off"),
        network=True,
        limits=Limits(time_s=900),
    )


@pytest.mark.system
def test_pip_installs_with_one_index_url(tmp_path: Path) -> None:
    wheelhouse, place, root = tmp_path / "wheelhouse", tmp_path / "io", tmp_path / "index"
    place.mkdir()
    for release in ("markupsafe==3.0.3", "msgpack==1.2.4"):
        build(release, "--python", "cp313", output=wheelhouse)
    assert manyloong("index", "init", root).returncode == 0
    imported = manyloong("index", "import", wheelhouse, "--root", root)
    assert imported.returncode == 0, imported.stderr
    outside = open_outside(ignore, offline=False, locked=False)
    kit = ensure_kit(target("manylinux_2_36_loongarch64"), outside.host, doors=outside.doors)
    with served(root) as index:
        unpacked_pip(place, index)
        wanted = ("jinja2==3.1.6", "markupsafe==3.0.3", "msgpack==1.2.4")
        pip = (PYTHON, "-m", "pip", "install", "-v", "--only-binary=:all:", "--target", "/io/site")
        install = in_root(kit, place, *pip, "--index-url", index, *wanted, PYTHONPATH="/io/pip")
        done = outside.doors.runner.run(install)
        assert done.succeeded, done.last_lines(60)
    use = in_root(kit, place, PYTHON, "-c", CODE, PYTHONPATH="/io/site")
    done = outside.doors.runner.run(use)
    assert done.succeeded, done.last_lines(60)
    assert "loongarch64 1 [1]" in done.last_lines(5)
