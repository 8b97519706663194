"""The words that start a sandbox: gate, outer namespaces, bubblewrap's options, the command. Pure.

    setpriv --pdeathsig KILL -- sh -c GATE
        unshare --user --map-root-user --mount --pid --fork --kill-child --mount-proc -- sh -c ENCLOSE
            bwrap --json-status-fd N --args N -- argv

Each step replaces the one before, except that ``unshare`` stays to wait. Bubblewrap is then the first
process of the outer PID namespace: when it ends, however it ends, the kernel kills all that is left
inside before ``unshare`` returns. Reasons and alternatives: docs/decisions/0020-sandbox-start.md.
"""

from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from manyloong.errors import InputError
from manyloong.sandbox.binfmt import Mechanism, mechanism, register_line
from manyloong.sandbox.command import Command
from manyloong.sandbox.diagnosis import host_error
from manyloong.sandbox.facts import HostFacts
from manyloong.sandbox.inside import emulated_argv, host_path

HOSTNAME = "manyloong"
UID = 1000  # of the builder, inside
HOME = "/home/builder"
EXPLICIT_QEMU = "/home/.emulator"  # where the emulator is bound when it must be named in argv
MOUNT_POINTS = ("proc", "dev", "tmp", "home")
GATE_OPEN = b"go\n"  # what the starter writes once it has set the limits
NOT_ENCLOSED = 126  # exit code of the step that could not do its part
_STARTER_GONE = 125

# By now the death signal is set. A starter that died before or since has closed its end: no line comes.
_GATE = f'read -r go || exit {_STARTER_GONE}; exec "$@" </dev/null'
# $1: pid_max or nothing. $2: processes; dash and BusyBox call that limit p, bash u. $3, $4: mount, umount.
# $5: binfmt_misc's register line or nothing; mounting that file system once loads its kernel module.
_ENCLOSE = (
    '[ -z "$1" ] || printf %s "$1" >/proc/sys/kernel/pid_max; '
    'ulimit -p "$2" 2>/dev/null || ulimit -u "$2" 2>/dev/null; '
    '[ -z "$5" ] || { B=/proc/sys/fs/binfmt_misc; '
    '[ -d "$B" ] || { "$3" -t binfmt_misc none /mnt && "$4" /mnt; }; '
    '"$3" -t binfmt_misc none "$B" && printf %s "$5" >"$B/register"; } '
    f'|| exit {NOT_ENCLOSED}; shift 5; exec "$@"'
)
# From this kernel on pid_max belongs to a PID namespace; before, it is one number for the whole host.
_PID_MAX_IS_PRIVATE = (6, 14)
_PIDS_RESERVED = 320  # the kernel keeps the first 300 numbers back once it has gone round


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How to start a command: ``argv`` of the host's process, ``options`` for bubblewrap's --args.

    ``{args}`` and ``{status}`` in argv stand for file descriptors, known when it starts.
    """

    argv: tuple[str, ...]
    options: tuple[str, ...]
    mechanism: Mechanism
    init_generation: int  # 1 where bubblewrap is the process that was started, 2 where unshare is


def _namespaces(command: Command, facts: HostFacts) -> list[str]:
    words = ["--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
    words += [] if command.network else ["--unshare-net"]
    words += ["--disable-userns"] if facts.disable_userns else []
    words += ["--uid", str(UID), "--gid", str(UID), "--cap-drop", "ALL", "--hostname", HOSTNAME]
    return [*words, "--die-with-parent", "--new-session"]


def _tmpfs(path: str, mode: str, command: Command, facts: HostFacts) -> list[str]:
    words = ["--perms", mode] if facts.bwrap_version >= (0, 5, 0) else []
    if facts.bwrap_version >= (0, 7, 0):  # what lies in a tmpfs is memory too
        words += ["--size", str(command.limits.memory_bytes)]
    return [*words, "--tmpfs", path]


def _proc(facts: HostFacts) -> list[str]:
    # Read-only: started by the host's root, bubblewrap's user 1000 is still the kernel's user 0, to whom
    # files such as /proc/sys/kernel/core_pattern belong.
    if facts.sandbox.works:
        return ["--proc", "/proc", "--remount-ro", "/proc"]
    return ["--ro-bind", "/proc", "/proc"]


def _binds(command: Command) -> list[str]:
    words: list[str] = []
    for bind in command.binds:
        words += ["--bind" if bind.writable else "--ro-bind", str(bind.source), bind.target]
    return words


def sandbox_options(command: Command, facts: HostFacts) -> tuple[str, ...]:
    """Bubblewrap's options for a command, without the command itself."""
    words = _namespaces(command, facts)
    words += ["--ro-bind", str(command.root), "/", *_proc(facts), "--dev", "/dev"]
    words += _tmpfs("/tmp", "1777", command, facts)  # noqa: S108 - inside the sandbox
    words += [*_tmpfs("/home", "0755", command, facts), "--dir", HOME, *_binds(command)]
    if command.emulator and mechanism(facts, command.emulator) == "explicit":
        words += ["--ro-bind", str(command.emulator.binary), EXPLICIT_QEMU]
    for name in ("PWD", "OLDPWD", "SHLVL", "_"):  # the prelude's shell may have set them
        words += ["--unsetenv", name]
    for name, value in environment(command):
        words += ["--setenv", name, value]
    return (*words, "--chdir", command.cwd)


