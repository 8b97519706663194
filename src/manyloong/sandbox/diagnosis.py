"""What the facts of a host mean for builds: checks, each with the one command that helps. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from manyloong.errors import HostError, NotFoundError
from manyloong.sandbox.binfmt import emulated_architectures, register_line, system_entry
from manyloong.sandbox.command import GIB
from manyloong.sandbox.facts import HostFacts
from manyloong.targets import Architecture, all_targets, host

State = Literal["ok", "degraded", "blocked"]
OLDEST_BWRAP = (0, 4, 1)
DISK_NEEDED_BYTES, DISK_WISHED_BYTES = 4 * GIB, 12 * GIB  # both roots, the toolchain and their downloads
MEMORY_WISHED_BYTES = 2 * GIB
# Before it, binfmt_misc is one table for the whole host (Linux 6.7, "binfmt_misc: enable sandboxed mounts").
PRIVATE_BINFMT_KERNEL = (6, 7)
NOT_STARTED = "the sandbox could not start: "
_INSTALL = {
    "apt-get": "apt-get install -y",
    "dnf": "dnf install -y",
    "apk": "apk add",
    "pacman": "pacman -S --noconfirm",
    "zypper": "zypper install -y",
}
_APPARMOR = "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"
_CONTAINER = (
    "start the container with: --security-opt seccomp=unconfined --security-opt apparmor=unconfined"
    " --security-opt systempaths=unconfined"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line of ``manyloong doctor``; ``fix`` is the one command that helps, "" where there is none."""

    name: str
    state: State
    detail: str
    fix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """The addresses of one kind that were asked, best first, and what each said; "" for a good answer."""

    name: str
    answers: tuple[tuple[str, str], ...]
    fix: str


def diagnose(facts: HostFacts) -> tuple[Check, ...]:
    """What this host can do for builds, most fundamental first."""
    architectures = emulated_architectures(
        facts, tuple(dict.fromkeys(row.architecture for row in all_targets()))
    )
    return (
        _machine(facts),
        _bubblewrap(facts),
        _sandbox(facts),
        *(_emulation(facts, row) for row in architectures),
        _memory(facts),
        _cache(facts),
        _disk(facts),
    )


def reach_check(reached: Reached) -> Check:
    """Whether one of several addresses answers."""
    failed = [f"{address}: {said}" for address, said in reached.answers if said]
    good = [address for address, said in reached.answers if not said]
    if not good:
        detail = "; ".join(failed) or "none is configured"
        return Check(name=reached.name, state="blocked", detail=detail, fix=reached.fix)
    if failed and reached.answers[0][1]:
        detail = f"{good[0]} answers, but not {failed[0]}"
        return Check(name=reached.name, state="degraded", detail=detail, fix=reached.fix)
    return Check(name=reached.name, state="ok", detail=f"{good[0]} answers")


def can_build(checks: Iterable[Check]) -> bool:
    """Whether nothing stands in the way."""
    return all(check.state != "blocked" for check in checks)


def host_error(facts: HostFacts, *, said: str = "") -> HostError:
    """Why commands cannot run here, in the words of the first check that says so."""
    blocked = next(
        (check for check in (_bubblewrap(facts), _sandbox(facts)) if check.state == "blocked"), None
    )
    if blocked is None:
        return HostError(NOT_STARTED + said, hint="see: manyloong doctor")
    return HostError(f"{blocked.name}: {blocked.detail}", hint=blocked.fix or "see: manyloong doctor")


def as_root(facts: HostFacts, command: str) -> str:
    """The command line by which this user runs a command as root."""
    return command if facts.is_root else f"sudo {command}"


def _install(facts: HostFacts, package: str) -> str:
    command = _INSTALL.get(facts.package_manager)
    return as_root(facts, f"{command} {package}") if command else ""


def _machine(facts: HostFacts) -> Check:
    detail = f"{facts.machine}, {facts.cores} cores, Linux {facts.kernel_release}"
    if facts.container:
        detail += f", inside a {facts.container} container"
    try:
        host(facts.machine)
    except NotFoundError as error:
        return Check(name="machine", state="blocked", detail=error.message, fix=error.hint or "")
    return Check(name="machine", state="ok", detail=detail)


def _bubblewrap(facts: HostFacts) -> Check:
    name, tools = "bubblewrap", facts.tools
    if not tools.bwrap:
        return Check(name=name, state="blocked", detail="not installed", fix=_install(facts, "bubblewrap"))
    version = ".".join(str(part) for part in facts.bwrap_version)
    detail = f"{version} ({tools.bwrap})"
    if facts.bwrap_version < OLDEST_BWRAP:
        oldest = ".".join(str(part) for part in OLDEST_BWRAP)
        detail += f"; {oldest} or later is needed"
        return Check(name=name, state="blocked", detail=detail, fix=_install(facts, "bubblewrap"))
    if not (tools.unshare and tools.setpriv and tools.mount and tools.umount and tools.sh):
        detail += "; util-linux (unshare, setpriv, mount) is missing or too small, as BusyBox's is"
        return Check(name=name, state="degraded", detail=detail, fix=_install(facts, "util-linux"))
    return Check(name=name, state="ok", detail=detail)


