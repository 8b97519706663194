"""Flags that packages and their build systems use compile and link, and the result keeps to the floor."""

import json
from pathlib import Path
from typing import Any

import pytest
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection
from elftools.elf.relocation import RelocationSection
from elftools.elf.sections import SymbolTableSection

pytestmark = pytest.mark.tools

SOURCE = """
#include <math.h>
#include <stdio.h>
#include <string.h>
static __thread int calls;
__thread int seen;
int helper(int x) { return x + 1; }
int entry(int x) {
  char b[64];
  memset(b, x, x & 63);
  printf("%d %f\\n", ++calls, sin(x));
  return b[x & 31] + seen++;
}
__int128 wide(__int128 a, __int128 b) { return a / b; }
"""
_COMPILER_FLAGS = """
-march=la64v1.0 -march=loongarch64 -march=la464 -march=native -mtune=la464 -mtune=generic
-mtune=native -mstrict-align -mno-strict-align -mabi=lp64d -mlsx -mlasx -mno-lasx -mcmodel=normal
-mcmodel=medium -mcmodel=extreme -mexplicit-relocs -flto -flto=auto -flto=2 -ffat-lto-objects
-fno-lto -fuse-ld=bfd -fuse-ld=gold -fuse-ld=lld -fuse-linker-plugin -specs=/none.specs
-fstack-clash-protection -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fno-plt
-fno-semantic-interposition -fipa-pta -fno-strict-overflow -fwrapv -g -g3 -gdwarf-5 -gz -pthread
-static-libgcc -static-libstdc++ -rdynamic -fvisibility=hidden -ffunction-sections -fdata-sections
-frecord-gcc-switches -grecord-gcc-switches -ffile-prefix-map=/build=. -fdebug-prefix-map=/build=.
-Wa,--noexecstack -Wdate-time -fopenmp-simd -fno-common -pipe
"""
LINKER_FLAGS = (
    "-Wl,--exclude-libs,ALL",
    "-Wl,--exclude-libs=libq.a",
    "-Xlinker --exclude-libs -Xlinker ALL",
    "-Wl,-Bsymbolic-functions",
    "-Wl,-Bsymbolic",
    "-Wl,--dynamic-list=list",
    "-Wl,--push-state,--as-needed -lm -Wl,--pop-state",
    "-Wl,-Map=out.map",
    "-Wl,-Map,out.map",
    "-Wl,--defsym=alias=entry",
    "-Wl,--undefined=entry",
    "-Wl,-u,entry",
    "-L. -l:libq.a",
    "-Wl,-z,pack-relative-relocs",
    "-Wl,-z,separate-code",
    "-Wl,-z,noseparate-code",
    "-Wl,--version-script=script",
    "-Wl,--version-script,script",
    "-Wl,-soname,libx.so",
    "-Wl,-soname=libx.so",
    "-Wl,-h,libx.so",
    "-Wl,--soname=libx.so",
    "-Xlinker -soname -Xlinker libx.so",
    "-Wl,-z,relro -Wl,-z,now",
    "-Wl,-z,defs",
    "-Wl,--no-undefined",
    "-Wl,-z,max-page-size=4096",
    "-Wl,--build-id",
    "-Wl,--build-id=uuid",
    "-Wl,--hash-style=gnu",
    "-Wl,-O1 -Wl,--sort-common",
    "-Wl,-rpath,$ORIGIN/../lib",
    "-Wl,--no-warn-rwx-segments",
    "-Wl,--gc-sections",
    "-Wl,--no-gc-sections",
    "-Wl,--whole-archive libq.a -Wl,--no-whole-archive",
    "-Wl,--start-group libq.a -lm -Wl,--end-group",
    "-Wl,-E",
    "-s",
    "@response",
)
FILES = {
    "a.c": SOURCE,
    "q.c": "int q(void) { return 4; }\n",
    "list": "{ entry; };\n",
    "script": "V1 { global: entry; not_there; local: *; };\n",
    "response": '-O2 -fipa-pta "-Wl,-soname,libx.so" -lm\n',
}


def elf_of(path: Path) -> dict[str, Any]:
    """The facts that the floor is about."""
    with path.open("rb") as stream:
        elf = ELFFile(stream)
        dynamic = elf.get_section_by_name(".dynamic")
        needs = elf.get_section_by_name(".gnu.version_r")
        symbols = elf.get_section_by_name(".dynsym")
        assert isinstance(dynamic, DynamicSection)
        assert isinstance(symbols, SymbolTableSection)
        tags: list[Any] = list(dynamic.iter_tags())
        versions = set()
        if isinstance(needs, GNUVerNeedSection):
            versions = {auxiliary.name for _, row in needs.iter_versions() for auxiliary in row}
        relocations = {
            row["r_info_type"]
            for section in elf.iter_sections()
            if isinstance(section, RelocationSection)
            for row in section.iter_relocations()
        }
        return {
            "flags": elf["e_flags"],
            "align": {s["p_align"] for s in elf.iter_segments() if s["p_type"] == "PT_LOAD"},
            "versions": versions,
            "tls_descriptors": relocations & {13, 14},  # R_LARCH_TLS_DESC32, R_LARCH_TLS_DESC64
            "needed": {tag.needed for tag in tags if tag.entry.d_tag == "DT_NEEDED"},
            "exported": {s.name for s in symbols.iter_symbols() if s["st_shndx"] != "SHN_UNDEF"} - {""},
            "undefined": {s.name for s in symbols.iter_symbols() if s["st_shndx"] == "SHN_UNDEF"} - {""},
        }


