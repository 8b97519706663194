"""Builds a sysroot for a C library's floor from what ships inside zig. Runs in the sandbox.

zig makes the libc stubs and the start files of a floor when it first links for it. Here it links three small
programs, the link lines it reports name the files, and those are laid out as any sysroot is: ``usr/include``,
``usr/lib``, clang's resource directory. From then on clang's own driver and lld work with it, and zig's build
system takes no further part. Usage: ``sysroot.py SPEC.json``; see ``roots/toolchain.py`` for the fields.
"""

import json
import os
import py_compile
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

# crtbegin.o's one duty on systems with .init_array: run this object's own exit functions when it is unloaded.
CRT_BEGIN = """
__attribute__((visibility("hidden"))) void *__dso_handle = &__dso_handle;
extern void __cxa_finalize(void *) __attribute__((weak));
static void finalize(void) { if (__cxa_finalize) __cxa_finalize(__dso_handle); }
__attribute__((section(".fini_array"), used)) static void (*const at_unload)(void) = finalize;
"""
# zig's compiler-rt is one object with sin, memcpy and __stack_chk_fail in it: whoever needs a wide division
# gets those too, and they take precedence over the C library's. Only the compiler's own routines are kept.
EXPORT = "    if (!builtin.is_test) @export(func, .{"
EXPORT_KEPT = "    if (!builtin.is_test and comptime isCompilers(name)) @export(func, .{"
IS_COMPILERS = """
fn isCompilers(name: []const u8) bool {
    @setEvalBranchQuota(1000000);
    if (!std.mem.startsWith(u8, name, "__")) return false;
    if (std.mem.startsWith(u8, name, "__stack_chk")) return false;
    return !std.mem.endsWith(u8, name, "_chk") and !std.mem.endsWith(u8, name, "chk_fail");
}
"""
# Of clang's own headers, those of the language; an architecture's intrinsics are named by its row. Others
# must not be found: configure checks and __has_include ask for immintrin.h to learn whether this is x86.
LANGUAGE_HEADERS = """
__std* __float_* std* float.h limits.h iso646.h inttypes.h tgmath.h unwind.h varargs.h builtins.h
module.modulemap llvm_libc_wrappers sanitizer profile fuzzer xray
"""
# Libraries that are part of libc since glibc 2.34 and of musl ever since, and GCC's that compiler-rt covers.
EMPTY_LIBRARIES = ("pthread", "dl", "rt", "util", "atomic", "gcc")
# What GCC's libgcc_s.so.1 exports of its unwinder, and under which versions (libgcc/libgcc-std.ver.in and
# libgcc/config/libgcc-glibc.ver of its source); the rest of libgcc is in compiler-rt, hidden in each library.
LIBGCC_VERSIONS = """
GCC_3.0 { global:
  _Unwind_DeleteException; _Unwind_Find_FDE; _Unwind_ForcedUnwind; _Unwind_GetDataRelBase; _Unwind_GetGR;
  _Unwind_GetIP; _Unwind_GetLanguageSpecificData; _Unwind_GetRegionStart; _Unwind_GetTextRelBase;
  _Unwind_RaiseException; _Unwind_Resume; _Unwind_SetGR; _Unwind_SetIP; local: *; };
GCC_3.3 { global:
  _Unwind_Backtrace; _Unwind_FindEnclosingFunction; _Unwind_GetCFA; _Unwind_Resume_or_Rethrow; } GCC_3.0;
GCC_3.3.1 { global: __gcc_personality_v0; } GCC_3.3;
GCC_4.2.0 { global: _Unwind_GetIPInfo; } GCC_3.3.1;
GLIBC_2.0 { global: __register_frame; __deregister_frame; __register_frame_info; __deregister_frame_info; };
"""


class Recipe:
    """The specification as read from JSON."""

    def __init__(self, document: "dict[str, Any]") -> None:
        self.zig = Path(document["zig"])  # the binary; lib/ is beside it
        self.tree = Path(document["tree"])
        self.zig_lib = self.zig.parent / "lib"
        self.zig_target: list[str] = document["zig_target"]  # -target X -mcpu=Y
        self.compile: list[str] = document["compile"]  # clang's driver, configured
        self.compile_cxx: list[str] = document["compile_cxx"]
        self.headers: list[str] = document["headers"]  # of clang's own, besides the language's
        self.libc_kernel: list[int] = document["libc_kernel"]  # in the start files' note; empty: zig's
        self.configuration = self.tree / "lib" / "clang"
        self.sysroot = self.tree / "sysroot"
        self.include = self.sysroot / "usr" / "include"
        self.library = self.sysroot / "usr" / "lib"
        self.runtime = self.tree / document["runtime"]  # where clang looks for its builtins


