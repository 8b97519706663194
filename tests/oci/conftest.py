"""Podman with a store, a configuration and a registration of QEMU of its own; needs root."""

import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.oci.engine import CONFIGURATION, MUSL, TAG, Podman, fresh_folder

from manyloong.cli.doors import open_outside
from manyloong.events import ignore
from manyloong.roots import ensure_emulator
from manyloong.sandbox.binfmt import register_line, system_entry
from manyloong.targets import target as find_target


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """OCI_SAMPLE=N leaves N of the questions about one image, chosen at random."""
    count = int(os.environ.get("OCI_SAMPLE") or 0)
    if not count:
        return
    ours = [item for item in items if MUSL in item.nodeid]
    chosen = random.sample(ours, min(count, len(ours)))
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = [item for item in items if item in chosen]


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
    """An engine that has no image yet."""
    if shutil.which("podman") is None:
        pytest.skip("podman is not installed")
    folder = fresh_folder(Path(tempfile.gettempdir()))  # not pytest's: a store has mounts in it
    storage = f'[storage]\ndriver = "overlay"\ngraphroot = "{folder}/store"\nrunroot = "{folder}/run"\n'
    (folder / "storage.conf").write_text(storage, "utf-8")
    (folder / "containers.conf").write_text(CONFIGURATION, "utf-8")
    environ = dict(os.environ) | {
        "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"),
        "CONTAINERS_CONF": str(folder / "containers.conf"),
    }
    yield Podman(environ=environ, folder=folder)
    subprocess.run(["umount", "--lazy", f"{folder}/store/overlay"], capture_output=True, check=False)
    shutil.rmtree(folder, ignore_errors=True)  # faster than asking podman to


@pytest.fixture(scope="session")
def requirements(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel of setuptools, from the configured index."""
    folder = tmp_path_factory.mktemp("requirements")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder)]
    subprocess.run([*command, "setuptools>=80"], check=True, capture_output=True)
    return folder
