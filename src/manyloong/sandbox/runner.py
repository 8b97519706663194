"""The one door to processes that run foreign code: starts a planned sandbox, watches it, ends it whole."""

import contextlib
import json
import os
import resource
import select
import shlex
import signal
import subprocess
import threading
import time
from dataclasses import dataclass, field, replace
from typing import Literal

from manyloong.errors import HostError, InputError
from manyloong.sandbox.command import Command, Done, Limits
from manyloong.sandbox.facts import HostFacts
from manyloong.sandbox.launch import Launch, is_absolute_target, missing_mount_points, plan_launch
from manyloong.sandbox.usage import proportional_bytes, usage_below

Outcome = Literal["exited", "timeout", "memory", "processes"]
_FIRST_SAMPLE_S, _SAMPLE_S = 0.02, 0.2
_STARTER_GONE, _NOT_REGISTERED = 125, 126  # exit codes of the prelude


@dataclass(slots=True, kw_only=True)
class _Running:
    """A started sandbox: bubblewrap's process, and what its status pipe has said so far."""

    process: subprocess.Popen[bytes]
    status_fd: int
    block_fd: int
    text: bytes = b""
    init_pid: int = 0  # the PID namespace's first process, as the host counts; 0 until it is known
    peak_bytes: int = 0
    outcome: Outcome = "exited"
    killed: threading.Event = field(default_factory=threading.Event)

    def said(self, name: str) -> int | None:
        """A number that bubblewrap wrote to its status pipe: child-pid, exit-code."""
        for line in self.text.splitlines():
            with contextlib.suppress(json.JSONDecodeError):
                document = json.loads(line)
                if name in document:
                    return int(document[name])
        return None

    def kill(self) -> None:
        """End the sandbox whole: the kernel kills every process of a PID namespace with its first one."""
        self.killed.set()
        for pid in (self.init_pid, self.process.pid):
            if pid:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def _memory_file(words: tuple[str, ...]) -> int:
    fd = os.memfd_create("sandbox-options")
    with open(fd, "wb", closefd=False) as stream:
        stream.write(b"".join(word.encode("utf-8", "surrogateescape") + b"\0" for word in words))
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def _spawn(launch: Launch, command: Command) -> _Running:
    status_out, status_in = os.pipe()
    block_out, block_in = os.pipe()
    args = _memory_file(launch.options)
    numbers = {"{starter}": os.getpid(), "{args}": args, "{status}": status_in, "{block}": block_out}
    argv = [str(numbers.get(word, word)) for word in launch.argv]
    try:
        with command.log.open("ab") as log:
            process = subprocess.Popen(
                argv,
                env={},
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=(args, status_in, block_out),
            )
    except OSError:
        os.close(status_out)
        os.close(block_in)
        raise
    finally:
        for fd in (args, status_in, block_out):
            os.close(fd)
    return _Running(process=process, status_fd=status_out, block_fd=block_in)


def _limit(pid: int, limits: Limits) -> None:
    wanted = (
        (resource.RLIMIT_FSIZE, limits.file_bytes),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, limits.processes),
    )
    for kind, value in wanted:
        _, hard = resource.prlimit(pid, kind)
        lowest = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.prlimit(pid, kind, (lowest, lowest))


def _release(running: _Running, limits: Limits) -> None:
    """Once bubblewrap says which process is the sandbox's first: limit it, then let it go on."""
    pid = running.said("child-pid")
    if pid is None or running.init_pid:
        return
    running.init_pid = pid
    with contextlib.suppress(ProcessLookupError):
        _limit(pid, limits)
    with contextlib.suppress(BrokenPipeError):
        os.write(running.block_fd, b"1")


def _judge(running: _Running, limits: Limits, *, page_bytes: int) -> Outcome:
    used = usage_below(running.process.pid, page_bytes=page_bytes)
    memory = used.memory_bytes
    if memory > limits.memory_bytes:  # pages that processes share were counted more than once
        memory = proportional_bytes(used.processes) or memory
    running.peak_bytes = max(running.peak_bytes, memory)
    if memory > limits.memory_bytes:
        return "memory"
    return "processes" if len(used.processes) > limits.processes + 1 else "exited"


