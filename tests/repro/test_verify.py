"""``root verify`` and ``root vendor``: the same lock gives the same bytes, whatever else changes."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from manyloong.cli.changed import Conditions, changed_conditions, compare_builds, compare_images
from manyloong.config.paths import cache_directory
from manyloong.roots.images.layer import Member
from manyloong.roots.images.oci import Image, Layer, export_layout
from manyloong.roots.lock import committed_lock, spec_digest
from manyloong.roots.spec import root_spec
from manyloong.sandbox import probe_host

pytestmark = pytest.mark.tools
ROOT = f"emulator-{'amd64' if os.uname().machine == 'x86_64' else 'arm64'}"


def manyloong(*words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "manyloong", *words]
    return subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )


def test_a_root_built_under_changed_conditions_is_identical() -> None:
    done = manyloong("root", "verify", "target-loong64", "--json")
    assert done.returncode == 0, done.stderr + done.stdout
    (seen,) = json.loads(done.stdout)["roots"]
    assert seen["same"]
    lock = committed_lock("target-loong64")
    assert (seen["tree"], spec_digest(root_spec("target-loong64"))) == (lock.tree, lock.spec)
    assert "umask 0027" in seen["conditions"]


def test_a_kept_root_needs_no_mirror_and_a_flipped_byte_is_refused(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    done = manyloong("root", "vendor", ROOT, str(kept))
    assert done.returncode == 0, done.stderr
    words = ("root", "build", ROOT, "--offline", "--mirror", str(kept))
    done = manyloong(*words, XDG_CACHE_HOME=str(tmp_path / "cache"))
    assert done.returncode == 0, done.stderr
    package = max((kept / "sha256").rglob("*"), key=lambda path: path.stat().st_size)
    with package.open("r+b") as stream:
        stream.seek(1000)
        byte = stream.read(1)
        stream.seek(1000)
        stream.write(bytes([byte[0] ^ 1]))
    done = manyloong(*words, XDG_CACHE_HOME=str(tmp_path / "other"))
    assert done.returncode == 5, done.stderr
    assert package.name in done.stderr
    assert "Traceback" not in done.stderr


def test_the_changed_conditions_are_other_ones(tmp_path: Path) -> None:
    conditions = changed_conditions(tmp_path)
    assert len(conditions.cores) == 1
    assert " " in str(conditions.place)
    if probe_host(cache_dir=cache_directory(os.environ)).user_namespaces.works:
        assert conditions.user != os.geteuid()


def test_the_second_process_ends_with_the_first_even_where_that_is_killed(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib; from manyloong.cli.changed import changed_conditions, run_under; "
        "run_under(changed_conditions(pathlib.Path(sys.argv[1])), ('http.server', '-b', '127.0.0.1', '0'))"
    )
    first = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)])
    try:
        second = _child(psutil.Process(first.pid), "http.server")
    finally:
        first.kill()
        first.wait()
    _, left = psutil.wait_procs([second], timeout=10)
    for process in left:
        process.kill()
    assert not left


def _child(first: psutil.Process, word: str) -> psutil.Process:
    """The Python that a process has started, once it is one."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        for process in first.children(recursive=True):
            if process.cmdline()[:1] == [sys.executable] and word in process.cmdline():
                return process
        time.sleep(0.1)
    raise AssertionError(first.children())


def layout(folder: Path, data: bytes, *, mode: int) -> Path:
    """An image of one layer with one file, whose own files have that mode."""
    layer = Layer(title="all", members={"etc/file": Member(data=data)})
    image = Image(
        name="image",
        platform="linux/loong64",
        layers=(layer,),
        environment=(),
        command=(),
        labels=(),
        epoch=0,
    )
    export_layout(image, folder)
    for path in folder.rglob("*"):
        path.chmod(mode if path.is_file() else mode | 0o100)
    return folder


@pytest.fixture
def conditions(tmp_path: Path) -> Conditions:
    (tmp_path / "place").mkdir()
    return changed_conditions(tmp_path / "place")


@pytest.mark.parametrize(("second", "same"), [(b"file", True), (b"filo", False)])
def test_images_are_compared_by_their_bytes_and_not_by_the_umask(
    tmp_path: Path, conditions: Conditions, second: bytes, *, same: bool
) -> None:
    one, two = (
        layout(tmp_path / "one", b"file", mode=0o644),
        layout(tmp_path / "two", second, mode=0o600),
    )
    seen = compare_images("image", one, two, conditions)
    assert seen.same is same
    named = "layer 1: etc/file: differs from byte 3 on (4 and 4 bytes): 65 and 6f"
    assert (named in seen.differences) is not same
    assert bool(seen.differences) is not same


def test_diffoscope_is_asked_where_it_is_installed(
    tmp_path: Path, conditions: Conditions, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in (("one", "a"), ("two", "b")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(text)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    seen = compare_builds("root", tmp_path / "one", tmp_path / "two", conditions)
    assert seen.differences == ("file: differs from byte 0 on (1 and 1 bytes): 61 and 62",)
    program = tmp_path / "bin/diffoscope"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\necho "$@"\nexit 1\n')
    program.chmod(0o755)
    seen = compare_builds("root", tmp_path / "one", tmp_path / "two", conditions)
    assert seen.differences[1].endswith(f"{tmp_path}/one/file {tmp_path}/two/file")
    program.write_text("#!/bin/sh\necho broken >&2\nexit 2\n")
    seen = compare_builds("root", tmp_path / "one", tmp_path / "two", conditions)
    assert seen.differences[1] == "diffoscope ended with 2: broken"
