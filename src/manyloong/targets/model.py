"""What is known of an architecture, a build host and a platform tag: typed rows of ``targets.toml``."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Zig:
    """Names by which zig's clang knows an architecture."""

    cpu: str  # value of -mcpu for the baseline
    triple: str  # ARCH-OS, without the libc part


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagRule:
    """A flag of GCC or GNU ld, what clang or lld is given instead ("" = nothing), and why that is right.

    A ``*`` at the end of ``flag`` stands for any rest, which ``*`` in ``give`` repeats.
    """

    flag: str
    give: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiler:
    """How clang is told of an architecture, and GCC's own flags for it."""

    flags: tuple[str, ...]  # given at each call, before the package's own
    rewrites: tuple[FlagRule, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Qemu:
    """User-mode emulation of an architecture; magic and mask are binfmt_misc fields in hex."""

    binary: str
    magic: str
    mask: str
    cpu_baseline: str  # a CPU that has the baseline ISA and nothing more
    cpu_full: str  # a CPU with the optional extensions too


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """One architecture that wheels are built for."""

    name: str
    elf_machine: int
    elf_class: int  # 32 or 64
    little_endian: bool
    e_flags: int
    page_align_min: int  # bytes
    page_align_build: int  # bytes
    baseline: str
    kernel_min: str
    glibc_kernel: tuple[int, int, int]  # the oldest that the architecture's glibc knows, as its ABI note says
    debian: str
    oci: str
    go: str
    rust: str
    uname: str
    cmake_processor: str
    meson_cpu_family: str
    zig: Zig
    compiler: Compiler
    qemu: Qemu


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """One architecture that builds run on; ``name`` is what ``uname -m`` says there."""

    name: str
    debian: str
    triplet: str
    zig_triple: str
    loader: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Python:
    """One CPython that the native and the target roots both carry."""

    tag: str  # python and ABI tag, e.g. "cp313"
    version: str  # "3.13"
    executable: str  # absolute path inside the roots


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One platform tag: an architecture, a libc and the oldest version of it (the floor)."""

    tag: str
    architecture: Architecture
    libc: str  # "glibc" or "musl"
    floor: tuple[int, int]
    triplet: str
    zig_target: str
    interpreter: str
    test_root: str  # name of the root its wheels are tested in
    buildable: bool = True  # False: wheels of this tag are judged, but none are built here

    @property
    def family(self) -> str:
        """``manylinux`` or ``musllinux``."""
        return self.tag.split("_", 1)[0]

    @property
    def python_platform(self) -> str:
        """What ``sysconfig.get_platform()`` says on the target, e.g. ``linux-loongarch64``."""
        return f"linux-{self.architecture.uname}"
