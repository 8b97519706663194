"""The guard with a real pip: in a virtual environment of this host, and of the target under QEMU."""

import os
import platform
import shutil
import subprocess
import sys
import venv
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from evidence.digests import write_evidence

from manyloong.config.mirrors import debian_mirrors
from manyloong.config.paths import cache_directory
from manyloong.config.registries import python_index_url
from manyloong.corpus import Elf, Wheel, make_elf, make_wheel
from manyloong.errors import ManyloongError
from manyloong.events import ignore
from manyloong.roots import Root, ensure_emulator, ensure_root
from manyloong.sandbox import Bind, BubblewrapRunner, Command, Emulator, Limits, probe_host
from manyloong.spec import install_guard
from manyloong.store import HttpFetcher, RemoteFile, Store
from manyloong.targets import host, target
from manyloong.wheels.registry import SimpleRegistry

pytestmark = pytest.mark.tools

TARGET = target("manylinux_2_36_loongarch64")
COMMAND = "pytest tests/tools/audit/test_guard.py"


def example(platform_tag: str) -> tuple[str, bytes]:
    name = f"example-1.0-py3-none-{platform_tag}.whl"
    return name, make_wheel(Wheel(name=name, files=(("example/_x.so", make_elf(Elf())),)))


@pytest.fixture(scope="module")
def pip_wheel() -> Path:
    """The newest pip of the index."""
    fetcher = HttpFetcher(Store(cache_directory(os.environ)))
    registry = SimpleRegistry(
        url=python_index_url(os.environ),
        get_text=lambda url, accept: fetcher.fetch_text((url,), accept=accept),
    )
    try:
        with closing(fetcher):
            releases = registry.releases("pip")
            newest = max(one for one in releases if not one.is_prerelease)
            file = next(one for one in releases[newest].files if one.kind == "wheel")
            remote = RemoteFile(name=file.filename, urls=(file.url,), sha256=file.sha256)
            return fetcher.fetch([remote], label="pip", listener=ignore)[file.sha256]
    except ManyloongError as error:
        pytest.skip(f"no package index: {error}")


