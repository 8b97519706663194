"""A musl root from its parts, laid over one another; its loader searches fixed folders and needs no cache."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from manyloong.errors import IntegrityError
from manyloong.roots.compile import EPOCH
from manyloong.store.normalise import normalise_tree
from manyloong.targets import Target

# Not code, and the same with any C library: taken from the architecture's current root.
_SHARED = (
    "etc/passwd", "etc/group", "etc/hosts", "etc/hostname", "etc/resolv.conf", "etc/timezone",
    "etc/protocols", "etc/services", "etc/ssl/certs/ca-certificates.crt", "usr/share/zoneinfo",
)  # fmt: skip
_DIRECTORIES = (
    "proc", "sys", "dev", "tmp", "run", "root", "build", "io", "home/builder", "var/tmp", "var/lib",
    "opt/manyloong/env", "opt/manyloong/tools",
)  # fmt: skip
_LINKS = {"bin": "usr/bin", "sbin": "usr/sbin", "lib": "usr/lib"}
_LIBRARIES = "usr/lib"
_UNWINDER = (
    "sysroot/usr/lib/libgcc_s.so.1"  # BusyBox asks for it; the auditor sees that no wheel relies on it
)
_CERTIFICATES = "etc/ssl/cert.pem"  # where OpenSSL looks for all of them in one file


def assemble_musl(
    tree: Path, parts: Sequence[Path], *, target: Target, current: Path, toolchain: Path, ports: Path | None
) -> None:
    """Fill an empty directory; ``parts`` have their files below ``usr``. The C library is the toolchain's.

    There is no C++ library: wheels bring theirs, because a musl system may have none.
    """
    for part in parts:
        shutil.copytree(part, tree, symlinks=True, dirs_exist_ok=True)
    for link, place in _LINKS.items():
        (tree / place).mkdir(parents=True, exist_ok=True)
        (tree / link).symlink_to(place)
    for directory in _DIRECTORIES:
        (tree / directory).mkdir(parents=True, exist_ok=True)
    if ports is not None:
        for path in sorted((ports / "lib").glob("*.so*")):
            if not path.is_dir():
                shutil.copy2(path, tree / _LIBRARIES / path.name, follow_symlinks=False)
    lay_libc(tree, target, toolchain / "sysroot/usr/lib")
    shutil.copyfile(toolchain / _UNWINDER, tree / _LIBRARIES / "libgcc_s.so.1")
    for name in _SHARED:
        _copy(current / name, tree / name)
    (tree / _CERTIFICATES).parent.mkdir(parents=True, exist_ok=True)
    (tree / _CERTIFICATES).symlink_to("certs/ca-certificates.crt")
    _name_python(tree)
    normalise_tree(tree, epoch=EPOCH)


def lay_libc(tree: Path, target: Target, libraries: Path) -> None:
    """The library at the loader's place, and under the name by which it is needed: one file is both."""
    loader = tree / target.interpreter.lstrip("/")
    shutil.copyfile((libraries / "libc.so").resolve(), loader)
    loader.chmod(0o755)
    (loader.parent / (libraries / "libc.so").readlink().name).symlink_to(loader.name)


def _copy(source: Path, place: Path) -> None:
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
        raise IntegrityError("the CPython of a musl root has no interpreter")
    for name in ("python", "python3"):
        (tree / "usr/bin" / name).unlink(missing_ok=True)
        (tree / "usr/bin" / name).symlink_to(found[-1])
