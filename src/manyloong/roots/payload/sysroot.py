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
from concurrent.futures import Future, ThreadPoolExecutor
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
SITE_PATCH = "/* zig patch: instead of including __config_site, zig adds -D flags when compiling */"
# Libraries that are part of libc since glibc 2.34 and of musl ever since, and GCC's that compiler-rt covers.
EMPTY_LIBRARIES = ("pthread", "dl", "rt", "util", "atomic", "gcc")
UNWIND_LIBRARIES = ("gcc_s", "gcc_eh")
# Headers of libc++ that its sources read; not <iostream>, whose objects one of them defines in its own way.
PRECOMPILED = """
algorithm any array charconv chrono condition_variable deque filesystem fstream functional future
istream iterator list locale map memory memory_resource mutex optional ostream print random regex
set sstream string system_error thread unordered_map variant vector
"""
CXX_LIBRARIES = ("stdc++", "supc++", "c++abi")
NOT_BUILT = ("/experimental/", "/pstl/", "/support/", "int128_builtins", "cxa_noexception")


class Recipe:
    """The specification as read from JSON."""

    def __init__(self, document: "dict[str, Any]") -> None:
        self.zig = Path(document["zig"])  # the binary; lib/ is beside it
        self.tree = Path(document["tree"])
        self.zig_lib = self.zig.parent / "lib"
        self.zig_target: list[str] = document["zig_target"]  # -target X -mcpu=Y
        self.compile: list[str] = document["compile"]  # clang's driver, configured
        self.compile_cxx: list[str] = document["compile_cxx"]
        self.cxx: bool = document["cxx"]
        self.libc_kernel: list[int] = document[
            "libc_kernel"
        ]  # of the start files' note; empty: as zig has it
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
    if recipe.cxx:
        lay_cxx_headers(recipe, [word for word in line if word.startswith("-D_LIBC")])


def lay_cxx_headers(recipe: Recipe, defines: Sequence[str]) -> None:
    """libc++ headers, with the site configuration in a header again; zig has it on the command line."""
    folder = recipe.include / "c++" / "v1"
    for name in ("libcxxabi", "libcxx"):
        shutil.copytree(recipe.zig_lib / name / "include", folder, dirs_exist_ok=True)
    lines = []
    for word in defines:
        name, _, value = word.removeprefix("-D").partition("=")
        if "DISABLE_VISIBILITY" not in name:  # else all instantiations would be visible outside their library
            lines.append(f"#define {name} {value or 1}\n")
    write(folder / "__config_site", "#pragma once\n" + "".join(lines))
    changed = 0
    for path in (folder / "__config", *sorted((folder / "__configuration").iterdir())):
        text = path.read_text("utf-8")
        changed += SITE_PATCH in text
        path.write_text(text.replace(SITE_PATCH, "#include <__config_site>"), "utf-8")
    if not changed:
        raise SystemExit("zig's libc++ is not the one this program knows")


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
    for name in UNWIND_LIBRARIES:
        write(library / f"lib{name}.a", "INPUT ( -lunwind )\n")
    if recipe.cxx:
        for name in CXX_LIBRARIES:
            write(library / f"lib{name}.a", "INPUT ( -lc++ -lunwind )\n")


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


class Part:
    """The sources of one runtime library that are compiled with the same flags."""

    def __init__(self, library: str, sources: "list[Path]", flags: "list[str]", headers: str = "") -> None:
        self.library = library  # lib{library}.a; several parts may go into one
        self.sources = sources
        self.flags = flags
        self.headers = headers  # parsed once for all sources, if there are any