class TestNative:
    """This host's Python, told by an environment variable that it is the target's."""

    @pytest.fixture
    def python(self, tmp_path: Path, pip_wheel: Path) -> Path:
        if platform.libc_ver()[0] != "glibc":
            pytest.skip("pip offers manylinux tags on glibc only")
        venv.create(tmp_path / "venv", with_pip=False)
        site = (
            tmp_path / "venv" / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
        )
        shutil.unpack_archive(pip_wheel, site, "zip")
        return tmp_path / "venv" / "bin" / "python"

    def installs(self, python: Path, tag: str) -> bool:
        name, data = example(tag)
        (python.parent / name).write_bytes(data)
        done = subprocess.run(
            [python, "-m", "pip", "install", "--no-index", "--force-reinstall", str(python.parent / name)],
            env={"_PYTHON_HOST_PLATFORM": TARGET.python_platform, "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0 or "is not a supported wheel on this platform" in done.stderr
        return done.returncode == 0

    def test_without_the_guard_pip_takes_old_world_wheels(self, python: Path) -> None:
        assert self.installs(python, "manylinux_2_28_loongarch64")
        assert self.installs(python, "manylinux2014_loongarch64")

    def test_with_the_guard_it_refuses_them(self, python: Path) -> None:
        (site,) = (python.parent.parent / "lib").glob("python*/site-packages")
        install_guard(site)
        assert not self.installs(python, "manylinux_2_28_loongarch64")
        assert not self.installs(python, "manylinux2014_loongarch64")
        assert self.installs(python, "manylinux_2_36_loongarch64")

    def test_the_guard_never_sees_linux_wheels(self, python: Path) -> None:
        (site,) = (python.parent.parent / "lib").glob("python*/site-packages")
        install_guard(site)
        assert self.installs(python, "linux_loongarch64")

    def test_virtual_environments_see_the_standard_library(self, python: Path) -> None:
        code = "import sys, sysconfig; print(sysconfig.get_path('stdlib') in sys.path)"
        assert subprocess.check_output([python, "-c", code], text=True).strip() == "True"


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """The target's root and an emulator."""

    root: Root
    qemu: Path
    runner: BubblewrapRunner

    def run(self, place: Path, *argv: str, cpu: str, binds: tuple[Bind, ...] = ()) -> tuple[int, str]:
        log = place / "log"
        log.unlink(missing_ok=True)
        command = Command(
            argv=argv,
            root=self.root.path,
            log=log,
            environment=(("PATH", "/usr/bin:/bin"), ("HOME", "/tmp"), ("PIP_DISABLE_PIP_VERSION_CHECK", "1")),
            binds=(Bind(source=place, target="/build", writable=True), *binds),
            emulator=Emulator(binary=self.qemu, qemu=TARGET.architecture.qemu, cpu=cpu),
            limits=Limits(time_s=900.0),
        )
        done = self.runner.run(command)
        return done.returncode, log.read_text("utf-8", "replace")


@pytest.fixture(scope="module")
def machine() -> Machine:
    cache = cache_directory(os.environ)
    store, facts, mirrors = Store(cache), probe_host(cache_dir=cache), debian_mirrors(os.environ)
    runner, fetcher = BubblewrapRunner(facts), HttpFetcher(store)
    common = {"store": store, "fetcher": fetcher, "mirrors": mirrors, "listener": ignore, "locked": False}
    try:
        with closing(fetcher):
            root = ensure_root(TARGET.test_root, runner=runner, **common)  # type: ignore[arg-type]
            qemu = ensure_emulator(host(facts.machine), TARGET.architecture, **common)  # type: ignore[arg-type]
    except ManyloongError as error:
        pytest.skip(f"no target root: {error}")
    return Machine(root=root, qemu=qemu, runner=runner)


class TestTarget:
    """The target's own Python, in a virtual environment, under QEMU."""

    def stdlib(self, machine: Machine) -> Path:
        return min(machine.root.path.glob("usr/lib/python3.[0-9]*"))

    def test_guard_in_the_standard_library(self, machine: Machine, pip_wheel: Path, tmp_path: Path) -> None:
        original = self.stdlib(machine)
        guarded = tmp_path / "stdlib"
        shutil.copytree(original, guarded, symlinks=True)
        install_guard(guarded)
        place = tmp_path / "build"
        place.mkdir()
        shutil.copyfile(pip_wheel, place / "pip.whl")
        for tag in ("manylinux_2_28_loongarch64", "manylinux_2_36_loongarch64"):
            name, data = example(tag)
            (place / name).write_bytes(data)
        python = f"/usr/bin/{original.name}"
        cpu = TARGET.architecture.qemu.cpu_baseline
        assert machine.run(place, python, "-m", "venv", "--without-pip", "/build/venv", cpu=cpu)[0] == 0
        bind = (Bind(source=guarded, target=f"/usr/lib/{original.name}"),)
        results = {}
        for tag in ("manylinux_2_28_loongarch64", "manylinux_2_36_loongarch64"):
            for label, binds in (("without guard", ()), ("with guard", bind)):
                code, text = machine.run(
                    place,
                    "/build/venv/bin/python",
                    "/build/pip.whl/pip",
                    "install",
                    "--no-index",
                    "--force-reinstall",
                    f"/build/{example(tag)[0]}",
                    cpu=cpu,
                    binds=binds,
                )
                assert code == 0 or "is not a supported wheel on this platform" in text, text
                results[f"{tag} {label}"] = "installed" if code == 0 else "refused"
        assert results == {
            "manylinux_2_28_loongarch64 without guard": "installed",
            "manylinux_2_28_loongarch64 with guard": "refused",
            "manylinux_2_36_loongarch64 without guard": "installed",
            "manylinux_2_36_loongarch64 with guard": "installed",
        }
        write_evidence("guard", command=COMMAND, results=results)

    def test_hwcap(self, machine: Machine, tmp_path: Path) -> None:
        code = "import ctypes; f = ctypes.CDLL(None).getauxval; f.restype = ctypes.c_ulong; print(hex(f(16)))"
        qemu = TARGET.architecture.qemu
        found = {}
        for cpu in (qemu.cpu_baseline, qemu.cpu_full):
            status, text = machine.run(tmp_path, "/usr/bin/python3", "-c", code, cpu=cpu)
            assert status == 0, text
            found[cpu] = text.strip().splitlines()[-1]
        masks = [int(value, 16) for value in found.values()]
        assert all(mask & 0x1A == 0x1A for mask in masks)  # the specification's hwcap_mask
        assert not any(mask & 1 for mask in masks)  # why bit 0 is not in it
        assert [bool(mask & 1 << 5) for mask in masks] == [False, True]  # LASX
        write_evidence("hwcap", command=COMMAND, results=found)
