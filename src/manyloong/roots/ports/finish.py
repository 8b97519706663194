"""From what ``make install`` left to a port's tree: what nobody links against goes, licences come."""

import json
import re
import shutil
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from manyloong.errors import BuildError
from manyloong.roots.layout import PORTS_PATH
from manyloong.roots.ports.libraries import elf_files
from manyloong.roots.ports.model import Port
from manyloong.roots.ports.runpath import drop_search_paths

_DROPPED = (
    "share/man/*", "share/doc/*", "share/info/*", "share/gtk-doc/*", "share/locale/*", "share/aclocal/*",
    "share/bash-completion/*", "share/applications/*", "share/icons/*", "share/terminfo/*", "share/tabset/*",
    "man/*", "doc/*", "lib/*.la", "lib/*.a", "lib/terminfo", "sbin/*", "libexec/*", "etc/*", "var/*",
)  # fmt: skip
_LICENCES = re.compile(r"(LICEN[CS]E|COPYING|COPYRIGHT|NOTICE|Copyright|License|Licence)([._-].*)?")
DESCRIPTION = "share/manyloong/ports"
LICENCES = "share/licenses"
PREFIX_LINE = "prefix=${pcfiledir}/../.."


def finish_port(port: Port, *, installed: Path, source: Path, tree: Path) -> None:
    """Fill ``tree`` from the folder that was DESTDIR; BuildError where nothing of use is in it."""
    prefix = installed / PORTS_PATH.lstrip("/")
    if not prefix.is_dir():
        raise BuildError(f"{port.label} installs nothing below its prefix")
    outside = [path for path in _files(installed) if not path.is_relative_to(prefix)]
    strays = sorted(str(path.relative_to(installed)) for path in outside)
    kept_outside = [name for name in strays if not name.startswith(("etc/", "var/"))]
    if kept_outside:
        raise BuildError(f"{port.label} installs outside its prefix: /{kept_outside[0]}")
    names = {path: str(path.relative_to(prefix)) for path in _files(prefix)}
    kept = [
        path for path, name in names.items() if not _is_dropped(port, path, name)
    ]  # links to files still hold
    for path in kept:
        copy = tree / names[path]
        copy.parent.mkdir(parents=True, exist_ok=True)
        path.rename(copy)
    _copy_licences(port, source, tree)
    for path in sorted(tree.glob("*/pkgconfig/*.pc")):
        path.write_text(relocatable(path.read_text("utf-8")), "utf-8")
    for library in elf_files(tree):
        drop_search_paths(library)
    _check_pkg_config(port, tree)
    _check_names(port, tree)
    _write_description(port, tree)


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_symlink() or not path.is_dir())


def _is_dropped(port: Port, path: Path, name: str) -> bool:
    if any(fnmatchcase(name, pattern) for pattern in port.keep):
        return False
    if name.startswith("bin/"):
        return not _is_script(path)
    return any(fnmatchcase(name, pattern) for pattern in _DROPPED)


def _is_script(path: Path) -> bool:
    """Whether it runs on the build machine: the NAME-config scripts that tell a build what to link."""
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return stream.read(2) == b"#!"


def _copy_licences(port: Port, source: Path, tree: Path) -> None:
    names = port.licence_files or tuple(
        sorted(path.name for path in source.iterdir() if path.is_file() and _LICENCES.fullmatch(path.name))
    )
    folder = tree / LICENCES / port.name
    folder.mkdir(parents=True)
    for name in names:
        if not (source / name).is_file():
            raise BuildError(f"{port.label} has no licence file {name}")
        shutil.copyfile(source / name, folder / name.replace("/", "-"))
    if not names:
        hint = "name it in the port's file: licence_files = [...]"
        raise BuildError(f"{port.label}: no licence text in its sources", hint=hint)


def relocatable(text: str) -> str:
    """A pkg-config file that says where it is from where it lies, and names no other absolute path."""
    lines = text.splitlines()
    lines = [line for line in lines if not re.match(r"prefix *=", line)]
    body = "\n".join(line.replace(PORTS_PATH, "${prefix}") for line in lines)
    return f"{PREFIX_LINE}\n{body}\n"


def _check_pkg_config(port: Port, tree: Path) -> None:
    for name in port.pkg_config:
        if not any((tree / folder / "pkgconfig" / f"{name}.pc").is_file() for folder in ("lib", "share")):
            raise BuildError(f"{port.label} installs no {name}.pc")
    for path in sorted(tree.glob("*/pkgconfig/*.pc")):
        found = re.search(r"(/build/\S*|/opt/\S*|/usr/\S*)", path.read_text("utf-8"))
        if found:
            raise BuildError(f"{port.label}: {path.name} names a path of the build: {found[1]}")


def _check_names(port: Port, tree: Path) -> None:
    """Headers are asked for from where ``pkg-config`` says, which may be a folder of the port's own."""
    folders = (tree / "include", tree / "bin")
    places = [path.relative_to(folder) for folder in folders for path in _files(folder)]
    names = {"/".join(place.parts[start:]) for place in places for start in range(len(place.parts))}
    for pattern in port.known_by:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise BuildError(f"{port.label} is known by {pattern}, and installs no such header or program")


def _write_description(port: Port, tree: Path) -> None:
    """What a wheel has to say of the port when it carries it."""
    document = {
        "name": port.name,
        "version": port.version,
        "licence": port.licence,
        "purl": port.purl,
        "cpe": port.cpe,
        "sonames": list(port.sonames),
        "sha256": port.source.sha256,
        "patches": [patch.name for patch in port.patches],
    }
    path = tree / DESCRIPTION / f"{port.name}.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n", "utf-8")
