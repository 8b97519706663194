"""The one door to processes that run foreign code: starts a planned sandbox, watches it, ends it whole."""

import contextlib
import json
import os
import resource
import select
import signal
import subprocess
import threading
import time
from dataclasses import dataclass, replace
from typing import Self

from manyloong.errors import HostError
from manyloong.sandbox.command import Command, Done, Limits, Outcome
from manyloong.sandbox.diagnosis import host_error
from manyloong.sandbox.facts import HostFacts
from manyloong.sandbox.launch import GATE_OPEN, NOT_ENCLOSED, Launch, check_command, plan_launch
from manyloong.sandbox.usage import line_of, proportional_bytes, usage_below
from manyloong.store.normalise import UMASK

_FIRST_SAMPLE_S, _SAMPLE_S = 0.05, 0.2
_LAST_WORDS_BYTES = 4096
NOT_FOUND = 127  # what shells say of a program that is not there
_OUR_PROCESSES = 3  # unshare and two of bubblewrap's


@dataclass(slots=True, kw_only=True)
class _Running:
    """A started sandbox: its outermost process, and what bubblewrap's status pipe has said so far."""

    process: subprocess.Popen[bytes]
    status_fd: int
    init_generation: int  # how far below ``process`` the first process of bubblewrap's PID namespace is
    text: bytes = b""
    peak_bytes: int = 0
    outcome: Outcome = "exited"
    killed: bool = False

    def exit_code(self) -> int | None:
        """What the command returned, 128 + N for signal N; None where it was not started or not let end."""
        for line in self.text.splitlines():
            with contextlib.suppress(json.JSONDecodeError):
                document = json.loads(line)
                if "exit-code" in document:
                    return int(document["exit-code"])
        return None

    def kill(self) -> None:
        """End the sandbox whole: with a PID namespace's first process the kernel kills all the others.

        The processes above it wait for that end and pass it on; they are killed only while it is not there.
        """
        self.killed = True
        with contextlib.suppress(ProcessLookupError):
            os.kill(line_of(self.process.pid, generations=self.init_generation)[-1], signal.SIGKILL)


def _memory_file(words: tuple[str, ...]) -> int:
    fd = os.memfd_create("sandbox-options")
    with open(fd, "wb", closefd=False) as stream:
        stream.write(b"".join(os.fsencode(word) + b"\0" for word in words))
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def _limit(pid: int, limits: Limits) -> None:
    """The limits that hold in any namespace; the number of processes is limited inside."""
    for kind, value in ((resource.RLIMIT_FSIZE, limits.file_bytes), (resource.RLIMIT_CORE, 0)):
        _, hard = resource.prlimit(pid, kind)
        lowest = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.prlimit(pid, kind, (lowest, lowest))


def _open_gate(process: subprocess.Popen[bytes], limits: Limits) -> None:
    if process.stdin is None:  # never so: it was asked for
        return
    with contextlib.suppress(ProcessLookupError, BrokenPipeError), process.stdin as gate:
        _limit(process.pid, limits)
        gate.write(GATE_OPEN)


def _spawn(launch: Launch, command: Command) -> _Running:
    status_out, status_in = os.pipe()
    args = _memory_file(launch.options)
    numbers = {"{args}": str(args), "{status}": str(status_in)}
    try:
        with command.log.open("ab") as log:
            process = subprocess.Popen(
                [numbers.get(word, word) for word in launch.argv],
                env={},
                cwd="/",
                umask=UMASK,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=(args, status_in),
            )
    except BaseException:
        os.close(status_out)
        raise
    finally:
        os.close(args)
        os.close(status_in)
    _open_gate(process, command.limits)
    return _Running(process=process, status_fd=status_out, init_generation=launch.init_generation)


def _judge(running: _Running, limits: Limits, *, page_bytes: int) -> Outcome:
    used = usage_below(running.process.pid, page_bytes=page_bytes)
    memory = used.memory_bytes
    if memory > limits.memory_bytes:  # pages that processes share were counted more than once
        memory = proportional_bytes(used.processes) or memory
    running.peak_bytes = max(running.peak_bytes, memory)
    if memory > limits.memory_bytes:
        return "memory"
    return "processes" if len(used.processes) > limits.processes + _OUR_PROCESSES else "exited"


