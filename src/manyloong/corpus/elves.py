"""Samples of the rules that look at ELF files: one file that trips each rule, one neighbour that does not."""

from dataclasses import dataclass, replace

from manyloong.corpus.elf import Elf, Undefined
from manyloong.corpus.sample import Sample, pair, wheel_of

_PROGRAM = Elf(file_type=3, interpreter="/lib64/ld-linux-loongarch-lp64d.so.1", abi_tag=(5, 19, 0))
_NOP = 0x03400000
_LIBZ = ("libc.so.6", "libz.so.1")
_MALLOC = Undefined(name="malloc", version="GLIBC_2.36", library="libc.so.6")
_LASX, _V1_1, _LBT, _LVZ, _CSR = 0x740A0000, 0x38578000, 0x00007000, 0x05000000, 0x04000000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pair:
    """A rule, and two ELF files in a good wheel: one that trips it and one that does not."""

    rule: str
    bad: tuple[str, Elf]
    good: tuple[str, Elf]


def _needs(version: str, library: str = "libc.so.6", symbol: str = "function") -> Elf:
    undefined = (Undefined(name=symbol, version=version, library=library),)
    return Elf(
        needed=("libc.so.6",) if library == "libc.so.6" else (library, "libc.so.6"), undefined=undefined
    )


def _code(name: str, *words: int) -> Elf:
    return Elf(code=((name, words),))


