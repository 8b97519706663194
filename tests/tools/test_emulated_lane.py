"""In the emulated lane Python and the build's own programs are the target's, all other programs native."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from manyloong.cli.doors import open_outside
from manyloong.events import ignore
from manyloong.sandbox import Command
from manyloong.targets import Python, all_pythons, target
from manyloong.wheels.backend import prepare_workplace, template_binds
from manyloong.wheels.cross import SOURCE
from manyloong.wheels.emulated import open_emulated
from manyloong.wheels.identifier import Identifier
from manyloong.wheels.job import Job, Options
from manyloong.wheels.kit import ensure_kit
from manyloong.wheels.source import Source

TARGET = target("manylinux_2_36_loongarch64")
QUESTIONS = """
import json, os, platform, sysconfig
header = open(sysconfig.get_config_h_filename()).read()
print(json.dumps({
    "machine": [os.uname().machine, platform.machine(), os.popen("uname -m").read().strip()],
    "platform": sysconfig.get_platform(),
    "suffix": sysconfig.get_config_var("EXT_SUFFIX"),
    "compiler": sysconfig.get_config_var("CC"),
    "libc": platform.libc_ver(),
    "of the floor": "#define HAVE_STRLCPY" not in header and not sysconfig.get_config_var("HAVE_STRLCPY"),
    "isolated": json.loads(os.popen("python3 -IS -c 'import json, sysconfig; "
        "print(json.dumps(sysconfig.get_config_var(\\"CC\\")))'").read()),
}))
"""
CMAKE = """\
cmake_minimum_required(VERSION 3.20)
project(questions LANGUAGES C)
file(WRITE main.c "#include <stdio.h>\\nint main(void) { return __loongarch64 ? 0 : 1; }\\n")
try_run(ran compiled SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/main.c)
message(STATUS "<${CMAKE_SYSTEM_PROCESSOR} ${CMAKE_HOST_SYSTEM_PROCESSOR} ${CMAKE_CROSSCOMPILING} ${ran}>")
"""


class NoSupply:
    """Nothing is to be built here."""

    def target_wheel(self, project: str, version: str, python: Python) -> Path:
        raise AssertionError(project, version, python)

    native_wheel = target_wheel

    def links(self) -> tuple[Path, ...]:
        return ()


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., str]:
    """Runs words in the lane's sandbox, in ``/build/src``; gives what they print."""
    outside = open_outside(ignore, offline=False, locked=False)
    doors, python = outside.doors, all_pythons()[0]
    kit = ensure_kit(TARGET, outside.host, doors=doors)
    lane = open_emulated(python, kit, doors, NoSupply())
    source = Source(
        kind="directory",
        location="x",
        name="x",
        version="1",
        sha256="0" * 64,
        path=tmp_path,
        requires_python=None,
    )
    job = Job(source=source, identifier=Identifier(python=python, target=TARGET), options=Options(), kit=())
    workplace = prepare_workplace(tmp_path / "build")
    workplace.source.mkdir()
    lane.prepare(workplace)
    environment = lane.install(["cython"], job)

    def runs(*words: str, **files: str) -> str:
        for name, text in files.items():
            (workplace.source / name.replace("_", ".")).write_text(text)
        workplace.log.unlink(missing_ok=True)
        done = doors.runner.run(
            Command(
                argv=words,
                root=lane.root,
                log=workplace.log,
                environment=tuple(lane.variables(epoch=1, jobs=1).items()),
                binds=template_binds(workplace, lane.trees(workplace, environment), None),
                cwd=SOURCE,
                emulator=lane.emulator,
            )
        )
        assert done.succeeded, done.last_lines(60)
        return workplace.log.read_text()

    return runs


def test_python_is_the_targets_and_configured_for_the_floor(run: Callable[..., str]) -> None:
    found = json.loads(run("python", "-c", QUESTIONS))
    assert found["machine"] == ["loongarch64"] * 3
    assert found["platform"] == "linux-loongarch64"
    assert found["suffix"] == ".cpython-313-loongarch64-linux-gnu.so"
    assert (found["compiler"], found["isolated"]) == ("cc", "cc")
    assert found["libc"] == ["glibc", "2.36"]
    assert found["of the floor"]


def test_cmake_is_native_and_at_home(run: Callable[..., str]) -> None:
    said = run("cmake", "-B", "out", ".", CMakeLists_txt=CMAKE)
    assert "<loongarch64 loongarch64 FALSE 0>" in said
    machines = run(
        "sh", "-c", "for p in cmake ninja make git sh python3; do readlink -f $(command -v $p); done"
    )
    native = run("sh", "-c", f"od -An -tx2 -j18 -N2 {' '.join(line for line in machines.split()[:-1])}")
    assert "0102" not in native  # EM_LOONGARCH
    own = run("sh", "-c", f"od -An -tx2 -j18 -N2 {machines.split()[-1]}")
    assert own.strip() == "0102"


def test_cython_is_translated_natively_however_it_is_called(run: Callable[..., str]) -> None:
    run("cython", "-3", "a.pyx", "-o", "first.c", a_pyx="def f(int x): return x + 1\n")
    run("python", "-mcython", "-3", "a.pyx", "-o", "second.c")
    assert run("cmp", "first.c", "second.c") == ""
    assert run("sh", "-c", "head -1 $(command -v cython)").startswith("#!/opt/manyloong/host/bin/python3.")