def _why_no_namespaces(facts: HostFacts) -> tuple[str, str]:
    """The likeliest reason that namespaces cannot be made here, and the command against it."""
    if facts.max_user_namespaces == 0:
        return "user namespaces are switched off", as_root(facts, "sysctl -w user.max_user_namespaces=65536")
    if facts.unprivileged_userns_clone == 0:
        text = "user namespaces are for root only"
        return text, as_root(facts, "sysctl -w kernel.unprivileged_userns_clone=1")
    if facts.apparmor_restrict_userns == 1:
        return "AppArmor restricts unprivileged user namespaces", as_root(facts, _APPARMOR)
    if facts.container:
        return f"the {facts.container} container forbids namespaces or hides parts of /proc", _CONTAINER
    if facts.user_namespaces.works:
        return "user namespaces work for unshare, but not for bubblewrap", ""
    return "the kernel refuses", ""


def _sandbox(facts: HostFacts) -> Check:
    name = "sandbox"
    if facts.enclosed.works:
        who = "root" if facts.is_root else f"user {facts.uid}"
        return Check(name=name, state="ok", detail=f"private namespaces work as {who}")
    if not facts.tools.bwrap:
        return Check(name=name, state="blocked", detail="needs bubblewrap", fix=_install(facts, "bubblewrap"))
    reason, fix = _why_no_namespaces(facts)
    if facts.sandbox.works:
        detail = f"bubblewrap works, unshare does not ({facts.enclosed.error}): {reason}"
        return Check(name=name, state="degraded", detail=detail, fix=fix)
    if facts.sandbox_with_host_proc.works:
        detail = f"works with this host's /proc; a new one cannot be mounted: {reason}"
        return Check(name=name, state="degraded", detail=detail, fix=fix)
    said = facts.sandbox.error or facts.sandbox_with_host_proc.error
    return Check(name=name, state="blocked", detail=f"{reason} ({said})", fix=fix)


def _emulation(facts: HostFacts, architecture: Architecture) -> Check:
    name = f"{architecture.name} programs"
    if facts.private_binfmt.works:
        detail = "run by our own QEMU, registered in each sandbox's user namespace"
        return Check(name=name, state="ok", detail=detail)
    entry = system_entry(facts, architecture.qemu)
    if entry:
        detail = f"run by the host's registration {entry.name} ({entry.interpreter})"
        return Check(name=name, state="ok", detail=detail)
    if facts.kernel < PRIVATE_BINFMT_KERNEL:
        needed = ".".join(str(part) for part in PRIVATE_BINFMT_KERNEL)
        why, fix = f"private registration needs Linux {needed}", "manyloong doctor --register-binfmt"
    else:
        why, fix = f"registration failed ({facts.private_binfmt.error})", _binfmt_fix(facts)
    detail = f"{why}: only the first program of a command is emulated, programs that it starts are not"
    return Check(name=name, state="degraded", detail=detail, fix=fix)


def _binfmt_fix(facts: HostFacts) -> str:
    if not facts.enclosed.works:
        return _why_no_namespaces(facts)[1]
    return as_root(facts, "modprobe binfmt_misc")


def registration_command(facts: HostFacts, architecture: Architecture, binary: str) -> str:
    """A shell line that registers an emulator for the whole host until it restarts."""
    line = register_line(architecture.qemu, binary)
    folder = "/proc/sys/fs/binfmt_misc"
    mount = f"[ -e {folder}/register ] || mount -t binfmt_misc none {folder}"
    return as_root(facts, f"sh -c '{mount}; printf %s \"$1\" >{folder}/register' sh '{line}'")


def _memory(facts: HostFacts) -> Check:
    detail = f"{facts.memory_bytes / GIB:.1f} GiB"
    if facts.memory_bytes < MEMORY_WISHED_BYTES:
        detail += f"; large C++ packages need more than {MEMORY_WISHED_BYTES // GIB} GiB"
        return Check(name="memory", state="degraded", detail=detail)
    return Check(name="memory", state="ok", detail=detail)


def _cache(facts: HostFacts) -> Check:
    if facts.cache_error:
        fix = "export MANYLOONG_CACHE_DIR=/a/folder/of/yours"
        return Check(name="cache", state="blocked", detail=facts.cache_error, fix=fix)
    return Check(name="cache", state="ok", detail=str(facts.cache_dir))


def _disk(facts: HostFacts) -> Check:
    detail = f"{facts.disk_free_bytes / GIB:.1f} GiB free at {facts.cache_dir}"
    fix = "manyloong cache prune"
    if facts.disk_free_bytes < DISK_NEEDED_BYTES:
        detail += f"; {DISK_NEEDED_BYTES // GIB} GiB are needed"
        return Check(name="disk", state="blocked", detail=detail, fix=fix)
    if facts.disk_free_bytes < DISK_WISHED_BYTES:
        return Check(name="disk", state="degraded", detail=detail + "; little for several roots", fix=fix)
    return Check(name="disk", state="ok", detail=detail)
