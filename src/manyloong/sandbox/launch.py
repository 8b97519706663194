"""The words that start a sandbox: prelude, bubblewrap's options, the command. Pure.

    [setpriv --pdeathsig] [unshare --user --map-root-user --mount] sh -c PRELUDE -> bwrap --args FD -- argv

The prelude checks that its starter still lives and, for foreign programs, registers the emulator in the
user namespace it is in. Every step replaces the one before, so it is one process from start to end.
"""

from dataclasses import dataclass
from pathlib import PurePosixPath

from manyloong.errors import HostError
from manyloong.sandbox.binfmt import Mechanism, mechanism, register_line
from manyloong.sandbox.command import Command
from manyloong.sandbox.facts import HostFacts
from manyloong.sandbox.inside import emulated_argv

HOSTNAME = "manyloong"
UID = 1000  # of the builder, inside
HOME = "/home/builder"
EXPLICIT_QEMU = "/home/.emulator"  # where the emulator is bound when it must be named in argv
BINFMT = "/proc/sys/fs/binfmt_misc"
MOUNT_POINTS = ("proc", "dev", "tmp", "home")

# $1: process id of the starter. The death signal is set by now; a starter that died before is not there.
_ALIVE = '[ "$PPID" = "$1" ] || exit 125; shift; '
# $1, $2: mount, umount. $3: the register line. Mounting the file system once loads its kernel module.
_REGISTER = (
    f"B={BINFMT}; "
    '[ -d "$B" ] || { "$1" -t binfmt_misc none /mnt && "$2" /mnt; }; '
    '"$1" -t binfmt_misc none "$B" && printf %s "$3" >"$B/register" || exit 126; shift 3; '
)
_EXEC = 'exec "$@"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How to start a command: ``argv`` of the host's process, ``options`` for bubblewrap's --args.

    ``{starter}``, ``{args}``, ``{status}`` and ``{block}`` in argv are a process id and file descriptors;
    they are known when it starts.
    """

    argv: tuple[str, ...]
    options: tuple[str, ...]
    mechanism: Mechanism


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


def _missing(tool: str) -> HostError:
    return HostError(f"{tool} is not on this host", hint="see: manyloong doctor")


def _prelude(command: Command, facts: HostFacts, way: Mechanism) -> list[str]:
    tools = facts.tools
    if not tools.sh:
        raise _missing("sh")
    words = [tools.setpriv, "--pdeathsig", "KILL", "--"] if tools.setpriv else []
    if way != "private" or not command.emulator:
        return [*words, tools.sh, "-c", _ALIVE + _EXEC, "sandbox", "{starter}"]
    if not (tools.unshare and tools.mount and tools.umount):
        raise _missing("unshare or mount")
    line = register_line(command.emulator.qemu, str(command.emulator.binary))
    words += [tools.unshare, "--user", "--map-root-user", "--mount", "--", tools.sh, "-c"]
    return [*words, _ALIVE + _REGISTER + _EXEC, "sandbox", "{starter}", tools.mount, tools.umount, line]


def plan_launch(command: Command, facts: HostFacts) -> Launch:
    """How this host starts a command; raises HostError where a program for it is missing."""
    if not facts.tools.bwrap:
        raise _missing("bubblewrap")
    way = mechanism(facts, command.emulator)
    inner = emulated_argv(command, EXPLICIT_QEMU) if way == "explicit" else command.argv
    words = [*_prelude(command, facts, way), facts.tools.bwrap]
    words += ["--json-status-fd", "{status}", "--block-fd", "{block}", "--args", "{args}", "--", *inner]
    return Launch(argv=tuple(words), options=sandbox_options(command, facts), mechanism=way)


def missing_mount_points(command: Command) -> tuple[str, ...]:
    """Folders that every root needs and this one lacks."""
    return tuple(f"/{name}" for name in MOUNT_POINTS if not (command.root / name).is_dir())


def is_absolute_target(target: str) -> bool:
    """Whether a bind's target is an absolute path inside without ``..``."""
    path = PurePosixPath(target)
    return path.is_absolute() and ".." not in path.parts
