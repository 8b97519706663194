"""The door through which facts of this host come in. What can be tried is tried, not guessed."""

import os
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

from manyloong.sandbox.binfmt import parse_entry, register_line
from manyloong.sandbox.facts import BinfmtEntry, HostFacts, Tools, Trial
from manyloong.targets import Qemu, all_targets

SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PACKAGE_MANAGERS = ("apt-get", "dnf", "apk", "pacman", "zypper")
_BINFMT = Path("/proc/sys/fs/binfmt_misc")
_TIMEOUT_S = 20
# As launch.py registers, without a command after it. $1, $2: mount, umount. $3: the line.
_TRY_REGISTER = (
    f"B={_BINFMT}; "
    '[ -d "$B" ] || { "$1" -t binfmt_misc none /mnt && "$2" /mnt; }; '
    '"$1" -t binfmt_misc none "$B" && printf %s "$3" >"$B/register"'
)


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


def _try_sandbox(tools: Tools, *options: str) -> Trial:
    """Bubblewrap over the host's own tree, running itself: the one program that is there for certain."""
    if not tools.bwrap:
        return Trial(works=False, error="bubblewrap is missing")
    words = (
        "--unshare-user",
        "--unshare-pid",
        "--unshare-ipc",
        "--unshare-uts",
        "--unshare-net",
        "--cap-drop",
        "ALL",
    )
    return _try(
        tools.bwrap, *words, "--ro-bind", "/", "/", *options, "--dev", "/dev", "--", tools.bwrap, "--version"
    )


def _try_private_binfmt(tools: Tools, qemu: Qemu) -> Trial:
    if not (tools.unshare and tools.sh and tools.mount and tools.umount):
        return Trial(works=False, error="unshare or mount (util-linux) is missing")
    line = register_line(qemu, tools.sh)
    script = ("-c", _TRY_REGISTER, "sandbox", tools.mount, tools.umount, line)
    return _try(tools.unshare, "--user", "--map-root-user", "--mount", "--", tools.sh, *script)


def _namespaces(facts: HostFacts) -> HostFacts:
    tools = facts.tools
    new_proc = ("--proc", "/proc", "--remount-ro", "/proc")
    sandbox = _try_sandbox(tools, *new_proc)
    with_host_proc = Trial(works=False, error="not needed")
    if not sandbox.works:
        with_host_proc = _try_sandbox(tools, "--ro-bind", "/proc", "/proc")
    nested = sandbox.works and facts.bwrap_version >= (0, 8, 0)
    userns = Trial(works=False, error="unshare (util-linux) is missing")
    if tools.unshare:
        inner = (tools.unshare, "--user", "--map-root-user", "--mount", "--", tools.sh, "-c", ":")
        userns = _try(*inner)
    return replace(
        facts,
        sandbox=sandbox,
        sandbox_with_host_proc=with_host_proc,
        user_namespaces=userns,
        private_binfmt=_try_private_binfmt(tools, all_targets()[0].architecture.qemu),
        disable_userns=nested and _try_sandbox(tools, *new_proc, "--disable-userns").works,
    )


def free_bytes(folder: Path) -> int:
    """Free space where a folder is or would be made."""
    there = next((path for path in (folder, *folder.parents) if path.exists()), Path("/"))
    return shutil.disk_usage(there).free


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
        cores=len(os.sched_getaffinity(0)),
        memory_bytes=page * os.sysconf("SC_PHYS_PAGES"),
        cache_dir=cache_dir,
        disk_free_bytes=free_bytes(cache_dir),
        page_bytes=page,
    )
    return _namespaces(facts)
