"""Builds GCC's C++ library for a toolchain with clang, from GCC's source. Runs in the sandbox.

The library's own configure and makefiles do it, told that this is a cross build, so nothing is asked of the
machine it runs on. Usage: ``libstdcxx.py SPEC.json``; see ``roots/libstdcxx.py`` for the fields.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

# Of GCC's source: the library, what its build reads of libgcc and libiberty, and the scripts beside them.
NEEDED = """
libstdc++-v3 libgcc libiberty include config
config-ml.in config.guess config.sub install-sh ltmain.sh missing move-if-change mkinstalldirs
libtool-ldflags gcc/BASE-VER gcc/DATESTAMP
"""
NOT_NEEDED = (
    "libstdc++-v3/testsuite/*/*",
    "libstdc++-v3/doc/html",
    "libstdc++-v3/doc/xml",
    "libgcc/config/*/*",
)
# What clang and lld are not asked or do not know: file, what it says, what it is made to say, why.
CHANGES = (
    # lld's version number says nothing about GNU ld's; it has all that is asked for, as mold has
    ("libstdc++-v3/configure", "grep 'mold'", "grep -e mold -e LLD"),
    # a form of debug information, of a file that has none
    ("libstdc++-v3/src/c++11/Makefile.in", " -gno-as-loc-support", ""),
)
OPTIONS = """
--disable-multilib --disable-nls --disable-static --enable-shared --with-pic --with-gnu-ld
--enable-symvers=gnu --disable-libstdcxx-pch --enable-libstdcxx-time=yes --with-default-libstdcxx-abi=new
--disable-werror
"""
# GCC exports each constructor and destructor under every name it has; -w: newer warnings than the source.
FLAGS = "-O2 -fPIC -w -mno-constructor-aliases"
ARCHIVES = (
    "src/.libs/libstdc++.a",
    "src/filesystem/.libs/libstdc++fs.a",
    "libsupc++/.libs/libsupc++.a",
)


class Recipe:
    """The specification as read from JSON."""

    def __init__(self, document: "dict[str, Any]") -> None:
        self.archive = Path(document["archive"])
        self.inner = str(document["inner"])  # the archive inside the archive
        self.work = Path(document["work"])
        self.output = Path(document["output"])  # what is written, laid out as the toolchain is
        self.triplet = str(document["triplet"])
        self.version = str(document["version"])  # of the header directory
        self.library = document["library"]  # False: headers only
        self.compile: list[str] = document["compile"]  # clang's driver, configured
        self.compile_cxx: list[str] = document["compile_cxx"]
        self.binaries = str(document["binaries"])
        self.builtins = str(document["builtins"])
        self.zig = str(document["zig"])
        self.source = self.work / "gcc"
        self.objects = self.work / "objects" / "libstdc++-v3"


def run(command: Sequence[str], *, cwd: Path, environment: "Mapping[str, str] | None" = None) -> None:
    """Run with its output in a file, whose end is shown where the command fails."""
    log = cwd / "manyloong.log"
    with log.open("wb") as stream:
        done = subprocess.run(
            command, cwd=cwd, env=environment, stdout=stream, stderr=subprocess.STDOUT, check=False
        )
    if done.returncode:
        end = log.read_text("utf-8", "replace").splitlines()[-30:]
        sys.stderr.write("\n".join([" ".join(command), *end]) + "\n")
        raise SystemExit(done.returncode)


def unpack(recipe: Recipe) -> None:
    """The parts of GCC's source that are needed, below ``source``."""
    recipe.source.mkdir(parents=True)
    outer = ["tar", "-xOf", str(recipe.archive), "--wildcards", f"*/{recipe.inner}"]
    inner = ["tar", "-xJ", "-C", str(recipe.source), "--strip-components=1", "--no-same-owner", "--wildcards"]
    inner += [f"--exclude=*/{pattern}" for pattern in NOT_NEEDED]
    inner += [f"*/{name}" for name in NEEDED.split()]
    with subprocess.Popen(outer, stdout=subprocess.PIPE) as reading:
        done = subprocess.run(inner, stdin=reading.stdout, check=False)
    if done.returncode or reading.returncode:
        raise SystemExit(f"{recipe.archive.name} does not hold {recipe.inner} of GCC")
    for name, before, after in CHANGES:
        path = recipe.source / name
        text = path.read_text("utf-8")
        if before not in text:
            raise SystemExit(f"{name} is not the one this program knows: it has no {before!r}")
        path.write_text(text.replace(before, after), "utf-8")


