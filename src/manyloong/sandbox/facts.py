"""What is known of this host, as values: probed once by ``probe.py``, judged by pure rules elsewhere."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class BinfmtEntry:
    """One registration of the kernel's binfmt_misc (Documentation/admin-guide/binfmt-misc.rst)."""

    name: str
    enabled: bool
    interpreter: str
    flags: str  # letters of P, O, C, F
    magic: str  # hex
    mask: str  # hex, as long as the magic; empty means all bits count

    @property
    def opened_at_registration(self) -> bool:
        """Whether the interpreter need not exist inside the root (flag F)."""
        return "F" in self.flags


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """Programs of the host that start a sandbox; None where missing."""

    sh: str | None = None
    bwrap: str | None = None
    unshare: str | None = None
    setpriv: str | None = None  # only where it knows --pdeathsig
    mount: str | None = None
    umount: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """Something that was tried on this host: whether it worked, and what was said when it did not."""

    works: bool
    error: str = ""


UNTRIED = Trial(works=False, error="not tried")


@dataclass(frozen=True, slots=True, kw_only=True)
class HostFacts:
    """All that the sandbox needs to know of this host. No rule reads the host; rules read this."""

    machine: str  # uname -m
    kernel: tuple[int, int]
    kernel_release: str
    uid: int
    container: str = ""  # what kind of container this is, "" for none
    tools: Tools = Tools()
    package_manager: str = ""  # apt-get, dnf, apk, pacman, zypper or ""
    bwrap_version: tuple[int, int, int] = (0, 0, 0)
    user_namespaces: Trial = UNTRIED  # unshare --user --map-root-user --mount
    enclosed: Trial = UNTRIED  # bubblewrap inside a user, mount and PID namespace with its own /proc
    sandbox: Trial = UNTRIED  # bubblewrap, so enclosed or else by itself, with a new /proc
    sandbox_with_host_proc: Trial = UNTRIED  # by itself, with the host's /proc bound
    private_binfmt: Trial = UNTRIED  # registering an interpreter in a private user namespace
    disable_userns: bool = False  # whether nested user namespaces can be forbidden inside
    apparmor_restrict_userns: int | None = None  # kernel.apparmor_restrict_unprivileged_userns
    unprivileged_userns_clone: int | None = None  # Debian's kernel.unprivileged_userns_clone
    max_user_namespaces: int | None = None  # user.max_user_namespaces
    system_binfmt: tuple[BinfmtEntry, ...] = ()
    cores: int = 1  # that we may use: affinity, and the container's quota
    memory_bytes: int = 0  # the machine's, or the container's limit; 0 for unknown
    cache_dir: Path = Path("/")
    cache_error: str = ""  # why nothing can be written there
    disk_free_bytes: int = 0
    page_bytes: int = 4096

    @property
    def can_sandbox(self) -> bool:
        """Whether commands can run at all."""
        return self.sandbox.works or self.sandbox_with_host_proc.works

    @property
    def memory_for_builds(self) -> int:
        """What a command may use at most, whatever its own limit: the machine must stay alive. 0: unknown."""
        return self.memory_bytes // 10 * 9

    @property
    def is_root(self) -> bool:
        """Whether this process is the host's root, or the root of a container."""
        return self.uid == 0