def runtime_parts(recipe: Recipe) -> "list[Part]":
    """libunwind, and libc++ with libc++abi inside; flags as zig has them."""
    lib = recipe.zig_lib
    hidden = ["-w", "-O2", "-fPIC", "-fvisibility=hidden", "-ffunction-sections", "-fdata-sections"]
    unwind = [
        *hidden,
        f"-I{lib}/libunwind/include",
        "-D_LIBUNWIND_HIDE_SYMBOLS",
        "-D_LIBUNWIND_IS_NATIVE_ONLY",
    ]
    files = sorted((lib / "libunwind" / "src").iterdir())
    parts = [
        Part("unwind", [path for path in files if path.suffix in {".c", ".S"}], [*unwind, "-fexceptions"]),
        Part(
            "unwind",
            [path for path in files if path.suffix == ".cpp"],
            [*unwind, "-fno-exceptions", "-fno-rtti", "-nostdinc++"],
        ),
    ]
    if not recipe.cxx:
        return parts
    cxx = [*hidden, "-fvisibility-inlines-hidden", "-std=c++23", "-DNDEBUG", "-D_LIBCPP_BUILDING_LIBRARY"]
    cxx += [f"-I{lib}/libcxx/src", f"-I{lib}/libcxx/libc", "-DLIBC_NAMESPACE=__llvm_libc_common_utils"]
    flags = [*cxx, "-DLIBCXX_BUILDING_LIBCXXABI", "-D_LIBCPP_HAS_NO_PRAGMA_SYSTEM_HEADER"]
    parts.append(Part("c++", cxx_sources(lib / "libcxx"), flags, PRECOMPILED))
    flags = [*cxx, "-D_LIBCXXABI_BUILDING_LIBRARY", "-DHAVE___CXA_THREAD_ATEXIT_IMPL"]
    parts.append(Part("c++", cxx_sources(lib / "libcxxabi"), flags))
    return parts


def cxx_sources(folder: Path) -> "list[Path]":
    sources = sorted((folder / "src").rglob("*.cpp"))
    return [path for path in sources if not any(part in str(path) for part in NOT_BUILT)]


def compile_source(
    command: Sequence[str], source: Path, item: Path, precompiled: "Future[Path] | None"
) -> None:
    """One object. The precompiled headers save half the time and change no byte; where a source does not
    compile with them, or defines something before it includes any header, it is compiled without.
    """
    words = [*command, "-c", str(source), "-o", str(item)]
    start = source.read_text("utf-8").partition("#include")[0]
    if precompiled is not None and "define" not in start:
        with_headers = [*words, "-include-pch", str(precompiled.result())]
        if subprocess.run(with_headers, capture_output=True, check=False).returncode == 0:
            return
    run(words)


def precompile(command: Sequence[str], headers: str, work: Path) -> Path:
    source = work / "headers.h"
    source.write_text("".join(f"#include <{name}>\n" for name in headers.split()), "utf-8")
    result = work / "headers.pch"
    run([*command, "-fpch-instantiate-templates", "-x", "c++-header", str(source), "-o", str(result)])
    return result


def build_runtimes(recipe: Recipe, work: Path, pool: ThreadPoolExecutor) -> None:
    """libunwind.a and libc++.a; what takes longest is begun first."""
    members: dict[str, list[str]] = {}
    waiting: list[Future[None]] = []
    parts = runtime_parts(recipe)
    ready = {
        part.headers: pool.submit(precompile, [*recipe.compile_cxx, *part.flags], part.headers, work)
        for part in parts
        if part.headers
    }
    for number, part in sorted(enumerate(parts), key=lambda pair: bool(pair[1].headers)):
        for source in sorted(part.sources, key=lambda path: -path.stat().st_size):
            item = work / f"{number}-{source.stem}.o"
            members.setdefault(part.library, []).append(str(item))
            compiler = recipe.compile_cxx if source.suffix == ".cpp" else recipe.compile
            command = [*compiler, *part.flags]
            waiting.append(pool.submit(compile_source, command, source, item, ready.get(part.headers)))
    for future in waiting:
        future.result()
    for library, items in members.items():
        run([str(recipe.zig), "ar", "rcsD", str(recipe.library / f"lib{library}.a"), *sorted(items)])


def main(path: str) -> int:
    """Fill the tree that the specification names."""
    recipe = Recipe(json.loads(Path(path).read_text("utf-8")))
    jobs = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(jobs) as pool:
        work = Path(name)
        cache = work / "cache"
        lay_zig(recipe, cache)
        lay_headers(recipe, cache)
        lay_start_files(recipe, work)
        libraries = pool.submit(lay_libraries, recipe, cache)
        build_runtimes(recipe, work, pool)
        libraries.result()
        lay_names(recipe)
    for module in sorted((recipe.tree / "lib" / "wrappers").glob("*.py")):
        mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
        py_compile.compile(str(module), doraise=True, optimize=0, invalidation_mode=mode)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
