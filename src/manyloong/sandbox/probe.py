"""The door through which facts of this host come in. What can be tried is tried, not guessed."""

import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

from manyloong.errors import ManyloongError
from manyloong.sandbox.binfmt import emulated_architectures, parse_entry
from manyloong.sandbox.command import Command, Emulator, Limits
from manyloong.sandbox.diagnosis import NOT_STARTED
from manyloong.sandbox.facts import BinfmtEntry, HostFacts, Tools, Trial
from manyloong.sandbox.runner import NOT_FOUND, BubblewrapRunner
from manyloong.targets import Qemu, all_targets

SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PACKAGE_MANAGERS = ("apt-get", "dnf", "apk", "pacman", "zypper")
_BINFMT = Path("/proc/sys/fs/binfmt_misc")
_CGROUP = Path("/sys/fs/cgroup")
_MEMORY_FILES = ("memory.max", "memory/memory.limit_in_bytes")
_NO_LIMIT = 1 << 62  # what version 1 says for none is close to the largest signed number
_TIMEOUT_S = 20
WORKS = Trial(works=True)


def _try(*argv: str | None) -> Trial:
    """Whether a command of known words ends well here."""
    words = [word for word in argv if word is not None]
    try:
        done = subprocess.run(
            words,
            env={},
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Trial(works=False, error=str(error))
    said = done.stderr.decode("utf-8", "replace").strip().splitlines()
    return Trial(
        works=done.returncode == 0, error="" if done.returncode == 0 else (said or ["no reason given"])[-1]
    )


def _text(path: str) -> str:
    try:
        return Path(path).read_text("utf-8", "replace")
    except OSError:
        return ""


def _number(path: str) -> int | None:
    text = _text(path).strip()
    return int(text) if text.lstrip("-").isdigit() else None


def _tools(search_path: str) -> Tools:
    found = {name: shutil.which(name, path=search_path) for name in Tools.__dataclass_fields__}
    setpriv = found["setpriv"]
    if setpriv and not _try(setpriv, "--pdeathsig", "KILL", "--", found["sh"], "-c", ":").works:
        found["setpriv"] = None  # BusyBox's has no such option
    return Tools(**found)


def _version(bwrap: str) -> tuple[int, int, int]:
    try:
        done = subprocess.run(
            [bwrap, "--version"], capture_output=True, timeout=_TIMEOUT_S, check=False, env={}
        )
    except (OSError, subprocess.TimeoutExpired):
        return (0, 0, 0)
    return parse_version(done.stdout.decode("utf-8", "replace"))


def parse_version(text: str) -> tuple[int, int, int]:
    """(0, 8, 0) from ``bubblewrap 0.8.0``."""
    parts = [int(part) for part in (text.split() or [""])[-1].split(".") if part.isdigit()]
    major, minor, patch = (*parts, 0, 0, 0)[:3]
    return (major, minor, patch)


def parse_kernel(release: str) -> tuple[int, int]:
    """(6, 18) from ``6.18.44-generic``."""
    found = re.match(r"(\d+)\.(\d+)", release)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def parse_memory_limit(text: str) -> int | None:
    """Bytes from a cgroup's memory.max (v2) or memory.limit_in_bytes (v1); None for no limit."""
    word = text.strip()
    return int(word) if word.isdigit() and int(word) < _NO_LIMIT else None


def parse_cpu_limit(quota: str, period: str) -> int | None:
    """Whole cores, rounded up, from a cgroup's quota and period in microseconds; None for no limit."""
    if not (quota.strip().isdigit() and period.strip().isdigit() and int(period)):
        return None
    return max(1, -(-int(quota) // int(period)))


def _memory_bytes(page: int) -> int:
    """The machine's memory, or what the container around us may use of it."""
    limits = [parse_memory_limit(_text(f"{_CGROUP}/{name}")) for name in _MEMORY_FILES]
    return min([page * os.sysconf("SC_PHYS_PAGES"), *(limit for limit in limits if limit)])


def _cores() -> int:
    quota, _, period = _text(f"{_CGROUP}/cpu.max").partition(" ")
    second = parse_cpu_limit(
        _text(f"{_CGROUP}/cpu/cpu.cfs_quota_us"), _text(f"{_CGROUP}/cpu/cpu.cfs_period_us")
    )
    limits = [parse_cpu_limit(quota, period), second]
    return min([len(os.sched_getaffinity(0)), *(limit for limit in limits if limit)])


def _container() -> str:
    if Path("/.dockerenv").exists():
        return "docker"
    if Path("/run/.containerenv").exists():
        return "podman"
    return _text("/run/systemd/container").strip()


def _system_binfmt() -> tuple[BinfmtEntry, ...]:
    try:
        names = sorted(path.name for path in _BINFMT.iterdir() if path.name not in {"register", "status"})
    except OSError:
        return ()
    found = (parse_entry(name, _text(f"{_BINFMT}/{name}")) for name in names)
    return tuple(entry for entry in found if entry)


def _try_command(facts: HostFacts, emulator: Emulator | None = None) -> Trial:
    """Whether the runner gets as far as a command here, were the facts so.

    The command asks for bubblewrap's version in the host's own tree. Where that program lies in a folder
    that is private inside, it is not found; that comes after all that is tried.
    """
    if not facts.tools.bwrap:
        return Trial(works=False, error="bubblewrap is missing")
    with tempfile.TemporaryDirectory(prefix="manyloong-probe-") as folder:
        command = Command(
            argv=(facts.tools.bwrap, "--version"),
            root=Path("/"),
            log=Path(folder) / "log",
            emulator=emulator,
            limits=Limits(time_s=_TIMEOUT_S),
        )
        try:
            done = BubblewrapRunner(facts).run(command)
        except ManyloongError as error:
            return Trial(works=False, error=error.message.removeprefix(NOT_STARTED))
        reached = done.returncode in {0, NOT_FOUND}
        return WORKS if reached else Trial(works=False, error=done.last_lines(1))


def _sandbox_trials(facts: HostFacts) -> HostFacts:
    """The best way to a sandbox first; the others only where that fails."""
    wishes = (True, False) if facts.bwrap_version >= (0, 8, 0) else (False,)
    for disable_userns in wishes:
        best = replace(facts, enclosed=WORKS, sandbox=WORKS, disable_userns=disable_userns)
        trial = _try_command(best)
        if trial.works:
            return best
    alone = replace(facts, enclosed=trial, sandbox=WORKS)
    second = _try_command(alone)
    if second.works:
        return alone
    bound = replace(alone, sandbox=second, sandbox_with_host_proc=WORKS)
    return replace(bound, sandbox_with_host_proc=_try_command(bound))


def _try_private_binfmt(facts: HostFacts, qemu: Qemu) -> Trial:
    if not facts.can_sandbox:
        return Trial(works=False, error="there is no sandbox to register it in")
    emulator = Emulator(binary=Path(facts.tools.sh or "/bin/sh"), qemu=qemu, cpu="")
    return _try_command(replace(facts, private_binfmt=WORKS), emulator)


def _namespaces(facts: HostFacts) -> HostFacts:
    tools = facts.tools
    userns = Trial(works=False, error="unshare (util-linux) is missing")
    if tools.unshare:
        userns = _try(tools.unshare, "--user", "--map-root-user", "--mount", "--", tools.sh, "-c", ":")
    facts = replace(_sandbox_trials(facts), user_namespaces=userns)
    foreign = emulated_architectures(facts, tuple(row.architecture for row in all_targets()))
    if foreign:
        facts = replace(facts, private_binfmt=_try_private_binfmt(facts, foreign[0].qemu))
    return facts


def _existing(folder: Path) -> Path:
    """The folder, or the one above it that is there already."""
    return next((path for path in (folder, *folder.parents) if path.exists()), Path("/"))


def _cache_error(folder: Path) -> str:
    there = _existing(folder)
    if not there.is_dir():
        return f"{there} is not a folder"
    return "" if os.access(there, os.W_OK | os.X_OK) else f"{there} is not writable for user {os.geteuid()}"


def probe_host(*, cache_dir: Path, search_path: str = SEARCH_PATH) -> HostFacts:
    """All facts of this host, in a few tens of milliseconds; ask once and pass the value on.

    ``search_path`` is where programs are looked for, in the form of PATH.
    """
    tools, system = _tools(search_path), os.uname()
    manager = next((name for name in PACKAGE_MANAGERS if shutil.which(name, path=search_path)), "")
    page = os.sysconf("SC_PAGE_SIZE")
    facts = HostFacts(
        machine=system.machine,
        kernel=parse_kernel(system.release),
        kernel_release=system.release,
        uid=os.geteuid(),
        container=_container(),
        tools=tools,
        package_manager=manager,
        bwrap_version=_version(tools.bwrap) if tools.bwrap else (0, 0, 0),
        apparmor_restrict_userns=_number("/proc/sys/kernel/apparmor_restrict_unprivileged_userns"),
        unprivileged_userns_clone=_number("/proc/sys/kernel/unprivileged_userns_clone"),
        max_user_namespaces=_number("/proc/sys/user/max_user_namespaces"),
        system_binfmt=_system_binfmt(),
        cores=_cores(),
        memory_bytes=_memory_bytes(page),
        cache_dir=cache_dir,
        cache_error=_cache_error(cache_dir),
        disk_free_bytes=shutil.disk_usage(_existing(cache_dir)).free,
        page_bytes=page,
    )
    return _namespaces(facts)
