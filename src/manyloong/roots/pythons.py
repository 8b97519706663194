"""The CPythons of a target root: their headers and build variables, read there, written for a toolchain."""

import hashlib
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from manyloong.errors import IntegrityError
from manyloong.roots.layout import Layout
from manyloong.roots.pyconfig import (
    filter_pyconfig,
    filter_variables,
    format_variables,
    function_names,
    have_names,
    header_names,
    parse_headers,
    parse_missing,
    parse_variables,
    probe_functions,
    probe_headers,
    removed_names,
)

_LIBRARIES = ("libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1", "libutil.so.1")


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetPython:
    """One CPython of a target root."""

    name: str  # cp313
    headers: Path
    pyconfig: str
    variables: str  # text of the _sysconfigdata module
    module: str  # its file name, as the interpreter derives it
    digest: str  # of all of these


@dataclass(frozen=True, slots=True, kw_only=True)
class Probes:
    """Files to compile once for all Pythons, and what their logs mean."""

    texts: Mapping[str, str]
    names: Mapping[str, tuple[str, ...]]  # cp313 -> the HAVE_... it defines
    exported: frozenset[str]

    def judge(self, link_log: str, preprocessed: str) -> dict[str, tuple[str, ...]]:
        """cp313 -> the HAVE_... that do not hold at the floor."""
        missing, headers = parse_missing(link_log), parse_headers(preprocessed)
        return {
            python: removed_names(names, exported=self.exported, missing=missing, headers=headers)
            for python, names in self.names.items()
        }


def find_pythons(target_root: Path, triplet: str) -> tuple[TargetPython, ...]:
    """Every CPython 3 whose development files are in the root, oldest first."""
    found = []
    for headers in (target_root / "usr/include").glob("python3.*"):
        minor = headers.name.removeprefix("python3.")
        pyconfig = target_root / "usr/include" / triplet / headers.name / "pyconfig.h"
        modules = [
            path
            for path in (target_root / "usr/lib" / headers.name).glob(f"_sysconfigdata_*_{triplet}.py")
            if path.is_file() and not path.is_symlink()
        ]
        if minor.isdigit() and pyconfig.is_file() and len(modules) == 1:
            found.append((int(minor), _read(f"cp3{minor}", headers, pyconfig, modules[0])))
    return tuple(python for _, python in sorted(found, key=lambda pair: pair[0]))


def _read(name: str, headers: Path, pyconfig: Path, module: Path) -> TargetPython:
    digest = hashlib.sha256()
    for path in (pyconfig, module, *sorted(path for path in headers.rglob("*") if path.is_file())):
        digest.update(f"{path.name}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return TargetPython(
        name=name,
        headers=headers,
        pyconfig=pyconfig.read_text("utf-8"),
        variables=module.read_text("utf-8"),
        module=module.name,
        digest=digest.hexdigest(),
    )


def find_libc(target_root: Path, triplet: str) -> tuple[Path, ...]:
    """The files of the root's C library; IntegrityError if it has none."""
    directory = target_root / "usr/lib" / triplet
    found = tuple(directory / name for name in _LIBRARIES if (directory / name).is_file())
    if not found:
        raise IntegrityError(
            f"{directory} has no C library", hint="build the root again: manyloong root build"
        )
    return found


def exported_functions(libraries: tuple[Path, ...]) -> frozenset[str]:
    """All that the libraries define."""
    return frozenset[str]().union(*(_defined(path) for path in libraries))


def _defined(path: Path) -> set[str]:
    try:
        with path.open("rb") as stream:
            table = ELFFile(stream).get_section_by_name(".dynsym")
            if not isinstance(table, SymbolTableSection):
                return set()
            symbols = table.iter_symbols()
            return {symbol.name for symbol in symbols if symbol["st_shndx"] != "SHN_UNDEF" and symbol.name}
    except ELFError as error:
        raise IntegrityError(f"{path} is not a shared library: {error}") from error


def probe_files(pythons: tuple[TargetPython, ...], exported: frozenset[str]) -> Probes:
    """What to compile to learn which promises hold."""
    names = {python.name: have_names(python.pyconfig) for python in pythons}
    every = sorted({name for row in names.values() for name in row})
    functions = function_names(every, exported).values()
    headers = (spelling for row in header_names(every).values() for spelling in row)
    texts = {"functions.S": probe_functions(functions), "headers.c": probe_headers(headers)}
    return Probes(texts=texts, names=names, exported=exported)


def read_built_python(tree: Path, tag: str, name: str, triplet: str) -> TargetPython:
    """A CPython from source as it was installed; IntegrityError where its build variables are not there.

    ``name`` is that of its library's directory, e.g. python3.13t.
    """
    headers = tree / "usr/include" / name
    modules = sorted((tree / "usr/lib" / name).glob(f"_sysconfigdata_*_{triplet}.py"))
    if len(modules) != 1 or not (headers / "pyconfig.h").is_file():
        raise IntegrityError(f"{tree} has no build variables of {name} for {triplet}")
    return _read(tag, headers, headers / "pyconfig.h", modules[0])


def write_python(
    python: TargetPython, directory: Path, layout: Layout, *, removed: tuple[str, ...], include: str = ""
) -> None:
    """``include/`` with the filtered pyconfig.h in place of Debian's dispatcher, and the build variables.

    ``include`` is where the directory will be inside, if not in the toolchain's tree.
    """
    inside = include or layout.python_include(python.name)
    headers = directory / "include"
    shutil.copytree(python.headers, headers, symlinks=False)
    pyconfig = headers / "pyconfig.h"
    pyconfig.unlink(missing_ok=True)
    pyconfig.write_text(filter_pyconfig(python.pyconfig, removed), "utf-8")
    variables = filter_variables(parse_variables(python.variables), removed, include=inside)
    (directory / python.module).write_text(format_variables(variables), "utf-8")