def _watch(running: _Running, limits: Limits, *, page_bytes: int) -> None:
    """Until bubblewrap's end of the status pipe closes: read it, sample, kill what goes over a limit."""
    poll = select.poll()
    poll.register(running.status_fd, select.POLLIN)
    now, wait = time.monotonic(), _FIRST_SAMPLE_S
    deadline, sample_at = now + limits.time_s, now + wait
    while running.outcome == "exited":
        if poll.poll(max(0.0, min(sample_at, deadline) - now) * 1000):
            chunk = os.read(running.status_fd, _LAST_WORDS_BYTES)
            if not chunk:
                return
            running.text += chunk
        now = time.monotonic()
        if now >= deadline:
            running.outcome = "timeout"
        elif now >= sample_at:
            running.outcome = _judge(running, limits, page_bytes=page_bytes)
            wait = min(wait * 2, _SAMPLE_S)
            now = time.monotonic()
            sample_at = now + wait


def _returncode(code: int) -> int:
    """As ``subprocess`` says it: bubblewrap and shells add 128 to the number of a signal."""
    return 128 - code if 128 < code < 128 + signal.NSIG else code


def _bounded(command: Command, facts: HostFacts) -> Command:
    limits = command.limits
    most = min(limits.memory_bytes, facts.memory_for_builds or limits.memory_bytes)
    return replace(command, limits=replace(limits, memory_bytes=most))


class BubblewrapRunner:
    """Runs commands with bubblewrap in private user namespaces; several threads may use one runner.

    Ctrl-C raises in the main thread only. Where commands run in other threads, leave the runner first and
    the threads' pool after it (``with pool, runner:``): leaving it kills what runs.
    """

    def __init__(self, facts: HostFacts) -> None:
        self._facts = facts
        self._lock = threading.RLock()  # a signal handler may call stop() at any point
        self._running: list[_Running] = []
        self._stopped = False

    def __enter__(self) -> Self:
        """The runner itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()

    def run(self, command: Command) -> Done:
        """Run to the end, within the limits; raises HostError where this host cannot."""
        command = _bounded(command, self._facts)
        check_command(command)
        launch = plan_launch(command, self._facts)
        command.log.parent.mkdir(parents=True, exist_ok=True)
        log_start = command.log.stat().st_size if command.log.exists() else 0
        started = time.monotonic()
        running = self._start(launch, command)
        try:
            _watch(running, command.limits, page_bytes=self._facts.page_bytes)
        except BaseException:
            running.killed = True
            raise
        finally:
            self._end(running)
        done = Done(
            returncode=0,
            seconds=time.monotonic() - started,
            outcome=running.outcome,
            peak_memory_bytes=running.peak_bytes,
            log=command.log,
        )
        return _result(running, done, self._facts, log_start=log_start)

    def stop(self) -> None:
        """Kill what runs and refuse what comes; a signal handler may call it."""
        with self._lock:
            self._stopped = True
            for running in tuple(self._running):
                running.kill()

    def _start(self, launch: Launch, command: Command) -> _Running:
        with self._lock:
            if self._stopped:
                raise HostError("the sandbox was stopped", hint="run the same command again")
            running = _spawn(launch, command)
            self._running.append(running)
            return running

    def _end(self, running: _Running) -> None:
        """Wait until nothing of it is left, having killed it where it may not go on."""
        try:
            while running.process.poll() is None:
                if running.killed or running.outcome != "exited":
                    running.kill()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    running.process.wait(1)
        finally:
            with self._lock:
                self._running.remove(running)
            os.close(running.status_fd)


def _result(running: _Running, done: Done, facts: HostFacts, *, log_start: int) -> Done:
    code, own = running.exit_code(), running.process.returncode
    if running.outcome != "exited" or running.killed:
        return replace(done, returncode=-signal.SIGKILL)
    if code is not None and own >= 0:
        return replace(done, returncode=_returncode(code))
    if own < 0:
        return replace(done, returncode=own)
    with done.log.open("rb") as stream:
        stream.seek(max(log_start, done.log.stat().st_size - _LAST_WORDS_BYTES))
        said = stream.read().decode("utf-8", "replace").strip()
    if "bwrap: execvp" in said:
        return replace(done, returncode=NOT_FOUND)
    step = "the namespaces around it could not be made" if own == NOT_ENCLOSED else f"exit code {own}"
    raise host_error(facts, said=said or step)