_ELF_PAIRS = (
    _Pair(rule="ML001", bad=("x86_64 code", Elf(machine=62, e_flags=0)), good=("EM_LOONGARCH", Elf())),
    _Pair(
        rule="ML003", bad=("soft float, object ABI v1", Elf(e_flags=0x41)), good=("0x43", Elf(e_flags=0x43))
    ),
    _Pair(
        rule="ML010",
        bad=("needs GLIBC_2.27", _needs("GLIBC_2.27")),
        good=("needs GLIBC_2.36", _needs("GLIBC_2.36")),
    ),
    _Pair(
        rule="ML011",
        bad=("program for /lib64/ld.so.1", replace(_PROGRAM, interpreter="/lib64/ld.so.1")),
        good=("program for the new loader", _PROGRAM),
    ),
    _Pair(
        rule="ML012",
        bad=("needs ld.so.1", Elf(needed=("libc.so.6", "ld.so.1"))),
        good=("needs the new loader", Elf(needed=("libc.so.6", "ld-linux-loongarch-lp64d.so.1"))),
    ),
    _Pair(
        rule="ML013",
        bad=("needs libutil.so.1", Elf(needed=("libc.so.6", "libutil.so.1"))),
        good=("needs libdl.so.2", Elf(needed=("libc.so.6", "libdl.so.2"))),
    ),
    _Pair(
        rule="ML014",
        bad=("ABI note 4.15.0", replace(_PROGRAM, abi_tag=(4, 15, 0))),
        good=("ABI note 5.19.0", _PROGRAM),
    ),
    _Pair(
        rule="ML015",
        bad=("GCC 8.3", Elf(comment="GCC: (Vendor 8.3.0-6) 8.3.0")),
        good=("GCC 14.2", Elf(comment="GCC: (Debian 14.2.0-8) 14.2.0")),
    ),
    _Pair(
        rule="ML016",
        bad=("no versioned symbol", Elf(undefined=())),
        good=("one versioned symbol", Elf()),
    ),
    _Pair(
        rule="ML017",
        bad=(
            "musl loader as GCC 12 spells it",
            replace(_PROGRAM, interpreter="/lib64/ld-musl-loongarch-lp64d.so.1"),
        ),
        good=("the platform's loader", _PROGRAM),
    ),
    _Pair(
        rule="ML040",
        bad=("needs GLIBC_2.38 under manylinux_2_36", _needs("GLIBC_2.38", symbol="strlcpy")),
        good=("needs GLIBCXX_3.4.30", _needs("GLIBCXX_3.4.30", "libstdc++.so.6")),
    ),
    _Pair(
        rule="ML041",
        bad=("GLIBC_2.0 of libpthread", _needs("GLIBC_2.0", "libpthread.so.0")),
        good=("GLIBC_2.0 of libgcc_s", _needs("GLIBC_2.0", "libgcc_s.so.1")),
    ),
    _Pair(
        rule="ML042",
        bad=("needs GLIBC_PRIVATE", _needs("GLIBC_PRIVATE")),
        good=("needs GLIBC_ABI_DT_RELR", _needs("GLIBC_ABI_DT_RELR")),
    ),
    _Pair(
        rule="ML043",
        bad=("needs libxml2.so.2", Elf(needed=("libc.so.6", "libxml2.so.2"))),
        good=("needs libz.so.1", Elf(needed=("libc.so.6", "libz.so.1"))),
    ),
    _Pair(
        rule="ML044",
        bad=("needs libmvec.so.1", Elf(needed=("libc.so.6", "libmvec.so.1"))),
        good=("needs libm.so.6", Elf(needed=("libc.so.6", "libm.so.6"))),
    ),
    _Pair(
        rule="ML045",
        bad=(
            "undefined `gone`, and only libc.so.6 is needed",
            Elf(undefined=(_MALLOC, Undefined(name="gone"))),
        ),
        good=("the same symbol weak", Elf(undefined=(_MALLOC, Undefined(name="gone", weak=True)))),
    ),
    _Pair(
        rule="ML047",
        bad=(
            "inflate_fast of libz.so.1",
            Elf(needed=_LIBZ, undefined=(_MALLOC, Undefined(name="inflate_fast"))),
        ),
        good=("inflate of libz.so.1", Elf(needed=_LIBZ, undefined=(_MALLOC, Undefined(name="inflate")))),
    ),
    _Pair(
        rule="ML048",
        bad=("pow without libm.so.6", Elf(undefined=(_MALLOC, Undefined(name="pow")))),
        good=("pow of libm.so.6", _needs("GLIBC_2.36", "libm.so.6", "pow")),
    ),
    _Pair(
        rule="ML049",
        bad=("defines __libc_message, which glibc hides", Elf(exported=("PyInit_example", "__libc_message"))),
        good=("defines a malloc of its own", Elf(exported=("PyInit_example", "malloc"))),
    ),
    _Pair(
        rule="ML050",
        bad=("TLS descriptor under manylinux_2_36", Elf(relocations=((14, 1),))),
        good=("traditional TLS", Elf(relocations=((7, 1), (9, 1)))),
    ),
    _Pair(
        rule="ML051",
        bad=("R_LARCH_SOP_PUSH_PCREL, an object ABI v0 type", Elf(relocations=((22, 1),))),
        good=("R_LARCH_RELATIVE", Elf(relocations=((3, 1),))),
    ),
    _Pair(rule="ML060", bad=("p_align 4 KiB", Elf(align=0x1000)), good=("p_align 16 KiB", Elf(align=0x4000))),
    _Pair(
        rule="ML061", bad=("p_align 16 KiB", Elf(align=0x4000)), good=("p_align 64 KiB", Elf(align=0x10000))
    ),
    _Pair(rule="ML062", bad=("PT_GNU_STACK rwx", Elf(stack_flags=7)), good=("rw", Elf(stack_flags=6))),
    _Pair(rule="ML063", bad=("DT_TEXTREL", Elf(text_relocations=True)), good=("none", Elf())),
    _Pair(
        rule="ML064",
        bad=("RUNPATH climbs out", Elf(runpath="$ORIGIN/../../lib")),
        good=("RUNPATH of grafted libraries", Elf(runpath="$ORIGIN/../example.libs")),
    ),
    _Pair(rule="ML065", bad=("segment rwx", Elf(load_flags=7)), good=("segment r-x", Elf(load_flags=5))),
    _Pair(
        rule="ML066",
        bad=("ET_EXEC", replace(_PROGRAM, file_type=2)),
        good=("ET_DYN", _PROGRAM),
    ),
    _Pair(
        rule="ML070",
        bad=("xvadd in a function no recipe names", _code("kernel", _LASX)),
        good=("scalar code", _code("kernel", _NOP)),
    ),
    _Pair(
        rule="ML071",
        bad=("llacq.w in a function no recipe names", _code("kernel", _V1_1)),
        good=("amswap.w of version 1.0", _code("kernel", 0x38600000)),
    ),
    _Pair(rule="ML072", bad=("an LBT instruction", _code("f", _LBT)), good=("none", _code("f", _NOP))),
    _Pair(rule="ML073", bad=("gcsrxchg", _code("f", _LVZ)), good=("none", _code("f", _NOP))),
    _Pair(
        rule="ML075",
        bad=("csrrd after a jump", _code("f", 0x4C000020, _CSR)),
        good=("an add after a jump", _code("f", 0x4C000020, _NOP)),
    ),
    _Pair(rule="ML074", bad=("csrrd", _code("f", _CSR)), good=("rdtime.d", _code("f", 0x00006800))),
)


ELF_SAMPLES: tuple[Sample, ...] = tuple(
    sample
    for one in _ELF_PAIRS
    for sample in pair(one.rule, (one.bad[0], wheel_of(one.bad[1])), (one.good[0], wheel_of(one.good[1])))
)