def check_floor(path: Path, besides: tuple[str, ...] = ()) -> dict[str, Any]:
    facts = elf_of(path)
    assert facts["flags"] == 0x43
    assert facts["align"] == {0x10000}
    assert facts["tls_descriptors"] == set()
    versions = facts["versions"]
    assert versions <= {"GLIBC_2.36", "GLIBC_ABI_DT_RELR"}
    needed = facts["needed"]
    assert needed <= {"libc.so.6", "libm.so.6", "ld-linux-loongarch-lp64d.so.1", *besides}
    return facts


@pytest.mark.parametrize("flag", _COMPILER_FLAGS.split())
def test_compiler_flags(flag: str, workshop: Any) -> None:
    workshop.write(FILES)
    words = ("cc", "-O2", "-fPIC", flag)
    workshop.check(*words, "-c", "a.c", "-o", "a.o")
    workshop.check(*words, "-shared", "a.o", "-o", "a.so", "-lm")
    unwinder = ("libgcc_s.so.1",) if flag == "-static-libgcc" else ()  # the platform's, all the same
    check_floor(workshop.place / "a.so", besides=unwinder)


@pytest.mark.parametrize("flags", LINKER_FLAGS)
def test_linker_flags(flags: str, workshop: Any) -> None:
    workshop.write(FILES)
    script = f"cc -c q.c -o q.o && ar rcs libq.a q.o && cc -O2 -fPIC -shared a.c -o a.so {flags} -lm"
    workshop.check("sh", "-ec", script.replace("$", "\\$"))
    check_floor(workshop.place / "a.so")


def test_what_was_dropped_is_logged(workshop: Any) -> None:
    workshop.write(FILES)
    workshop.check(
        "cc", "-fipa-pta", "-flto=2", "-shared", "-fPIC", "a.c", "-o", "a.so", "-Wl,--add-needed", "-lm"
    )
    lines = [json.loads(line) for line in (workshop.place / ".toolchain.jsonl").read_text().splitlines()]
    assert {"tool": "cc", "dropped": ["-fipa-pta"], "translated": ["-flto=2 -> -flto"]} in lines
    assert {"tool": "ld", "dropped": ["--add-needed"], "translated": []} in lines


def test_an_unknown_flag_is_the_compilers_own_error(workshop: Any) -> None:
    workshop.write(FILES)
    done = workshop.run("cc", "-fno-such-thing", "-c", "a.c")
    assert not done.succeeded
    assert "unknown argument: '-fno-such-thing'" in done.log.read_text()


ANSWERS = {
    "-dumpmachine": "loongarch64-linux-gnu",
    "-print-multiarch": "loongarch64-linux-gnu",
    "-print-file-name=libc.so": "/opt/manyloong/target/sysroot/usr/lib/libc.so",
    "-print-file-name=none.so": "none.so",
    "-print-sysroot": "/opt/manyloong/target/sysroot",
    "-print-prog-name=ld": "/opt/manyloong/target/bin/ld",
}


@pytest.mark.parametrize(("flag", "text"), ANSWERS.items())
def test_answers(flag: str, text: str, workshop: Any) -> None:
    assert workshop.check("cc", flag).strip() == text


def test_the_version_is_the_one_we_say(workshop: Any) -> None:
    said = workshop.check("cc", "--version")
    version = workshop.check("cc", "-dumpversion").strip()
    assert f"clang version {version}" in said
    assert "LLD" in workshop.check("ld", "--version")


def test_ways_to_preprocess(workshop: Any) -> None:
    workshop.write(FILES)
    macros = workshop.check("sh", "-c", "cc -E -dM -x c - </dev/null; echo '#include <features.h>' | cpp -dM")
    assert "#define __loongarch_lp64 1" in macros
    assert "#define __GLIBC_MINOR__ 36" in macros
    assert "NDEBUG" not in macros
    workshop.check("cc", "-MD", "-MF", "a.d", "-MT", "x", "-c", "a.c")
    assert "stdio.h" in (workshop.place / "a.d").read_text()
    assert "/usr/include" not in (workshop.place / "a.d").read_text().replace("sysroot/usr/include", "")