def zig_lines(recipe: Recipe, cache: Path, words: Sequence[str], marker: str) -> list[list[str]]:
    """The command lines that zig reports for a compiler call, those that begin with ``marker``."""
    environment = {
        "ZIG_LIB_DIR": str(cache / "lib"),
        "ZIG_GLOBAL_CACHE_DIR": str(cache),
        "ZIG_LOCAL_CACHE_DIR": str(cache),
        "ZIG_VERBOSE_CC": "1",
        "ZIG_VERBOSE_LINK": "1",
        "PATH": "/usr/bin:/bin",
        "HOME": str(cache),
    }
    command = [str(recipe.zig), *words]
    done = subprocess.run(command, env=environment, cwd=cache, capture_output=True, text=True, check=False)
    if done.returncode:
        reported = (str(recipe.zig), "ld.lld -", "ar ")  # what it was told to report, not what went wrong
        errors = [line for line in done.stderr.splitlines() if not line.startswith(reported)]
        sys.stderr.write("\n".join([" ".join(command), *errors]) + "\n")
        raise SystemExit(done.returncode)
    return [line.split() for line in done.stderr.splitlines() if line.startswith(marker)]


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def lay_zig(recipe: Recipe, cache: Path) -> None:
    """Zig's lib folder as links, with the one file that we change."""
    (cache / "lib").mkdir(parents=True)
    for path in recipe.zig_lib.iterdir():
        (cache / "lib" / path.name).symlink_to(path)
    text = (recipe.zig_lib / "compiler_rt.zig").read_text("utf-8")
    if EXPORT not in text:
        raise SystemExit("zig's compiler_rt.zig is not the one this program knows")
    changed = cache / "lib" / "compiler_rt.zig"
    changed.unlink()
    changed.write_text(text.replace(EXPORT, EXPORT_KEPT) + IS_COMPILERS, "utf-8")


def lay_headers(recipe: Recipe, cache: Path) -> None:
    """Copy the header directories zig searches, the first to be searched on top; write down its defines."""
    source = cache / "empty.cc"
    source.write_text("", "utf-8")
    words = ["c++", *recipe.zig_target, "-c", str(source), "-o", str(cache / "empty.o")]
    line = zig_lines(recipe, cache, words, str(recipe.zig) + " clang")[0]
    folders = [cache / line[at + 1] for at, word in enumerate(line) if word == "-isystem"]
    for folder in reversed(folders):
        if "libc" in folder.parts:
            shutil.copytree(folder, recipe.include, dirs_exist_ok=True)
    floor = [word for word in line if word.startswith("-D__GLIBC")]
    write(recipe.configuration / "floor.cfg", "\n".join(floor) + "\n")


def lay_intrinsics(recipe: Recipe) -> None:
    """Clang's own headers as links: those of the language and of the architecture."""
    place = recipe.configuration / "include"
    place.mkdir(parents=True)
    patterns = [*LANGUAGE_HEADERS.split(), *recipe.headers]
    for path in sorted((recipe.zig_lib / "include").iterdir()):
        if any(fnmatchcase(path.name, pattern) for pattern in patterns):
            (place / path.name).symlink_to(path)


def lay_libraries(recipe: Recipe, cache: Path) -> None:
    """Link for the floor in three ways and copy what the link lines name."""
    source = cache / "main.c"
    source.write_text("int main(void) { return 0; }\n", "utf-8")
    for kind in ("-shared", "-no-pie", "-pie"):
        words = ["cc", *recipe.zig_target, "-O2", "-s", "-fPIC", kind, str(source), "-o", str(cache / "out")]
        for name in (Path(word) for word in zig_lines(recipe, cache, words, "ld.lld")[-1]):
            path = cache / name
            if name.name == "libcompiler_rt.a":
                copy(path, recipe.runtime / "libclang_rt.builtins.a")
            elif re.match(r"(S?crt1\.o|lib\w+\.(so\.\d+|a))$", name.name):
                copy(path, recipe.library / name.name)
                if name.suffix == ".o" and recipe.libc_kernel:
                    date_note(recipe.library / name.name, recipe.libc_kernel)


def date_note(start_file: Path, kernel: "Sequence[int]") -> None:
    """The kernel in the ABI note of a start file: zig writes Linux 2.0.0 for every architecture."""
    head = struct.pack("=III4sI", 4, 16, 1, b"GNU", 0)  # NT_GNU_ABI_TAG of Linux; elf.h
    data = start_file.read_bytes()
    if data.count(head) != 1:
        raise SystemExit(f"{start_file.name}: {data.count(head)} ABI notes; zig's glibc is not the known one")
    start = data.index(head) + len(head)
    start_file.write_bytes(data[:start] + struct.pack("=III", *kernel) + data[start + 12 :])


def copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def lay_names(recipe: Recipe) -> None:
    """The names that ``-lNAME`` looks for: linker scripts over the files that are there."""
    library = recipe.library
    stubs = sorted(path.name for path in library.glob("lib*.so.*"))
    for name in stubs:
        if not name.startswith(("libc.", "libld.")):
            (library / name.partition(".so")[0]).with_suffix(".so").symlink_to(name)
    loader = [f"AS_NEEDED ( {name} )" for name in stubs if name.startswith("libld.")]
    rest = [name for name in ("libc_nonshared.a",) if (library / name).exists()]
    write(
        library / "libc.so",
        f"GROUP ( {' '.join([*(n for n in stubs if n.startswith('libc.')), *rest, *loader])} )\n",
    )
    taken = {path.name.split(".")[0] for path in library.iterdir()}
    for name in EMPTY_LIBRARIES:
        if f"lib{name}" not in taken:
            write(library / f"lib{name}.a", "/* part of libc or of compiler-rt */\n")
    write(library / "libgcc_eh.a", "INPUT ( libgcc_s.so.1 )\n")  # a process has one unwinder, the platform's


def lay_start_files(recipe: Recipe, work: Path) -> None:
    """crtbegin.o and crtend.o, where clang's driver looks for them, and empty crti.o and crtn.o."""
    recipe.runtime.mkdir(parents=True, exist_ok=True)
    recipe.library.mkdir(parents=True, exist_ok=True)
    for path, text in (
        (recipe.runtime / "clang_rt.crtbegin.o", CRT_BEGIN),
        (recipe.runtime / "clang_rt.crtend.o", "\n"),
        (recipe.library / "crti.o", "\n"),
        (recipe.library / "crtn.o", "\n"),
    ):
        source = work / f"{path.stem}.c"
        source.write_text(text, "utf-8")
        run([*recipe.compile, "-fPIC", "-O2", "-c", str(source), "-o", str(path)])


def run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.stderr.write(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
        raise SystemExit(done.returncode)


def compile_unwinder(recipe: Recipe, work: Path, pool: ThreadPoolExecutor) -> "list[Path]":
    """The objects of LLVM's libunwind; flags as zig has them."""
    folder = recipe.zig_lib / "libunwind"
    flags = [
        "-w",
        "-O2",
        "-fPIC",
        "-fvisibility=hidden",
        f"-I{folder}/include",
        "-D_LIBUNWIND_IS_NATIVE_ONLY",
    ]
    starts = {
        ".c": [*recipe.compile, "-fexceptions"],
        ".S": recipe.compile,
        ".cpp": [*recipe.compile_cxx, "-fno-exceptions", "-fno-rtti", "-nostdinc++"],
    }
    waiting = {}
    for source in sorted((folder / "src").iterdir()):
        if source.suffix in starts:
            item = work / f"{source.stem}.o"
            command = [*starts[source.suffix], *flags, "-c", str(source), "-o", str(item)]
            waiting[item] = pool.submit(run, command)
    for future in waiting.values():
        future.result()
    return list(waiting)


def link_unwinder(recipe: Recipe, work: Path, objects: "list[Path]") -> None:
    """libgcc_s.so.1: LLVM's unwinder under the names and versions of GCC's.

    Wheels are linked against it and run with the platform's own.
    """
    script = work / "libgcc_s.ver"
    script.write_text(LIBGCC_VERSIONS, "utf-8")
    library = recipe.library / "libgcc_s.so.1"
    command = [*recipe.compile, "-shared", "-nostdlib", "-Wl,-soname,libgcc_s.so.1", "-Wl,-z,defs", "-s"]
    command += [f"-Wl,--version-script={script}", *(str(path) for path in objects)]
    run([*command, str(recipe.runtime / "libclang_rt.builtins.a"), "-lc", "-o", str(library)])
    (recipe.library / "libgcc_s.so").symlink_to(library.name)


def main(path: str) -> int:
    """Fill the tree that the specification names."""
    recipe = Recipe(json.loads(Path(path).read_text("utf-8")))
    jobs = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(jobs) as pool:
        work = Path(name)
        cache = work / "cache"
        lay_zig(recipe, cache)
        lay_headers(recipe, cache)
        lay_intrinsics(recipe)
        lay_start_files(recipe, work)
        libraries = pool.submit(lay_libraries, recipe, cache)
        unwinder = compile_unwinder(recipe, work, pool)
        libraries.result()
        lay_names(recipe)
        link_unwinder(recipe, work, unwinder)
    for module in sorted((recipe.tree / "lib" / "wrappers").glob("*.py")):
        mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
        py_compile.compile(str(module), doraise=True, optimize=0, invalidation_mode=mode)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
