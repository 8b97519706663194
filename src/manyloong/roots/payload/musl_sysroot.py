"""Builds a sysroot with musl from its own source. Runs in the sandbox, with the parts of ``sysroot.py``.

zig gives the compiler's own routines and Linux's headers; musl's makefile gives everything else. The library
is named as wheels ask for it, so the same file is linked against and runs in the target's root. Usage:
``musl_sysroot.py SPEC.json``; see ``roots/musl.py`` for the fields.
"""

import json
import os
import py_compile
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

TYPE_CHECKING = False
if TYPE_CHECKING:
    from manyloong.roots.payload import sysroot
else:
    sys.path.insert(0, str(Path(__file__).parent))  # -I leaves it out
    import sysroot

# What lld looks for under these names, and what is in musl or in compiler-rt.
EMPTY_LIBRARIES = ("atomic", "gcc")


class Musl:
    """The part of the specification that is musl's."""

    def __init__(self, document: "dict[str, Any]") -> None:
        self.archive = Path(document["archive"])
        self.triplet = str(document["triplet"])
        self.soname = str(document["soname"])
        self.loader = str(document["loader"])  # its place in a root
        self.binaries = str(document["binaries"])


def lay_builtins(recipe: sysroot.Recipe, cache: Path) -> None:
    """Compiler-rt, by the one link that compiles nothing else: a shared library with a shared libc."""
    source = cache / "main.c"
    source.write_text("int main(void) { return 0; }\n", "utf-8")
    words = ["cc", *recipe.zig_target, "-O2", "-s", "-fPIC", "-shared", "-dynamic"]
    line = sysroot.zig_lines(recipe, cache, [*words, str(source), "-o", str(cache / "out")], "ld.lld")[-1]
    (builtins,) = (word for word in line if word.endswith("/libcompiler_rt.a"))
    sysroot.copy(cache / builtins, recipe.runtime / "libclang_rt.builtins.a")


def run(command: "list[str]", *, cwd: Path, environment: "dict[str, str]") -> None:
    """Run; the end of what was said goes to stderr where the command fails."""
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        end = (done.stdout + done.stderr).splitlines()[-30:]
        sys.stderr.write("\n".join([" ".join(command), *end]) + "\n")
        raise SystemExit(done.returncode)


def build_musl(recipe: sysroot.Recipe, musl: Musl, work: Path) -> None:
    """Headers, start files and the shared library into the sysroot, by musl's own makefile."""
    source, target = work / "musl", work / "installed"
    source.mkdir()
    environment = {
        "PATH": f"{musl.binaries}:/usr/bin:/bin",
        "HOME": str(work),
        "LC_ALL": "C",
        "CC": " ".join(recipe.compile),
        "AR": f"{musl.binaries}/ar",
        "RANLIB": f"{musl.binaries}/ranlib",
        "LIBCC": str(recipe.runtime / "libclang_rt.builtins.a"),
        "CFLAGS": f"-O2 -w -ffile-prefix-map={source}=/usr/src/musl",
        "LDFLAGS": f"-Wl,-soname,{musl.soname}",
    }
    unpack = ["tar", "-xf", str(musl.archive), "-C", str(source), "--strip-components=1"]
    run(unpack, cwd=work, environment=environment)
    configure = ["./configure", f"--target={musl.triplet}", "--prefix=/usr", "--syslibdir=/lib"]
    run([*configure, "--enable-optimize=no", "--disable-static"], cwd=source, environment=environment)
    jobs = len(os.sched_getaffinity(0))
    run(["make", "-s", f"-j{jobs}"], cwd=source, environment=environment)
    install = ["make", "-s", f"DESTDIR={target}", "install-headers", "install-libs"]
    run(install, cwd=source, environment=environment)
    shutil.copytree(target / "usr" / "include", recipe.include, dirs_exist_ok=True)
    for path in sorted((target / "usr" / "lib").iterdir()):
        sysroot.copy(path, recipe.library / path.name)
    (recipe.library / "libc.so").replace(recipe.library / musl.soname)
    sysroot.run([f"{musl.binaries}/strip", "--strip-unneeded", str(recipe.library / musl.soname)])
    (recipe.library / "libc.so").symlink_to(musl.soname)
    loader = recipe.sysroot / musl.loader.lstrip("/")  # for what a configure script compiles and runs
    loader.parent.mkdir(parents=True)
    loader.symlink_to(f"../usr/lib/{musl.soname}")


def lay_names(recipe: sysroot.Recipe) -> None:
    """The libraries that are asked for by name and have nothing of their own here."""
    for name in EMPTY_LIBRARIES:
        sysroot.write(recipe.library / f"lib{name}.a", "/* part of libc or of compiler-rt */\n")
    sysroot.write(recipe.library / "libgcc_eh.a", "INPUT ( libgcc_s.so.1 )\n")


def main(path: str) -> int:
    """Fill the tree that the specification names."""
    document = json.loads(Path(path).read_text("utf-8"))
    recipe, musl = sysroot.Recipe(document), Musl(document["musl"])
    jobs = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(jobs) as pool:
        work = Path(name)
        cache = work / "cache"
        sysroot.lay_zig(recipe, cache)
        sysroot.lay_headers(recipe, cache)
        sysroot.lay_intrinsics(recipe)
        sysroot.lay_start_files(recipe, work)
        lay_builtins(recipe, cache)
        build_musl(recipe, musl, work)
        lay_names(recipe)
        sysroot.link_unwinder(recipe, work, sysroot.compile_unwinder(recipe, work, pool))
    for module in sorted((recipe.tree / "lib" / "wrappers").glob("*.py")):
        mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
        py_compile.compile(str(module), doraise=True, optimize=0, invalidation_mode=mode)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
