"""Build environments: a virtual environment of the native root with the build requirements in it.

Made once for each set of wheels and kept in the store; mounted read-only at the same path in every build.
"""

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from manyloong.errors import BuildError
from manyloong.roots import Root
from manyloong.sandbox import Bind, Command, Runner
from manyloong.store import Store
from manyloong.targets import Python
from manyloong.wheels.cross import ENVIRONMENT, HOME, PTH, TOOLS, cross_site_text
from manyloong.wheels.overlay import lay_over
from manyloong.wheels.resolve import ResolvedWheel

RECIPE = 1  # bump when the same wheels would give another environment
_WHEELS = "/io"
_VARIABLES = (
    ("HOME", HOME),
    ("PATH", "/usr/bin:/bin"),
    ("LANG", "C.UTF-8"),
    ("UV_CACHE_DIR", "/tmp/uv"),  # noqa: S108 - the sandbox's own
    ("UV_LINK_MODE", "copy"),
    ("SOURCE_DATE_EPOCH", "315532800"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A wheel of the target whose headers and libraries lie over those of a native one."""

    filename: str
    sha256: str
    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildEnvironment:
    """A ready environment; ``path`` is its tree in the store."""

    key: str
    path: Path
    python: Python
    wheels: tuple[ResolvedWheel, ...]
    copies: tuple[Copy, ...] = ()

    def folders_of(self, pattern: str) -> tuple[str, ...]:
        """Every folder with such files in it, as builds see it, sorted."""
        folders = {file.parent.relative_to(self.path) for file in self.path.rglob(pattern)}
        return tuple(sorted(f"{ENVIRONMENT}/{folder}" for folder in folders))


def described_variables(environment: BuildEnvironment, given: Mapping[str, str]) -> dict[str, str]:
    """The variables of a build, with the folders where its environment says how to compile against it."""
    folders = ":".join(filter(None, (given.get("PKG_CONFIG_PATH"), *environment.folders_of("*.pc"))))
    return {**given, "PKG_CONFIG_PATH": folders} if folders else dict(given)


def environment_key(
    root: Root, python: Python, wheels: Sequence[ResolvedWheel], copies: Sequence[Copy] = ()
) -> str:
    """SHA-256 over all that decides the environment's content."""
    document = {
        "recipe": RECIPE,
        "root": root.id,
        "python": python.tag,
        "wheels": sorted(wheel.sha256 for wheel in wheels),
        "site": cross_site_text(),
        "copies": sorted(copy.sha256 for copy in copies),
    }
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def ensure_environment(  # noqa: PLR0913 - what goes in, and the doors
    python: Python,
    wheels: tuple[ResolvedWheel, ...],
    files: Mapping[str, Path],
    copies: tuple[Copy, ...] = (),
    *,
    root: Root,
    uv: Path,
    store: Store,
    runner: Runner,
    binds: tuple[Bind, ...] = (),
) -> BuildEnvironment:
    """The environment from the store, made first when it is not there yet.

    ``files`` gives each wheel's path by file name. What ``copies`` bring for compilers goes over the native
    wheels' files; these stay what is imported. ``binds`` bring the interpreter where the root has it not.
    Raises BuildError when a wheel cannot be installed.
    """
    key = environment_key(root, python, wheels, copies)

    def build(tree: Path) -> None:
        with store.scratch("environment") as scratch:
            _install(tree, scratch, python, files, root=root, uv=uv, runner=runner, extra=binds)
        site = tree / "lib" / f"python{python.version}" / "site-packages"
        (site / "_manyloong_cross.py").write_text(cross_site_text(), "utf-8")
        (site / "_manyloong_cross.pth").write_text(PTH, "utf-8")
        lay_over((copy.path for copy in copies), tree, site)

    path = store.tree("environment", key, build)
    return BuildEnvironment(key=key, path=path, python=python, wheels=wheels, copies=copies)


def _install(
    tree: Path,
    scratch: Path,
    python: Python,
    files: Mapping[str, Path],
    *,
    root: Root,
    uv: Path,
    runner: Runner,
    extra: tuple[Bind, ...],
) -> None:
    folder = scratch / "wheels"
    folder.mkdir()
    for name, path in files.items():
        shutil.copyfile(path, folder / name)
    tools = scratch / "tools"
    tools.mkdir()
    shutil.copy(uv, tools / "uv")
    for argv in _commands(python, sorted(files)):
        done = runner.run(
            Command(
                argv=argv,
                root=root.path,
                log=scratch / "log",
                environment=_VARIABLES,
                binds=(
                    Bind(source=tools, target=TOOLS),
                    Bind(source=folder, target=_WHEELS),
                    Bind(source=tree, target=ENVIRONMENT, writable=True),
                    *extra,
                ),
            )
        )
        if not done.succeeded:
            raise BuildError(
                f"the build environment for {python.tag} could not be made:\n{done.last_lines()}",
                hint="a wheel among the build requirements is broken; see the lines above",
            )


def _commands(python: Python, wheels: list[str]) -> list[tuple[str, ...]]:
    """An empty environment, then everything into it at once; uv runs inside the root, without network."""
    uv = f"{TOOLS}/uv"
    venv = (uv, "venv", "--quiet", "--offline", "--no-python-downloads", "--allow-existing")
    commands: list[tuple[str, ...]] = [(*venv, "--python", python.executable, ENVIRONMENT)]
    if wheels:
        install = (uv, "pip", "install", "--quiet", "--offline", "--no-index", "--no-deps")
        paths = (f"{_WHEELS}/{name}" for name in wheels)
        python_option = ("--python", f"{ENVIRONMENT}/bin/python")
        commands.append((*install, "--compile-bytecode", *python_option, *paths))
    return commands
