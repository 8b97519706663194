"""Podman with a store, a configuration and a registration of QEMU of its own; needs root."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.oci.engine import CONFIGURATION, PROGRAM, TAG, Podman

from manyloong.cli.doors import open_outside
from manyloong.events import ignore
from manyloong.roots import ensure_emulator
from manyloong.sandbox.binfmt import register_line, system_entry
from manyloong.targets import target as find_target


@pytest.fixture(scope="session")
def _binfmt() -> Iterator[None]:
    """The kernel runs loongarch64 programs in containers, for as long as these tests run."""
    outside = open_outside(ignore, offline=False, locked=False)
    target, doors = find_target(TAG), outside.doors
    qemu = target.architecture.qemu
    if system_entry(outside.facts, qemu):
        yield
        return
    place = Path(tempfile.mkdtemp(prefix="binfmt-"))
    subprocess.run(["mount", "-t", "binfmt_misc", "none", str(place)], check=True)
    entry = place / qemu.binary
    ours = not entry.exists()
    try:
        if ours:
            binary = ensure_emulator(
                outside.host,
                target.architecture,
                store=doors.store,
                fetcher=doors.fetcher,
                mirrors=doors.mirrors,
                listener=ignore,
            )
            (place / "register").write_text(register_line(qemu, str(binary)), "utf-8")
        yield
    finally:
        if ours and entry.exists():
            entry.write_text("-1", "utf-8")
        subprocess.run(["umount", str(place)], check=False)
        place.rmdir()


@pytest.fixture(scope="session")
def podman(_binfmt: None) -> Iterator[Podman]:
    """The image, exported and loaded."""
    if shutil.which("podman") is None:
        pytest.skip("podman is not installed")
    folder = Path(tempfile.mkdtemp(prefix="podman-"))  # not pytest's: a store has mounts in it
    storage = f'[storage]\ndriver = "overlay"\ngraphroot = "{folder}/store"\nrunroot = "{folder}/run"\n'
    (folder / "storage.conf").write_text(storage, "utf-8")
    (folder / "containers.conf").write_text(CONFIGURATION, "utf-8")
    environ = dict(os.environ) | {
        "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"),
        "CONTAINERS_CONF": str(folder / "containers.conf"),
    }
    layout = folder / "layout"
    exported = subprocess.run(
        [str(PROGRAM), "root", "export", TAG, "--oci", str(layout)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert exported.returncode == 0, exported.stderr
    engine = Podman(environ=environ, layout=layout)
    pulled = engine.call("pull", "--quiet", f"oci:{layout}")
    assert pulled.returncode == 0, pulled.stderr
    engine.call("tag", pulled.stdout.split()[-1], TAG)
    yield engine
    subprocess.run(["umount", "--lazy", f"{folder}/store/overlay"], capture_output=True, check=False)
    shutil.rmtree(folder, ignore_errors=True)  # faster than asking podman to