def _watch(running: _Running, limits: Limits, *, page_bytes: int) -> None:
    """Until bubblewrap's end of the status pipe closes: read it, sample, kill what goes over a limit."""
    deadline, wait = time.monotonic() + limits.time_s, _FIRST_SAMPLE_S
    poll = select.poll()
    poll.register(running.status_fd, select.POLLIN)
    sample_at = time.monotonic() + wait
    while True:
        now = time.monotonic()
        if poll.poll(max(0.0, min(sample_at, deadline) - now) * 1000):
            chunk = os.read(running.status_fd, 4096)
            if not chunk:
                return
            running.text += chunk
            _release(running, limits)
            continue
        if time.monotonic() >= deadline:
            running.outcome = "timeout"
        else:
            running.outcome = _judge(running, limits, page_bytes=page_bytes)
            wait = min(wait * 2, _SAMPLE_S)
            sample_at = time.monotonic() + wait
        if running.outcome != "exited":
            running.kill()
            return


def _returncode(code: int) -> int:
    """As ``subprocess`` says it: bubblewrap and shells add 128 to the number of a signal."""
    return 128 - code if 128 < code <= 128 + signal.NSIG else code


class BubblewrapRunner:
    """Runs commands with bubblewrap in private user namespaces; several threads may use one runner."""

    def __init__(self, facts: HostFacts) -> None:
        self._facts = facts
        self._lock = threading.Lock()
        self._by_id: dict[int, _Running] = {}
        self._stopped = False

    def run(self, command: Command) -> Done:
        """Run to the end, within the limits; raises HostError where this host cannot."""
        _check(command)
        launch = plan_launch(command, self._facts)
        command.log.parent.mkdir(parents=True, exist_ok=True)
        log_start = command.log.stat().st_size if command.log.exists() else 0
        started = time.monotonic()
        running = self._start(launch, command)
        try:
            _watch(running, command.limits, page_bytes=self._facts.page_bytes)
        except BaseException:
            running.kill()
            raise
        finally:
            running.process.wait()
            self._forget(running)
        done = Done(
            returncode=0,
            seconds=time.monotonic() - started,
            outcome=running.outcome,
            peak_memory_bytes=running.peak_bytes,
            log=command.log,
        )
        return self._result(running, done, log_start=log_start)

    def stop(self) -> None:
        """Kill what runs and refuse what comes: for Ctrl-C while other threads are in ``run``."""
        with self._lock:
            self._stopped = True
            for running in self._by_id.values():
                running.kill()

    def _start(self, launch: Launch, command: Command) -> _Running:
        with self._lock:
            if self._stopped:
                raise HostError("this runner was stopped", hint="run the same command again")
            running = _spawn(launch, command)
            self._by_id[id(running)] = running
            return running

    def _forget(self, running: _Running) -> None:
        with self._lock:
            self._by_id.pop(id(running), None)
        os.close(running.status_fd)
        os.close(running.block_fd)

    def _result(self, running: _Running, done: Done, *, log_start: int) -> Done:
        code, own = running.said("exit-code"), running.process.returncode
        if code is not None:
            return replace(done, returncode=_returncode(code))
        if running.killed.is_set() or own < 0:
            return replace(done, returncode=min(own, 0) or -signal.SIGKILL)
        with done.log.open("rb") as stream:
            stream.seek(log_start)
            said = stream.read(4096).decode("utf-8", "replace").strip()
        raise HostError(
            f"the sandbox could not start: {said or f'exit code {own}'}", hint="see: manyloong doctor"
        )


def _check(command: Command) -> None:
    """The faults of a command that bubblewrap would only describe in its own terms."""
    if not command.argv:
        raise InputError("a command without words")
    missing = missing_mount_points(command)
    if missing:
        raise InputError(f"{command.root} is not a root: it has no {', '.join(missing)}")
    for bind in command.binds:
        if not is_absolute_target(bind.target):
            raise InputError(f"bind target {bind.target!r} is not an absolute path inside the sandbox")
        if not bind.source.exists():
            raise InputError(f"{bind.source}, bound to {bind.target}, does not exist")
    nul = [word for word in (*command.argv, *(f"{k}={v}" for k, v in command.environment)) if "\0" in word]
    if nul:
        raise InputError(f"a NUL byte in {shlex.quote(nul[0])}")
