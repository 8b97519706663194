"""This host's facts, an emulator, and runs as whoever the tests run as and as an unprivileged user."""

import os
import pickle
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from manyloong.config.mirrors import debian_mirrors
from manyloong.config.paths import cache_directory
from manyloong.errors import FetchError, HostError
from manyloong.events import ignore
from manyloong.roots import ensure_emulator
from manyloong.sandbox import BubblewrapRunner, Command, Done, Emulator, HostFacts, Limits, probe_host
from manyloong.store import HttpFetcher, Store
from manyloong.targets import all_targets, host

NOBODY = 65534
PROGRAMS = Path(__file__).parent / "programs"


def need(condition: object, what: str) -> None:
    """Skip where a tool is missing; fail where REQUIRE_TOOLS says that it must be there."""
    if condition:
        return
    if os.environ.get("REQUIRE_TOOLS"):
        pytest.fail(what)
    pytest.skip(what)


@pytest.fixture(scope="session")
def facts() -> HostFacts:
    found = probe_host(cache_dir=Path("/var/tmp"))
    need(found.can_sandbox, f"this host cannot sandbox: {found.sandbox.error}")
    return found


def _emulator_binary(facts: HostFacts) -> Path | None:
    """The project's own emulator, from the cache or a mirror; else the host's."""
    architecture = all_targets()[0].architecture
    store = Store(cache_directory(os.environ))
    try:
        return ensure_emulator(
            host(facts.machine),
            architecture,
            store=store,
            fetcher=HttpFetcher(store),
            mirrors=debian_mirrors(os.environ),
            listener=ignore,
        )
    except (FetchError, HostError):
        found = shutil.which(architecture.qemu.binary)
        return Path(found) if found else None


@pytest.fixture(scope="session")
def emulator(facts: HostFacts) -> Iterator[Emulator]:
    """A copy of the emulator that anyone may open; the cache belongs to one user."""
    qemu = all_targets()[0].architecture.qemu
    found = _emulator_binary(facts)
    need(found, f"{qemu.binary} is not here")
    folder = Path(tempfile.mkdtemp(prefix="manyloong-emulator-", dir="/var/tmp"))
    folder.chmod(0o755)
    yield Emulator(binary=Path(shutil.copy(str(found), folder)), qemu=qemu, cpu=qemu.cpu_full)
    shutil.rmtree(folder)


@pytest.fixture
def runner(facts: HostFacts) -> BubblewrapRunner:
    return BubblewrapRunner(facts)


@pytest.fixture
def tree() -> Iterator[Path]:
    """A root that anyone may read, with one program of the emulated architecture and a script for it."""
    root = Path(tempfile.mkdtemp(prefix="manyloong-tree-", dir="/var/tmp"))
    root.chmod(0o755)
    for name in ("bin", "dev", "home", "proc", "tmp", "work"):
        (root / name).mkdir(parents=True)
    shutil.copy(PROGRAMS / "relay.loongarch64", root / "bin/relay")
    script = root / "bin/script"
    script.write_text("#!/bin/relay --\n", "utf-8")
    script.chmod(0o755)
    yield root
    shutil.rmtree(root)


Shell = Callable[..., Command]


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A command that runs shell lines in the host's own tree."""

    def command(script: str, *, limits: Limits | None = None, **fields: object) -> Command:
        return Command(
            argv=("/bin/bash", "-c", script),
            root=Path("/"),
            log=tmp_path / "log",
            limits=limits or Limits(time_s=30),
            **fields,  # type: ignore[arg-type]
        )

    return command


def as_nobody(work: Callable[[], Done]) -> Done:
    """What ``work`` returns in a child of this process that has given up all its rights."""
    if os.geteuid() != 0:
        return work()
    readable, writable = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
            os.write(writable, pickle.dumps(work()))
        finally:
            os._exit(0)
    os.close(writable)
    with os.fdopen(readable, "rb") as stream:
        said = stream.read()
    os.waitpid(child, 0)
    assert said, "the unprivileged child failed"
    result = pickle.loads(said)  # noqa: S301 - our own child's
    assert isinstance(result, Done)
    return result


def processes_named(marker: str) -> list[int]:
    """Processes of the host with that word in their command line."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes() if entry.name.isdigit() else b""
        except OSError:
            continue
        if marker.encode() in words and int(entry.name) != os.getpid():
            found.append(int(entry.name))
    return found


def killed_after(work: Callable[[], object], seconds: float) -> None:
    """Run ``work`` in a child process and SIGKILL that after a while."""
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(0)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


# Tests cannot import this file (pytest's importlib mode): helpers come as fixtures.
@pytest.fixture(name="need")
def _need() -> Callable[[object, str], None]:
    return need


@pytest.fixture(name="as_nobody")
def _as_nobody() -> Callable[[Callable[[], Done]], Done]:
    return as_nobody


@pytest.fixture(name="processes_named")
def _processes_named() -> Callable[[str], list[int]]:
    return processes_named


@pytest.fixture(name="killed_after")
def _killed_after() -> Callable[[Callable[[], object], float], None]:
    return killed_after


@pytest.fixture
def private(facts: HostFacts) -> HostFacts:
    """Facts of a host where an emulator can be registered in the sandbox's own namespace."""
    need(facts.private_binfmt.works, f"no private binfmt here: {facts.private_binfmt.error}")
    return facts