def test_executables_of_both_languages_run_on_the_target(workshop: Any) -> None:
    workshop.write(
        {
            "a.c": '#include <stdio.h>\nint main(void) { return puts("c") < 0; }\n',
            "b.cc": "#include <iostream>\n#include <stdexcept>\n#include <thread>\n"
            'thread_local int n = 1;\nstruct Last { ~Last() { std::cout << "end\\n"; } } last;\n'
            "int main() { std::thread([] { n++; }).join();\n"
            'try { throw std::runtime_error("c++"); } catch (const std::exception& e) {\n'
            'std::cout << e.what() << n << "\\n"; } }\n',
        }
    )
    workshop.check("cc", "-O2", "a.c", "-o", "a")
    workshop.check("c++", "-O2", "b.cc", "-o", "b", "-pthread")
    workshop.check("cc", "-O2", "-no-pie", "a.c", "-o", "a2")
    assert workshop.emulate("a") == workshop.emulate("a2") == "c\n"
    assert workshop.emulate("b") == "c++1\nend\n"
    assert {"libstdc++.so.6", "libgcc_s.so.1"} <= elf_of(workshop.place / "b")["needed"]


def test_the_c_librarys_names_come_from_the_c_library(workshop: Any) -> None:
    workshop.write(FILES)
    workshop.check("cc", "-O2", "-fPIC", "-shared", "-fstack-protector-all", "a.c", "-o", "a.so", "-lm")
    facts = check_floor(workshop.place / "a.so")
    undefined = facts["undefined"]
    assert {"sin", "memset", "__stack_chk_fail"} <= undefined
    tree = workshop.kit.toolchain.target
    builtins = next(tree.glob("lib/clang/lib/*/libclang_rt.builtins.a"))
    (workshop.place / "rt.a").write_bytes(builtins.read_bytes())
    listed = workshop.check("nm", "--defined-only", "-g", "rt.a")
    defined = {line.split()[-1] for line in listed.splitlines() if len(line.split()) == 3}
    libc = set[str]()
    for name in ("libc.so.6", "libm.so.6", "libld.so.2"):
        exported = elf_of(tree / "sysroot/usr/lib" / name)["exported"]
        libc |= exported
    assert "__divti3" in defined
    assert defined & libc == set()


def test_fifty_objects_at_once(workshop: Any) -> None:
    workshop.write({f"s{n}.c": SOURCE + f"int n{n} = {n};\n".replace("entry", f"e{n}") for n in range(50)})
    workshop.check("sh", "-ec", "ls s*.c | xargs -P8 -n1 cc -O1 -fPIC -fcommon -fvisibility=hidden -c")
    assert len(list(workshop.place.glob("s*.o"))) == 50
    workshop.check("sh", "-ec", "ar rcs liball.a s*.o; ranlib liball.a; nm liball.a | grep -q n49")


def test_archives_and_libraries_do_not_depend_on_when_and_where(workshop: Any) -> None:
    workshop.write({"one/a.c": SOURCE, "two/a.c": SOURCE})
    results = []
    for folder in ("one", "two"):
        script = (
            f"cc -O2 -g -fPIC -ffile-prefix-map=/build/{folder}=. -c a.c -o a.o; ar rcs a.a a.o;"
            "cc -shared a.o -o a.so -lm -Wl,--build-id; sleep 1.1"
        )
        workshop.check("sh", "-ec", script, cwd=f"/build/{folder}")
        results.append([(workshop.place / folder / name).read_bytes() for name in ("a.o", "a.a", "a.so")])
    assert results[0] == results[1]


def test_binutils_are_the_targets(workshop: Any) -> None:
    workshop.write(FILES)
    script = (
        "cc -g -shared -fPIC a.c -o a.so -lm; strip a.so; objcopy --only-section=.text a.so b.so;"
        "readelf -h a.so; loongarch64-linux-gnu-objdump -d a.so"
    )
    assert "LoongArch" in workshop.check("sh", "-ec", script)
    check_floor(workshop.place / "a.so")


def test_the_build_machines_compiler_makes_programs_for_it(workshop: Any) -> None:
    workshop.write({"a.c": "#include <math.h>\nint main(int c, char **v) { return sin(c) > 2; }\n"})
    workshop.check("cc", "-O2", "a.c", "-o", "a", "-lm", native=True)
    workshop.check("./a")


def test_pkg_config_finds_only_what_is_for_the_target(workshop: Any) -> None:
    assert workshop.run("pkg-config", "--list-all").log.read_text() == ""
    assert not workshop.run("pkg-config", "--exists", "zlib").succeeded
    workshop.write({"pc/demo.pc": "Name: demo\nDescription: x\nVersion: 1\nLibs: -lx\n"})
    found = workshop.check("sh", "-c", "PKG_CONFIG_PATH=/build/pc pkg-config --libs demo")
    assert found.strip() == "-lx"
