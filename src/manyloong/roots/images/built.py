"""CPythons from source in an image, each in a prefix of its own, and the C library that they are for."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from manyloong.roots.images.layer import Member, Members, text_file, tree_members
from manyloong.roots.images.parts import BuiltPython, ImageParts
from manyloong.roots.interpreters import Tree
from manyloong.roots.layout import Layout
from manyloong.roots.pyconfig import Value, format_variables, parse_variables
from manyloong.roots.pythons import read_built_python, write_python
from manyloong.store import Store
from manyloong.targets import Python, Target

RECIPE = 1  # bump when the same CPython would give other files
_INSTALLED = "usr"  # where a build from source installs


def ensure_config(python: Python, tree: Tree, *, home: str, target: Target, store: Store) -> Path:
    """Headers and build variables of a CPython whose prefix in the image is ``home``; IntegrityError."""
    built = read_built_python(tree.path, python.tag, python.name, target.triplet)
    document = json.dumps(["image", RECIPE, tree.id, home], sort_keys=True)

    def fill(directory: Path) -> None:
        include = f"/{home}/include/{python.name}"
        write_python(built, directory, Layout(triplet=target.triplet), removed=(), include=include)
        module = directory / built.module
        variables = parse_variables(module.read_text("utf-8"))
        module.write_text(format_variables(moved(variables, python.name, f"/{home}")), "utf-8")

    return store.tree("python-home", hashlib.sha256(document.encode()).hexdigest(), fill)


def moved(variables: Mapping[str, Value], name: str, home: str) -> dict[str, Value]:
    """Build variables of a CPython that was installed in ``/usr``, for another prefix."""
    folders = ("", "/bin", "/include", "/lib", "/share", "/share/man", "/lib/pkgconfig")
    exact = {f"/{_INSTALLED}{folder}" for folder in folders}
    below = tuple(f"/{_INSTALLED}/{folder}/{name}" for folder in ("lib", "include"))

    def word(text: str) -> str:
        return home + text.removeprefix(f"/{_INSTALLED}") if text in exact or text.startswith(below) else text

    return {
        key: " ".join(map(word, value.split(" "))) if isinstance(value, str) and "/" in value else value
        for key, value in variables.items()
    }


def prefix_members(built: BuiltPython, home: str) -> Members:
    """All of a CPython from source below its prefix, its files of configuration replaced."""
    name, library = built.python.name, f"{home}/lib/{built.python.name}"
    modules = sorted(built.config.glob("_sysconfigdata_*.py"))
    found = {
        path: member
        for path, member in tree_members(built.tree / _INSTALLED, f"{home}/")
        if not path.startswith(f"{home}/include/{name}/")
        and not any(path.startswith(f"{library}/__pycache__/{module.stem}.") for module in modules)
    }
    found |= dict(tree_members(built.config / "include", f"{home}/include/{name}/"))
    found |= {f"{library}/{module.name}": Member(source=module) for module in modules}
    return found | {f"{home}/bin/python": Member(link=name), f"{home}/bin/python3": Member(link="python")}


def libc_members(parts: ImageParts) -> Members:
    """A C library that the userland has not: its loader, what else programs need of it, and where that is.

    It lies in a folder of its architecture and C library, as the userland's own libraries do, so neither
    finds the other's.
    """
    if not parts.libraries:
        return {}
    target = parts.target
    folder = f"usr/lib/{target.triplet}"
    found: Members = {}
    for place in parts.libraries:
        for path in sorted(place.glob("*.so.*")):
            link = str(path.readlink()) if path.is_symlink() else ""
            found[f"{folder}/{path.name}"] = Member(link=link) if link else Member(source=path)
    standard = parts.toolchain.target / "sysroot/usr/lib/libc.so"
    loader = f"usr{target.interpreter}"
    soname = standard.readlink().name
    found.pop(f"{folder}/{soname}", None)
    found[loader] = Member(source=standard.resolve(), mode=0o755)
    found[f"{loader.rpartition('/')[0]}/{soname}"] = Member(link=loader.rpartition("/")[2])
    paths = ("/lib", "/usr/local/lib", "/usr/lib", f"/{folder}")
    config = loader.rpartition("/")[2].partition(".")[0]
    found[f"etc/{config}.path"] = text_file(":".join(paths) + "\n")
    return found
