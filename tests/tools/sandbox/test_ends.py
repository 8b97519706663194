"""How commands end: by themselves, at a limit, with their starter; and that nothing stays behind."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from manyloong.errors import HostError
from manyloong.sandbox import MIB, BubblewrapRunner, Command, Done, HostFacts, Limits

pytestmark = pytest.mark.tools
Shell = Callable[..., Command]


Named = Callable[[str], list[int]]
KilledAfter = Callable[[Callable[[], object], float], None]


def gone(marker: str, processes_named: Named) -> bool:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        if not processes_named(marker):
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize(("script", "code"), [("exit 0", 0), ("exit 7", 7), ("kill -SEGV $$", -11)])
def test_return_codes(runner: BubblewrapRunner, shell: Shell, script: str, code: int) -> None:
    done = runner.run(shell(script))
    assert (done.returncode, done.outcome) == (code, "exited")


def test_a_program_that_is_not_there(runner: BubblewrapRunner, tmp_path: Path) -> None:
    done = runner.run(Command(argv=("/no/such",), root=Path("/"), log=tmp_path / "log"))
    assert done.returncode == 127
    assert "No such file" in done.last_lines()


def test_a_working_folder_that_is_not_there(runner: BubblewrapRunner, shell: Shell) -> None:
    with pytest.raises(HostError, match=r"chdir to /no/such"):
        runner.run(shell("true", cwd="/no/such"))


def test_output_is_appended_and_whole(runner: BubblewrapRunner, shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "log").write_text("before\n", "utf-8")
    done = runner.run(shell("seq 1 1000000; echo to stderr >&2"))
    lines = done.log.read_text("utf-8").splitlines()
    assert lines == ["before", *map(str, range(1, 1000001)), "to stderr"]


def test_time_limit(runner: BubblewrapRunner, shell: Shell, processes_named: Named) -> None:
    done = runner.run(shell("echo begun; sleep 98761 & sleep 98761", limits=Limits(time_s=0.5)))
    assert (done.outcome, done.returncode) == ("timeout", -signal.SIGKILL)
    assert 0.5 <= done.seconds < 5
    assert done.last_lines() == "begun"
    assert not processes_named("98761")


def test_memory_limit(runner: BubblewrapRunner, shell: Shell) -> None:
    limits = Limits(time_s=60, memory_bytes=200 * MIB)
    done = runner.run(shell("head -c 4G /dev/zero | tail; echo not reached", limits=limits))
    assert (done.outcome, done.returncode) == ("memory", -signal.SIGKILL)
    assert done.peak_memory_bytes > 200 * MIB
    assert "not reached" not in done.last_lines()


def test_memory_below_the_limit_is_reported(runner: BubblewrapRunner, shell: Shell) -> None:
    script = "head -c 100M /dev/zero | { tail -c 100M; sleep 0.5; } | { sleep 0.7; cat >/dev/null; }"
    done = runner.run(shell(script, limits=Limits(time_s=60, memory_bytes=1024 * MIB)))
    assert done.succeeded
    assert 90 * MIB < done.peak_memory_bytes < 400 * MIB


def test_file_size_limit(runner: BubblewrapRunner, shell: Shell) -> None:
    done = runner.run(shell("head -c 9M /dev/zero >/tmp/large", limits=Limits(time_s=30, file_bytes=MIB)))
    assert not done.succeeded
    assert "File size limit exceeded" in done.last_lines() or "File too large" in done.last_lines()


def test_no_core_file(runner: BubblewrapRunner, shell: Shell) -> None:
    assert runner.run(shell("ulimit -c")).last_lines() == "0"


BOMB = "while :; do sleep 98762 & done 2>/dev/null"


def test_fork_bomb(runner: BubblewrapRunner, shell: Shell, processes_named: Named) -> None:
    most = 0

    def look() -> None:
        nonlocal most
        while bomb.is_alive():
            most = max(most, len(processes_named("98762")))
            time.sleep(0.1)

    limits = Limits(time_s=4, processes=200)
    bomb = threading.Thread(target=lambda: runner.run(shell(BOMB, limits=limits)))
    bomb.start()
    look()
    bomb.join()
    assert 0 < most <= 700  # as root the bound is pid_max or a sample every 0.2 s; for others it is exact
    assert not processes_named("98762")


def test_fork_bomb_unprivileged(
    facts: HostFacts, tmp_path: Path, as_nobody: Callable[[Callable[[], Done]], Done]
) -> None:
    tmp_path.chmod(0o777)
    script = "for i in $(seq 400); do sleep 5 & done 2>/dev/null; jobs -r | wc -l"
    limits = Limits(time_s=20, processes=100)
    command = Command(argv=("/bin/bash", "-c", script), root=Path("/"), log=Path("/dev/null"), limits=limits)
    done = as_nobody(lambda: BubblewrapRunner(facts).run(command))
    assert not done.succeeded  # bash gives up: fork: Resource temporarily unavailable


def test_orphans_are_gone_when_run_returns(
    runner: BubblewrapRunner, shell: Shell, processes_named: Named
) -> None:
    done = runner.run(
        shell("setsid nohup sleep 98763 >/dev/null 2>&1 & (trap '' TERM HUP; sleep 98763) & exit 3")
    )
    assert done.returncode == 3
    assert not processes_named("98763")


def test_stop_from_another_thread(runner: BubblewrapRunner, shell: Shell, processes_named: Named) -> None:
    timer = threading.Timer(0.4, runner.stop)
    timer.start()
    done = runner.run(shell("sleep 98764"))
    timer.join()
    assert done.returncode == -signal.SIGKILL
    assert not processes_named("98764")
    with pytest.raises(HostError, match="stopped"):
        runner.run(shell("true"))


def test_interrupted(runner: BubblewrapRunner, shell: Shell, processes_named: Named) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        with pytest.raises(KeyboardInterrupt):
            runner.run(shell("sleep 98765"))
    finally:
        signal.signal(signal.SIGALRM, before)
    assert not processes_named("98765")


CTRL_C = """
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from manyloong.sandbox import BubblewrapRunner, Command, probe_host

signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs start with it ignored
runner = BubblewrapRunner(probe_host(cache_dir=Path("/var/tmp")))
command = Command(argv=("/bin/sh", "-c", "trap '' INT; sleep 98768"), root=Path("/"), log=Path("/dev/null"))
print("ready", flush=True)
with ThreadPoolExecutor(2) as pool, runner:
    [future.result() for future in [pool.submit(runner.run, command) for _ in range(2)]]
"""


def test_ctrl_c_with_threads(facts: HostFacts, processes_named: Named) -> None:
    """As a terminal does it: SIGINT to the whole process group."""
    del facts
    with subprocess.Popen(
        [sys.executable, "-c", CTRL_C],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        while len(processes_named("sleep\x0098768")) < 2:
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)
        try:
            _, said = process.communicate(timeout=20)
        finally:
            process.kill()
    assert "KeyboardInterrupt" in said
    assert gone("98768", processes_named)


def test_sigkill_of_the_starter_kills_all(
    facts: HostFacts, shell: Shell, processes_named: Named, killed_after: KilledAfter
) -> None:
    command = shell("sleep 98766 & setsid sleep 98766")
    killed_after(lambda: BubblewrapRunner(facts).run(command), 0.4)
    assert gone("98766", processes_named)


def test_sigkill_at_any_moment_of_the_start(
    facts: HostFacts, shell: Shell, processes_named: Named, killed_after: KilledAfter
) -> None:
    command = shell("sleep 98767")
    moments = random.Random(7)  # noqa: S311 - moments, not secrets
    for _ in range(60):
        killed_after(lambda: BubblewrapRunner(facts).run(command), moments.uniform(0.0, 0.02))
    assert gone("98767", processes_named)


def test_several_at_once(runner: BubblewrapRunner, tmp_path: Path) -> None:
    results: dict[int, str] = {}

    def work(number: int) -> None:
        command = Command(
            argv=("/bin/sh", "-c", f"sleep 0.2; echo {number}"),
            root=Path("/"),
            log=tmp_path / f"{number}.log",
        )
        results[number] = runner.run(command).last_lines()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {number: str(number) for number in range(8)}


def test_a_hundred_starts(runner: BubblewrapRunner, tmp_path: Path) -> None:
    """No time is asserted here; benchmarks/ measures. All must start, and leave no descriptor open."""
    command = Command(argv=("/bin/true",), root=Path("/"), log=tmp_path / "log")
    open_before = len(list(Path("/proc/self/fd").iterdir()))
    assert all(runner.run(command).succeeded for _ in range(100))
    assert len(list(Path("/proc/self/fd").iterdir())) == open_before
