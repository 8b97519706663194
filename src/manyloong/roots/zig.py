"""The pinned zig tree: clang, lld, and the sources of the C libraries' stubs. From PyPI's ziglang wheel."""

import shutil
import tomllib
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from manyloong.errors import HostError, IntegrityError
from manyloong.events import Listener
from manyloong.store import Fetcher, RemoteFile, Store
from manyloong.store.normalise import normalise_tree
from manyloong.targets import Host, all_hosts, all_targets

RECIPE = 1
LIMIT_BYTES = 1 << 30

# What is not needed to compile C and C++ for Linux: other systems' C libraries, zig's own language tools.
_NOT_KEPT = (
    "lib/build-web/",
    "lib/docs/",
    "lib/init/",
    "lib/libtsan/",
    "lib/libc/darwin/",
    "lib/libc/freebsd/",
    "lib/libc/mingw/",
    "lib/libc/netbsd/",
    "lib/libc/openbsd/",
    "lib/libc/wasi/",
    "lib/lldb/",
)

Locate = Callable[[str, str], tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedZig:
    """The wheel for one host architecture."""

    project: str
    version: str
    licence: str
    name: str
    sha256: str
    size_bytes: int


@cache
def _document() -> dict[str, object]:
    return tomllib.loads(files("manyloong.locks").joinpath("toolchain.toml").read_text("utf-8"))


def locked_zig(host: Host) -> LockedZig:
    """The lock's row for a host; HostError where PyPI has no zig for it."""
    document = _document()
    rows = document["file"]
    if not isinstance(rows, dict) or host.name not in rows:
        known = ", ".join(sorted(rows)) if isinstance(rows, dict) else ""
        raise HostError(
            f"there is no pinned ziglang for a host of architecture {host.name!r}",
            hint=f"build on one of: {known}",
        )
    return LockedZig(
        project=str(document["project"]),
        version=str(document["version"]),
        licence=str(document["zig_licence"]),
        **rows[host.name],
    )


def ensure_zig(host: Host, *, store: Store, fetcher: Fetcher, locate: Locate, listener: Listener) -> Path:
    """The unpacked tree: ``zig`` and ``lib/``; fetched and unpacked on first use.

    ``locate(project, file name)`` gives the addresses of a file on the configured package index.
    """
    locked = locked_zig(host)
    key = f"{locked.version}-{host.name}-{locked.sha256[:16]}-r{RECIPE}"
    found = store.tree_path("zig", key)
    if found is not None:
        return found

    def build(directory: Path) -> None:
        wheel = RemoteFile(
            name=locked.name,
            urls=locate(locked.project, locked.name),
            sha256=locked.sha256,
            size_bytes=locked.size_bytes,
        )
        paths = fetcher.fetch([wheel], label="compiler", listener=listener)
        unpack_zig(paths[locked.sha256], directory)

    return store.tree("zig", key, build)


def kept_prefixes() -> tuple[str, ...]:
    """The architectures whose C library headers stay, as zig's directory names begin."""
    triples = {row.architecture.zig.triple for row in all_targets()} | {row.zig_triple for row in all_hosts()}
    names = {triple.partition("-")[0] for triple in triples}
    # zig files headers that are alike for 32 and 64 bits under the shorter name
    return tuple(
        sorted({*names, *(name.removesuffix("64").removesuffix("_") for name in names), "generic", "any"})
    )


def is_kept(name: str) -> bool:
    """Whether a member of the wheel is part of the tree; ``name`` begins below ``ziglang/``."""
    if name == "zig":
        return True
    if not name.startswith("lib/") or name.startswith(_NOT_KEPT):
        return False
    folder, _, rest = name.removeprefix("lib/libc/include/").partition("/")
    if not name.startswith("lib/libc/include/") or not rest:
        return True
    architecture, _, system = folder.partition("-")
    return architecture in kept_prefixes() and system.startswith(("linux", "glibc", "musl"))


def unpack_zig(wheel: Path, directory: Path) -> None:
    """Unpack what is kept; the same bytes give the same tree. IntegrityError for a wheel of another form."""
    total = 0
    try:
        with zipfile.ZipFile(wheel) as archive:
            for member in archive.infolist():
                top, _, name = member.filename.partition("/")
                if top != "ziglang" or member.is_dir() or not is_kept(name):
                    continue
                total += member.file_size
                if ".." in Path(name).parts or total > LIMIT_BYTES:
                    raise IntegrityError(f"{wheel.name}: {member.filename!r} cannot be a part of zig")
                target = directory / name
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(member) as source, target.open("wb") as sink:
                    shutil.copyfileobj(source, sink, 1 << 20)
    except zipfile.BadZipFile as error:
        raise IntegrityError(f"{wheel.name} is not a wheel: {error}") from error
    binary = directory / "zig"
    if not binary.is_file():
        raise IntegrityError(f"{wheel.name} has no ziglang/zig in it")
    binary.chmod(0o755)
    normalise_tree(directory, epoch=0)
