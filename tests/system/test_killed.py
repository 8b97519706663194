"""SIGKILL at random points: the next run works without cleaning, and nothing half-made is left behind.

Twenty kills. Six of a first build, whose roots and toolchain are still to be made from downloaded
packages; fourteen of a build with everything ready. The twenty-first run must succeed.
"""

import json
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest
from tests.system.manyloong_cli import PROGRAM, Ran, build, manyloong

from manyloong.config.paths import cache_directory
from manyloong.record import parse_record

COLD_KILLS, COLD_SPAN_S = 6, 20.0
WARM_KILLS = 14
ARGUMENTS = ("build", "markupsafe==3.0.4", "--python", "cp313", "--force")


def linked_cache(source: Path, copy: Path, *parts: str) -> dict[str, str]:
    """A cache of its own whose files are hard links of the real one: nothing ever writes into them."""
    copy.mkdir()
    for part in parts:
        subprocess.run(["cp", "-al", source / part, copy / part], check=True)
    return {"MANYLOONG_CACHE_DIR": str(copy)}


def kill_one(output: Path, variables: dict[str, str], after_s: float) -> None:
    process = subprocess.Popen(
        [PROGRAM, *ARGUMENTS, "--output", output],
        env={**os.environ, **variables},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        process.wait(after_s)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()


def processes_of(cache: str) -> list[str]:
    found = []
    for process in psutil.process_iter(["cmdline"]):
        line = " ".join(process.info["cmdline"] or ())
        if cache in line and process.status() != psutil.STATUS_ZOMBIE:
            found.append(line[:200])
    return found


def assert_all_ended(cache: str) -> None:
    deadline = time.monotonic() + 10
    while (left := processes_of(cache)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not left


def assert_whole(output: Path) -> None:
    """Every record is of the wheel beside it, provenance is whole, and nothing else is there."""
    for record in output.glob("*.record.json"):
        parsed = parse_record(record.read_bytes(), where=record.name)
        assert (output / parsed.wheel.filename).stat().st_size == parsed.wheel.size_bytes
    names = [path.name for path in output.iterdir() if not path.name.startswith(".")]
    assert all(name.endswith((".whl", ".record.json", ".provenance.json")) for name in names)
    for statement in output.glob("*.provenance.json"):
        json.loads(statement.read_bytes())


@pytest.mark.system
def test_twenty_kills_and_the_next_run_succeeds(tmp_path: Path) -> None:
    output = tmp_path / "out"
    began = time.monotonic()
    build(*ARGUMENTS[1:], output=output)  # the real cache has everything after this
    warm_s = time.monotonic() - began
    real = cache_directory(os.environ)
    chance = random.Random(20)  # noqa: S311 - the same points each time, give or take the machine
    for name, kills, span_s, parts in (
        ("cold", COLD_KILLS, COLD_SPAN_S, ("objects",)),
        ("warm", WARM_KILLS, min(warm_s, 10.0), ("objects", "trees")),
    ):
        variables = linked_cache(real, tmp_path / name, *parts)
        cache = variables["MANYLOONG_CACHE_DIR"]
        for _ in range(kills):
            kill_one(output, variables, chance.uniform(0.05, span_s))
            assert_all_ended(cache)
            assert_whole(output)
        last: Ran = manyloong(*ARGUMENTS, "--output", output, variables=variables)
        assert last.returncode == 0, last.stderr
        assert_whole(output)
        assert not [path for path in Path(cache, "scratch").iterdir() if path.is_dir()]


@pytest.mark.system
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_asked_to_end_it_says_so_and_leaves_nothing(number: signal.Signals, tmp_path: Path) -> None:
    variables = linked_cache(cache_directory(os.environ), tmp_path / "cache", "objects", "trees")
    process = subprocess.Popen(
        [PROGRAM, *ARGUMENTS, "--output", tmp_path / "out"],
        env={**os.environ, **variables},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    time.sleep(2.0)
    process.send_signal(number)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "interrupted" in errors
    assert "Traceback" not in errors
    assert_all_ended(variables["MANYLOONG_CACHE_DIR"])
    scratch = Path(variables["MANYLOONG_CACHE_DIR"], "scratch")
    assert not scratch.is_dir() or not [path for path in scratch.iterdir() if path.is_dir()]