def environment(command: Command) -> tuple[tuple[str, str], ...]:
    """The command's environment, and the emulator's CPU model in it unless the caller chose one."""
    if command.emulator is None or any(name == "QEMU_CPU" for name, _ in command.environment):
        return command.environment
    return (*command.environment, ("QEMU_CPU", command.emulator.cpu))


def outer_words(command: Command, facts: HostFacts, way: Mechanism) -> list[str]:
    """The namespaces around bubblewrap's own; none where this host gives bubblewrap alone that right."""
    tools = facts.tools
    if not facts.enclosed.works and way != "private":
        return []
    if not (tools.sh and tools.unshare and tools.mount and tools.umount):
        raise host_error(facts)
    words = [tools.unshare, "--user", "--map-root-user", "--mount"]
    pid_max = ""
    if facts.enclosed.works:
        words += ["--pid", "--fork", "--kill-child", "--mount-proc"]
        if facts.kernel >= _PID_MAX_IS_PRIVATE:
            pid_max = str(command.limits.processes + _PIDS_RESERVED)
    line = ""
    if way == "private" and command.emulator:
        line = register_line(command.emulator.qemu, str(command.emulator.binary))
    words += ["--", tools.sh, "-c", _ENCLOSE, "sandbox", pid_max, str(command.limits.processes)]
    return [*words, tools.mount, tools.umount, line]


def _gate(facts: HostFacts) -> list[str]:
    if not facts.tools.sh:
        raise host_error(facts)
    words = [facts.tools.setpriv, "--pdeathsig", "KILL", "--"] if facts.tools.setpriv else []
    return [*words, facts.tools.sh, "-c", _GATE, "sandbox"]


def inner_argv(command: Command, way: Mechanism) -> tuple[str, ...]:
    """The command's words as bubblewrap starts them: with the emulator in front where it must be named."""
    return emulated_argv(command, EXPLICIT_QEMU) if way == "explicit" else command.argv


def plan_launch(command: Command, facts: HostFacts) -> Launch:
    """How this host starts a command; raises HostError where a program for it is missing."""
    if not facts.tools.bwrap or not facts.can_sandbox:
        raise host_error(facts)
    way = mechanism(facts, command.emulator)
    inner = inner_argv(command, way)
    words = [*_gate(facts), *outer_words(command, facts, way), facts.tools.bwrap]
    words += ["--json-status-fd", "{status}", "--args", "{args}", "--", *inner]
    return Launch(
        argv=tuple(words),
        options=sandbox_options(command, facts),
        mechanism=way,
        init_generation=2 if facts.enclosed.works else 1,
    )


def _has_mount_point(command: Command, number: int) -> bool:
    """Whether a bind's target is there already, or lies where bubblewrap can make it."""
    target, earlier = command.binds[number].target, command.binds[:number]
    writable = [bind.target.rstrip("/") for bind in earlier if bind.writable]
    if any(target.startswith(f"{place}/") for place in ("/tmp", "/home", "/dev", *writable)):  # noqa: S108
        return True
    return host_path(replace(command, binds=earlier, cwd="/"), target) is not None


def check_command(command: Command) -> None:
    """Raises InputError for the faults of a command that bubblewrap would describe in its own terms."""
    if not command.argv:
        raise InputError("a command without words")
    missing = [f"/{name}" for name in MOUNT_POINTS if not (command.root / name).is_dir()]
    if missing:
        raise InputError(f"{command.root} is not a root: it has no {', '.join(missing)}")
    for number, bind in enumerate(command.binds):
        path = PurePosixPath(bind.target)
        if not path.is_absolute() or ".." in path.parts:
            raise InputError(f"bind target {bind.target!r} is not an absolute path inside the sandbox")
        if not bind.source.exists():
            raise InputError(f"{bind.source}, to be seen as {bind.target}, does not exist")
        if not _has_mount_point(command, number):
            raise InputError(f"{command.root} has no mount point {bind.target} for {bind.source}")
    words = (*command.argv, command.cwd, *(part for pair in command.environment for part in pair))
    broken = next((word for word in words if "\0" in word), None)
    if broken is not None:
        raise InputError(f"a NUL byte in {broken!r}")