def configure(recipe: Recipe) -> None:
    recipe.objects.mkdir(parents=True)
    libgcc = recipe.objects.parent / "libgcc"  # as libgcc's own configure would leave it
    libgcc.mkdir()
    (libgcc / "gthr-default.h").symlink_to(recipe.source / "libgcc" / "gthr-posix.h")
    environment = {
        "PATH": f"{recipe.binaries}:/usr/bin:/bin",
        "HOME": "/home",
        "LC_ALL": "C",
        "CONFIG_SHELL": "/bin/sh",
        "CC": " ".join(recipe.compile),
        "CXX": " ".join([*recipe.compile_cxx, "-nostdinc++", "-nostdlib++"]),
        "CPP": " ".join([*recipe.compile, "-E"]),
        "AR": f"{recipe.binaries}/ar",
        "RANLIB": f"{recipe.binaries}/ranlib",
        "LD": f"{recipe.binaries}/ld",
        "CFLAGS": FLAGS,
        "CXXFLAGS": FLAGS,
    }
    command = ["/bin/sh", str(recipe.source / "libstdc++-v3" / "configure"), *OPTIONS.split()]
    command += ["--build=x86_64-build-linux-gnu", f"--host={recipe.triplet}", "--prefix=/usr"]
    command += [f"--with-gxx-include-dir=/usr/include/c++/{recipe.version}"]
    run(command, cwd=recipe.objects, environment=environment)


def make(recipe: Recipe, folder: str, *words: str) -> None:
    environment = {"PATH": f"{recipe.binaries}:/usr/bin:/bin", "HOME": "/home", "LC_ALL": "C"}
    jobs = len(os.sched_getaffinity(0))
    run(
        ["make", "-s", f"-j{jobs}", "-C", folder, "LIBTOOLFLAGS=--silent", *words],
        cwd=recipe.objects,
        environment=environment,
    )


def install_headers(recipe: Recipe) -> None:
    destination = f"DESTDIR={recipe.output}"
    make(recipe, "include")
    make(recipe, "include", "install-data", destination)
    make(recipe, "libsupc++", "install-stdHEADERS", "install-bitsHEADERS", destination)


def install_libraries(recipe: Recipe) -> None:
    """The shared library without its local symbols, and the static ones, their members in one order."""
    make(recipe, "libsupc++")
    # libtool links without the compiler's defaults and does not know compiler-rt
    make(recipe, "src", f"OPT_LDFLAGS=-Wl,-O1,-z,relro,-z,defs,{recipe.builtins}")
    library = recipe.output / "usr" / "lib"
    library.mkdir(parents=True, exist_ok=True)
    (shared,) = (
        path for path in (recipe.objects / "src" / ".libs").glob("libstdc++.so.6.*") if not path.is_symlink()
    )
    strip = [
        f"{recipe.binaries}/strip",
        "--strip-unneeded",
        "-o",
        str(library / "libstdc++.so.6"),
        str(shared),
    ]
    run(strip, cwd=recipe.work)
    (library / "libstdc++.so").symlink_to("libstdc++.so.6")
    for name in ARCHIVES:
        pack(recipe, recipe.objects / name, library / Path(name).name)


def pack(recipe: Recipe, archive: Path, target: Path) -> None:
    """An archive with the same members, sorted."""
    folder = recipe.work / target.name
    folder.mkdir()
    run([recipe.zig, "ar", "x", str(archive)], cwd=folder)
    members = sorted(path.name for path in folder.glob("*.o"))
    run([recipe.zig, "ar", "rcsD", str(target), *members], cwd=folder)


def main(path: str) -> int:
    """Fill the directory that the specification names."""
    recipe = Recipe(json.loads(Path(path).read_text("utf-8")))
    unpack(recipe)
    configure(recipe)
    install_headers(recipe)
    if recipe.library:
        install_libraries(recipe)
    shutil.rmtree(recipe.work)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
