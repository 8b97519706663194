"""The native CPython answers as the target's, in every way it can be started; loading stays native."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from manyloong.cli.doors import open_outside
from manyloong.events import ignore
from manyloong.sandbox import Bind, Command
from manyloong.targets import Python, all_pythons, target
from manyloong.wheels import cross
from manyloong.wheels.doors import Doors
from manyloong.wheels.environment import BuildEnvironment, ensure_environment
from manyloong.wheels.kit import Kit, ensure_kit

TARGET = target("manylinux_2_36_loongarch64")
QUESTIONS = """
import importlib.machinery, json, os, platform, struct, subprocess, sys, sysconfig
print(json.dumps({
    "platform": sysconfig.get_platform(),
    "machine": platform.machine(),
    "uname": os.uname().machine,
    "suffix": sysconfig.get_config_var("EXT_SUFFIX"),
    "soabi": sysconfig.get_config_var("SOABI"),
    "cc": sysconfig.get_config_var("CC"),
    "include": sysconfig.get_paths()["include"],
    "platinclude": sysconfig.get_path("platinclude"),
    "header": sysconfig.get_config_h_filename(),
    "libc": platform.libc_ver(),
    "multiarch": sys.implementation._multiarch,
    "loads": importlib.machinery.EXTENSION_SUFFIXES[0],
    "imports": bool(__import__("_ctypes")),
}))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cross:
    """A kit, an empty build environment, and a folder to work in."""

    doors: Doors
    kit: Kit
    environment: BuildEnvironment
    python: Python
    place: Path

    def run(self, *argv: str, **variables: str) -> str:
        """What a command in the cross environment prints; it must succeed."""
        tools = self.place / "tools"
        tools.mkdir(exist_ok=True)
        (tools / "cross.json").write_text(cross.cross_config_text(TARGET, self.python))
        log = self.place / "log"
        log.unlink(missing_ok=True)
        environment = cross.cross_variables(epoch=1, jobs=1) | variables
        done = self.doors.runner.run(
            Command(
                argv=argv,
                root=self.kit.native_root.path,
                log=log,
                environment=tuple(sorted(environment.items())),
                binds=(
                    Bind(source=self.kit.toolchain.zig, target=cross.ZIG),
                    Bind(source=self.kit.toolchain.target, target=cross.TARGET),
                    Bind(source=self.environment.path, target=cross.ENVIRONMENT),
                    Bind(source=tools, target=cross.TOOLS),
                ),
            )
        )
        text = log.read_text()
        assert done.succeeded, text
        return text


@pytest.fixture(scope="module", params=[row.tag for row in all_pythons()])
def crossed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Cross:
    outside = open_outside(ignore, offline=False, locked=False)
    kit = ensure_kit(TARGET, outside.host, doors=outside.doors)
    python = next(row for row in all_pythons() if row.tag == request.param)
    environment = ensure_environment(
        python,
        (),
        {},
        root=kit.native_root,
        uv=outside.doors.uv.binary,
        store=outside.doors.store,
        runner=outside.doors.runner,
    )
    place = tmp_path_factory.mktemp("cross")
    return Cross(doors=outside.doors, kit=kit, environment=environment, python=python, place=place)


def check(answers: dict[str, object], python: Python) -> None:
    version = python.version.replace(".", "")
    include = f"{cross.TARGET}/python/{python.tag}/include"
    assert answers == {
        "platform": "linux-loongarch64",
        "machine": "loongarch64",
        "uname": "loongarch64",
        "suffix": f".cpython-{version}-loongarch64-linux-gnu.so",
        "soabi": f"cpython-{version}-loongarch64-linux-gnu",
        "cc": "cc",
        "include": include,
        "platinclude": include,
        "header": f"{include}/pyconfig.h",
        "libc": ["glibc", "2.36"],
        "multiarch": "loongarch64-linux-gnu",
        "loads": f".cpython-{version}-{os.uname().machine}-linux-gnu.so",
        "imports": True,
    }


@pytest.mark.tools
@pytest.mark.parametrize("flags", [(), ("-I",), ("-E",), ("-s", "-B"), ("-O",)])
def test_however_it_is_started(crossed: Cross, flags: tuple[str, ...]) -> None:
    text = crossed.run(f"{cross.ENVIRONMENT}/bin/python", *flags, "-c", QUESTIONS)
    check(json.loads(text), crossed.python)


@pytest.mark.tools
def test_with_a_pythonpath_and_in_a_process_of_a_process(crossed: Cross) -> None:
    outer = (
        f"import subprocess, sys; subprocess.run([sys.executable, '-c', {QUESTIONS!r}],"
        " env={'PYTHONPATH': '/tmp'}, check=True)"
    )
    text = crossed.run("python", "-c", outer, PYTHONPATH="/nowhere")
    check(json.loads(text), crossed.python)


@pytest.mark.tools
def test_the_roots_own_python_stays_what_it_is(crossed: Cross) -> None:
    question = "import sysconfig; print(sysconfig.get_platform())"
    assert crossed.run(crossed.python.executable, "-c", question).strip() == f"linux-{os.uname().machine}"
