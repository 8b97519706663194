"""A floor root from its parts: laid over one another, and finished by the root's own programs."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from manyloong.errors import IntegrityError
from manyloong.roots.build import Tools, write_loader_cache
from manyloong.roots.compile import EPOCH, CompileDoors
from manyloong.sandbox import Emulator
from manyloong.store.normalise import normalise_tree
from manyloong.targets import Target

# Not code, and the same on any architecture: taken from the current root.
_SHARED = (
    "etc/passwd", "etc/group", "etc/hosts", "etc/hostname", "etc/nsswitch.conf", "etc/resolv.conf",
    "etc/timezone", "etc/machine-id", "etc/protocols", "etc/services", "etc/ssl/certs/ca-certificates.crt",
    "usr/share/zoneinfo",
)  # fmt: skip
# Of GCC, whose symbol versions ask for the first glibc of the architecture: Debian's as it is,
# and the C++ library of the toolchain, since Debian's asks for glibc 2.38.
_RUNTIME = ("libgcc_s.so.1",)
_CXX_RUNTIME = "sysroot/usr/lib/libstdc++.so.6"
_DIRECTORIES = (
    "proc", "sys", "dev", "tmp", "run", "root", "build", "io", "home/builder", "var/tmp", "var/lib",
    "opt/manyloong/env", "opt/manyloong/tools",
)  # fmt: skip
_LIBRARIES = "usr/lib64"
_LINKS = {"bin": "usr/bin", "sbin": "usr/sbin", "lib": "usr/lib", "lib64": "usr/lib64"}
_CERTIFICATES = "etc/ssl/cert.pem"  # where OpenSSL looks for all of them in one file


def assemble_floor(
    tree: Path,
    parts: Sequence[Path],
    *,
    target: Target,
    current: Path,
    toolchain: Path,
    ports: Path | None,
    emulator: Emulator | None,
    doors: CompileDoors,
) -> None:
    """Fill an empty directory; ``parts`` have their files below ``usr`` and ``etc``."""
    for part in parts:
        shutil.copytree(part, tree, symlinks=True, dirs_exist_ok=True)
    for link, place in _LINKS.items():
        (tree / place).mkdir(parents=True, exist_ok=True)
        (tree / link).symlink_to(place)
    for directory in _DIRECTORIES:
        (tree / directory).mkdir(parents=True, exist_ok=True)
    if ports is not None:
        _copy_libraries(ports / "lib", tree / _LIBRARIES)
    for library in _RUNTIME:
        shutil.copyfile(current / "usr/lib" / target.triplet / library, tree / _LIBRARIES / library)
    cxx = toolchain / _CXX_RUNTIME
    shutil.copyfile(cxx, tree / _LIBRARIES / cxx.name)
    for shared in _SHARED:
        _copy_shared(current / shared, tree / shared)
    (tree / _CERTIFICATES).symlink_to("certs/ca-certificates.crt")
    _name_python(tree)
    (tree / "etc/ld.so.conf").write_text(f"/{_LIBRARIES}\n", "utf-8")
    tools = Tools(runner=doors.runner, store=doors.store, listener=doors.listener, emulator=emulator)
    write_loader_cache(tree, tools)
    normalise_tree(tree, epoch=EPOCH)


def _copy_libraries(source: Path, place: Path) -> None:
    """Every shared library of a prefix, with its links."""
    for path in sorted(source.glob("*.so*")):
        if not path.is_dir() and not (place / path.name).exists():
            shutil.copy2(path, place / path.name, follow_symlinks=False)


def _copy_shared(source: Path, place: Path) -> None:
    if not source.exists():
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, place, symlinks=True)
    else:
        shutil.copyfile(source, place)


def _name_python(tree: Path) -> None:
    """``python`` and ``python3`` for the one CPython there is."""
    found = sorted(
        path.name
        for path in (tree / "usr/bin").glob("python3.*")
        if path.name.removeprefix("python3.").rstrip("t").isdigit()
    )
    if not found:
        raise IntegrityError("the CPython of a floor root has no interpreter")
    for name in ("python", "python3"):
        (tree / "usr/bin" / name).unlink(missing_ok=True)
        (tree / "usr/bin" / name).symlink_to(found[-1])
