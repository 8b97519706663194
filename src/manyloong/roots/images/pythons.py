"""The interpreters of an image as people know them: ``/opt/python/cpXY-cpXY``, with pip, and their list."""

import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from manyloong.errors import IntegrityError
from manyloong.roots.images.built import prefix_members
from manyloong.roots.images.layer import Member, Members, directory, text_file, tree_members
from manyloong.roots.images.parts import ImageParts, tool_commands
from manyloong.roots.images.sites import TOOLS
from manyloong.targets import Python

_VERSION = re.compile(r'^#define PY_VERSION\s+"([^"]+)"', re.MULTILINE)
_WHEELS = "usr/share/python-wheels"  # Debian's, of what a new environment gets
_LIST = "interpreters.sh"


def python_folder(python: Python) -> str:
    """Its name below /opt/python, e.g. ``cp313-cp313``."""
    return f"{python.interpreter}-{python.tag}"


def python_home(tree: Path, python: Python) -> str:
    """Where its environment is in the image."""
    return f"opt/_internal/cpython-{full_version(tree, python)}{'-nogil' if python.free_threaded else ''}"


def pip_wheel(tree: Path) -> Path:
    """The distribution's own."""
    return next((tree / _WHEELS).glob("pip-*.whl"))


def full_version(tree: Path, python: Python) -> str:
    """E.g. ``3.13.15``, as its headers say."""
    text = (tree / f"usr/include/{python.name}/patchlevel.h").read_text("utf-8")
    found = _VERSION.search(text)
    if found is None:
        raise IntegrityError(f"{tree}: the headers of {python.tag} name no version")
    return found[1]


def configured(parts: ImageParts, python: Python) -> Members:
    """Headers and build variables of the toolchain, in the places of the distribution's."""
    own = parts.toolchain.target / "python" / python.tag
    found = dict(tree_members(own / "include", f"usr/include/{python.name}/"))
    for path in sorted(own.glob("_sysconfigdata_*.py")):
        found[f"usr/lib/{python.name}/{path.name}"] = Member(source=path)
    return found


def stale(parts: ImageParts, python: Python) -> Iterator[str]:
    """Files of the root that say what ``configured`` says otherwise."""
    library = parts.base.path / "usr/lib" / python.name
    for path in (parts.toolchain.target / "python" / python.tag).glob("_sysconfigdata_*.py"):
        for compiled in library.glob(f"__pycache__/{path.stem}.*.pyc"):
            yield compiled.relative_to(parts.base.path).as_posix()


def interpreter_members(parts: ImageParts) -> Members:
    """Every interpreter, its pip, and the program that lists them."""
    found: Members = {}
    prefixes = {built.python.tag: built for built in parts.built}
    for python in parts.pythons:
        folder = python_folder(python)
        home = python_home(parts.tree(python), python)
        found[f"opt/python/{folder}"] = Member(link=f"/{home}")
        built = prefixes.get(python.tag)
        found |= prefix_members(built, home) if built else _environment(home, python, parts)
        found |= dict(tree_members(parts.sites[python.tag], f"{home}/lib/{python.name}/site-packages/"))
        script = _script(f"/opt/python/{folder}/bin/python", "pip._internal.cli.main:main")
        for name in ("pip", "pip3", f"pip{python.version}"):
            found[f"{home}/bin/{name}"] = script
        start = f'#!/bin/sh\nexec /opt/python/{folder}/bin/python "$@"\n'
        found[f"usr/local/bin/{python.name}"] = text_file(start, program=True)
    tags = " ".join(python_folder(python) for python in parts.pythons)
    listing = files("manyloong.roots.payload").joinpath(_LIST).read_text("utf-8")
    found["usr/local/bin/manylinux-interpreters"] = text_file(listing.replace("@TAGS@", tags), program=True)
    return found


def tool_members(parts: ImageParts) -> Members:
    """The Python tools, in an environment of their own."""
    python = parts.distribution[0]
    found = _environment(TOOLS, python, parts)
    found |= dict(tree_members(parts.sites["tools"], f"{TOOLS}/lib/{python.name}/site-packages/"))
    for command, function in tool_commands().items():
        found[f"{TOOLS}/bin/{command}"] = _script(f"/{TOOLS}/bin/python", function)
        found[f"usr/local/bin/{command}"] = Member(link=f"/{TOOLS}/bin/{command}")
    return found


def _environment(home: str, python: Python, parts: ImageParts) -> Members:
    version = full_version(parts.base.path, python)
    folder = python.executable.rpartition("/")[0]
    config = f"home = {folder}\ninclude-system-site-packages = false\nversion = {version}\n"
    config += f"executable = {python.executable}\n"
    return {
        f"{home}/pyvenv.cfg": text_file(config),
        f"{home}/bin/python": Member(link=python.executable),
        f"{home}/bin/python3": Member(link="python"),
        f"{home}/bin/{python.name}": Member(link="python"),
        f"{home}/include/{python.name}": Member(link=f"/usr/include/{python.name}"),
        f"{home}/lib64": Member(link="lib"),
        f"{home}/lib/{python.name}/site-packages": directory(),
    }


def _script(python: str, function: str) -> Member:
    module, _, name = function.partition(":")
    text = f"#!{python}\nimport sys\nfrom {module} import {name}\nsys.exit({name}())\n"
    return text_file(text, program=True)
