"""The real roots: tools start, every module of every standard library imports, no library is missing."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from pysequoia import Cert

from manyloong.config.mirrors import debian_mirrors
from manyloong.config.paths import cache_directory
from manyloong.events import ignore
from manyloong.roots import Root, ensure_emulator, ensure_root
from manyloong.roots.index import archive_keys
from manyloong.roots.renew import renew_lock
from manyloong.sandbox import BubblewrapRunner, Command, Emulator, probe_host
from manyloong.store import HttpFetcher, Store
from manyloong.targets import host, target

pytestmark = pytest.mark.tools
HOST = host(os.uname().machine)
PYTHONS = ("3.13", "3.14", "3.15")
TOOLS = (
    *(
        "aclocal",
        "autoconf",
        "automake",
        "autoreconf",
        "bash",
        "bzip2 --help",
        "cmake",
        "diff",
        "file",
        "find",
    ),
    *("find", "git", "grep", "gzip", "libtoolize", "m4", "make", "ninja", "openssl version", "patch", "perl"),
    *("pkg-config", "sed", "tar", "unzip -v", "which ls", "xz", "zip"),
    *(f"loongarch64-linux-gnu-{name}" for name in ("objcopy", "readelf", "strip")),
)
IMPORT_ALL = """
import importlib, sys
elsewhere = {"antigravity", "this", "idlelib", "turtle", "turtledemo", "tkinter"}
elsewhere |= {"msvcrt", "nt", "winreg", "winsound"}
private = {"_ssl", "_ctypes", "_sqlite3", "_lzma", "_bz2", "_curses", "_hashlib", "_decimal", "_uuid"}
for name in sorted(sys.stdlib_module_names - elsewhere):
    if not name.startswith("_") or name in private:
        importlib.import_module(name)
import ssl
assert len(ssl.create_default_context().get_ca_certs()) > 100
import asyncio, importlib.util, os
assert os.path.exists(importlib.util.cache_from_source(asyncio.__file__))
"""
MISSING = """
for f in /usr/bin/* /usr/sbin/* /usr/libexec/*/* /usr/lib/git-core/* /usr/lib/*/*.so*; do
  if ldd "$f" 2>/dev/null | grep 'not found' >/tmp/missing; then echo "$f: $(cat /tmp/missing)"; fi
done
"""
Run = Callable[..., str]


@pytest.fixture(scope="module")
def store() -> Store:
    return Store(cache_directory(os.environ))


@pytest.fixture(scope="module")
def root_of(store: Store) -> Callable[[str], Root]:
    return partial(
        ensure_root,
        store=store,
        fetcher=HttpFetcher(store),
        mirrors=debian_mirrors(os.environ),
        runner=BubblewrapRunner(probe_host(cache_dir=store.path)),
        listener=ignore,
    )


@pytest.fixture(scope="module")
def native(root_of: Callable[[str], Root]) -> Root:
    return root_of(f"native-{HOST.debian}")


@pytest.fixture(scope="module")
def loong(root_of: Callable[[str], Root]) -> Root:
    return root_of("target-loong64")


@pytest.fixture(scope="module")
def emulator(store: Store) -> Emulator | None:
    architecture = target("manylinux_2_36").architecture
    if HOST.debian == architecture.debian:
        return None
    binary = ensure_emulator(
        HOST,
        architecture,
        store=store,
        fetcher=HttpFetcher(store),
        mirrors=debian_mirrors(os.environ),
        listener=ignore,
    )
    return Emulator(binary=binary, qemu=architecture.qemu, cpu=architecture.qemu.cpu_baseline)


@pytest.fixture
def run(store: Store, tmp_path: Path) -> Run:
    runner = BubblewrapRunner(probe_host(cache_dir=store.path))

    def run_in(root: Root, *argv: str, emulator: Emulator | None = None) -> str:
        log = tmp_path / "log"
        log.write_text("")
        environment = (("PATH", "/usr/bin:/usr/sbin"), ("LC_ALL", "C.UTF-8"))
        command = Command(argv=argv, root=root.path, log=log, environment=environment, emulator=emulator)
        done = runner.run(command)
        text = log.read_text()
        assert done.succeeded, f"{argv}: {done.returncode} {done.outcome}\n{text[-2000:]}"
        return text

    return run_in


def test_every_tool_starts(native: Root, run: Run) -> None:
    calls = [tool if " " in tool else f"{tool} --version" for tool in TOOLS]
    lines = [f"{call} >/dev/null 2>&1 || {{ echo '{call}'; exit 1; }}" for call in calls]
    run(native, "/usr/bin/bash", "-euc", "\n".join(lines))
    assert run(native, "/usr/bin/awk", "BEGIN { print 6 * 7 }") == "42\n"


def test_no_library_is_missing(native: Root, run: Run) -> None:
    assert run(native, "/usr/bin/bash", "-c", MISSING) == ""


@pytest.mark.parametrize("python", PYTHONS)
def test_native_standard_library_is_complete(native: Root, run: Run, python: str) -> None:
    run(native, f"/usr/bin/python{python}", "-c", IMPORT_ALL)


@pytest.mark.parametrize("python", PYTHONS)
def test_target_standard_library_is_complete(
    loong: Root, emulator: Emulator | None, run: Run, python: str
) -> None:
    run(loong, f"/usr/bin/python{python}", "-c", IMPORT_ALL, emulator=emulator)


@pytest.mark.parametrize("python", PYTHONS)
def test_headers_and_venv_are_there(native: Root, loong: Root, run: Run, python: str) -> None:
    for root, triplet in ((native, HOST.triplet), (loong, "loongarch64-linux-gnu")):
        assert (root.path / f"usr/include/python{python}/Python.h").is_file()
        assert (root.path / f"usr/include/{triplet}/python{python}/pyconfig.h").is_file()
        assert list((root.path / f"usr/lib/python{python}").glob("_sysconfigdata_*.py"))
    run(native, f"/usr/bin/python{python}", "-m", "venv", "/tmp/env")


def test_no_header_or_link_library_of_others_is_there(native: Root) -> None:
    """A cross build that found the build machine's zlib.h would be wrong without a word."""
    include = native.path / "usr/include"
    names = {path.name for path in include.iterdir()} | {
        path.name for path in (include / HOST.triplet).iterdir()
    }
    assert {name for name in names if not name.startswith("python3.")} <= {"gnumake.h", HOST.triplet}
    assert not list(native.path.rglob("*.a"))


def test_nothing_leads_out_and_modes_are_two(native: Root, loong: Root) -> None:
    for root in (native, loong):
        modes = {path.lstat().st_mode & 0o7777 for path in root.path.rglob("*") if not path.is_symlink()}
        assert modes == {0o755, 0o644}
        assert not list(root.path.rglob("*.dpkg-new"))


def test_the_mirrors_index_is_signed_by_a_shipped_key(store: Store) -> None:
    lock, _, signed = renew_lock(
        "emulator-amd64", fetcher=HttpFetcher(store), mirrors=debian_mirrors(os.environ), listener=ignore
    )
    assert [package.name for package in lock.packages] == ["qemu-user"]
    shipped = {str(Cert.from_bytes(key).fingerprint).upper() for key in archive_keys()}
    assert set(signed.rpartition("signed by ")[2].split(", ")) <= shipped
