"""What is known of an architecture, a build host and a platform tag: typed rows of ``targets.toml``."""

from dataclasses import dataclass, replace


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
    headers: tuple[str, ...]  # clang's own with the architecture's intrinsics
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
    """One CPython that wheels are built for."""

    tag: str  # ABI tag, e.g. "cp313" or "cp313t"
    version: str  # "3.13"
    executable: str  # absolute path inside the roots that its wheels are tested in
    native: str = ""  # inside the native root, where that is another: one of the same minor version
    from_source: bool = False  # in no root of Debian's: built from source

    @property
    def native_executable(self) -> str:
        """The interpreter that presents itself as the target's while a wheel is built."""
        return self.native or self.executable

    @property
    def name(self) -> str:
        """The interpreter's own name, which its library's directory has too, e.g. ``python3.13t``."""
        return self.executable.rpartition("/")[2]

    @property
    def for_build(self) -> "Python":
        """As the build machine has it: its own interpreter, which has no free threading."""
        return replace(self, tag=self.interpreter, executable=self.native_executable)

    @property
    def free_threaded(self) -> bool:
        """Whether it is of the free-threaded build; PEP 703."""
        return self.tag.endswith("t")

    @property
    def interpreter(self) -> str:
        """The Python tag of its wheels, e.g. ``cp313``; PEP 425."""
        return "cp" + self.version.replace(".", "")


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
    floor_root: str = ""  # name of the root with the floor's own C library; "" where there is none
    image_root: str = ""  # name of the root that its container image is made of; "" where there is none
    buildable: bool = True  # False: wheels of this tag are judged, but none are built here
    from_source: bool = False  # no distribution's root has its C library: the floor root is the only one

    @property
    def family(self) -> str:
        """``manylinux`` or ``musllinux``."""
        return self.tag.split("_", 1)[0]

    @property
    def python_platform(self) -> str:
        """What ``sysconfig.get_platform()`` says on the target, e.g. ``linux-loongarch64``."""
        return f"linux-{self.architecture.uname}"

    def python(self, python: Python) -> Python:
        """A CPython as there is one for this target: from source where no root brings it."""
        return replace(python, from_source=python.from_source or self.from_source)
