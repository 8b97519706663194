"""A project's ``before-test``: run once for a Python, in the lane's root; it may change what tests see."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from manyloong.errors import BuildError, InputError, TestError
from manyloong.sandbox import Bind, Command
from manyloong.targets import Python
from manyloong.wheels.backend import prepare_workplace
from manyloong.wheels.before import Stage, fill, run_hook
from manyloong.wheels.cross import BUILD, HOME, TOOLS
from manyloong.wheels.doors import Doors
from manyloong.wheels.emulated import open_emulated
from manyloong.wheels.gate import open_gate
from manyloong.wheels.gateway import Shelf
from manyloong.wheels.hooks import TestHooks, prelude
from manyloong.wheels.kit import Kit
from manyloong.wheels.promises import LOCAL, PROJECT, open_promised
from manyloong.wheels.requirements import Supply
from manyloong.wheels.site import VENV

_VARIABLES = (
    ("HOME", HOME),
    ("LANG", "C.UTF-8"),
    ("PATH", f"{VENV}/bin:{LOCAL}/bin:/usr/bin:/bin"),
    ("TMPDIR", "/tmp"),  # noqa: S108 - the sandbox's own
    ("TZ", "UTC"),
    ("UV_PYTHON", f"{VENV}/bin/python"),
    ("VIRTUAL_ENV", VENV),
)


def run_before_test(
    hooks: TestHooks, python: Python, kit: Kit, doors: Doors, supply: Supply, *, place: Path,
    project: Path | None,
) -> None:  # fmt: skip
    """Change the environment in ``place / "venv"`` as the hook says; TestError when it fails."""
    lane = open_emulated(python, kit, doors, supply)
    workplace = prepare_workplace(place / "before" / "build")
    if project is not None:
        shutil.copytree(project, workplace.source, symlinks=True)
    else:
        workplace.source.mkdir()
    template = Command(
        argv=(),
        root=lane.root,
        log=workplace.log,
        environment=_VARIABLES,
        emulator=lane.emulator,
    )
    gate = open_gate(workplace, (), (), host_python=lane.host_python, template=template, runner=doors.runner)
    promised = open_promised(lane.root, workplace, python, git=None, linked=(), host_python=lane.host_python)
    mounts = (
        *promised.binds,
        Bind(source=workplace.path, target=BUILD, writable=True),
        Bind(source=workplace.tools, target=TOOLS),
        Bind(source=place / "venv", target=VENV, writable=True),
    )
    stage = Stage(
        template=replace(template, root=promised.root, binds=mounts),
        gate=gate,
        shelf=Shelf(registry=doors.registry, fetcher=doors.fetcher),
        runner=doors.runner,
        place=workplace,
        outside={"PIP_INDEX_URL": doors.uv.index_url, "UV_DEFAULT_INDEX": doors.uv.index_url},
    )
    text = prelude(hooks.environment) + fill(hooks.before, {"project": PROJECT, "package": PROJECT})
    try:
        run_hook("before-test", hooks.before, text, stage, network=hooks.network)
    except BuildError as error:
        raise TestError(error.message, hint=error.hint) from error


def copy_sources(names: Sequence[str], project: Path, work: Path) -> None:
    """Copy ``test-sources`` to where the test command runs; InputError for one that is not there."""
    for name in names:
        source = project / name
        if not source.exists() or not source.resolve().is_relative_to(project.resolve()):
            raise InputError(f"test-sources: the project has no {name}", hint="name files and folders of it")
        if source.is_dir():
            shutil.copytree(source, work / name, symlinks=True, dirs_exist_ok=True)
        else:
            (work / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, work / name)
