"""Which compilers a package asks for besides those for C and C++, found out from its sources alone."""

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from manyloong.errors import BuildError, InputError, IntegrityError
from manyloong.store import Store
from manyloong.wheels.recipes import GCC
from manyloong.wheels.source import Source, unpack_source

RULES = 3  # bump when the same sources would give another answer
RUST = "rust"
GO = "go"
OPENMP = "openmp"  # the port of that name: the compilers are there already
FORTRAN = "fortran"
_KIND = "compilers"
_RUST_REQUIREMENTS = {"maturin", "setuptools-rust"}
_GO_REQUIREMENTS = {"setuptools-golang", "gopy", "hatch-go", "setuptools-go"}
_SETUP_GO = re.compile(r"build_golang|-buildmode[= ]c-shared|\bgo build\b")
_OPENMP_FLAG = re.compile(r"['\"]-fopenmp['\"]")
_OPENMP_REQUIRED = re.compile(
    r"find_package\s*\(\s*OpenMP\b[^)]*\bREQUIRED\b"
    r"|^\w+ *= *dependency\(\s*'openmp'(?![^)]*required *: *false)",
    re.IGNORECASE | re.MULTILINE,
)
# Languages of a project, in Meson and in CMake; what is only a wish is left unfulfilled.
_MESON_FORTRAN = re.compile(
    r"^\s*(?:project|add_languages)\s*\((?P<words>[^()]*'fortran'[^()]*)", re.MULTILINE
)
_CMAKE_FORTRAN = re.compile(
    r"^\s*(?:project|enable_language)\s*\([^)]*\bFortran\b(?![^)]*\bOPTIONAL\b)", re.IGNORECASE | re.MULTILINE
)
# Projects that a topmost meson.build takes in, or falls back on.
_MESON_WITHIN = re.compile(r"(?:\bfallback\s*:\s*\[?|\bsubproject\s*\()\s*'([\w.-]+)'")
_COMMENTS = re.compile(r"(?m)#.*$")
# run_command(...) and .stdout() inside of project(...)
_MESON_NESTED = re.compile(r"(?:\.\w+|(?<![\w.])(?!(?:project|add_languages)\b)\w+)\s*\([^()]*\)")
_OPTIONAL = re.compile(r"\brequired\s*:\s*(?:false|get_option)")
_SETUP_FORTRAN = re.compile(
    r"\bnumpy\.distutils\b|['\"][\w./-]+\.(?:f|for|f77|f90|f95|f03|f08)['\"]", re.IGNORECASE
)
_SETUP_RUST = re.compile(r"setuptools[_-]rust")


def asked_compilers(source: Source, toolchain: str, store: Store) -> tuple[str, ...]:
    """The compilers of a release, sorted: those that its sources ask for, and those of a toolchain."""
    named = {FORTRAN} if toolchain == GCC else set()
    return tuple(sorted({*_asked_by_sources(source, store), *named}))


def _asked_by_sources(source: Source, store: Store) -> tuple[str, ...]:
    """What the sources say; empty for a broken archive, whose build will say so."""
    if source.kind == "directory":
        return find_compilers(source.path)
    known = store.get_json(_KIND, source.sha256)
    if known is not None and known["rules"] == RULES:
        return tuple(known["compilers"])
    with store.scratch("peek") as place:
        try:
            unpack_source(source, place / "src")
        except (IntegrityError, InputError):
            return ()
        found = find_compilers(place / "src")
    store.put_json(_KIND, source.sha256, {"rules": RULES, "compilers": list(found)})
    return found


def find_compilers(sources: Path) -> tuple[str, ...]:
    """The compilers that a working copy asks for."""
    found = {GO} if _asks_for_go(sources) else set()
    if _asks_for_rust(sources):
        found.add(RUST)
    if _asks_for_openmp(sources):
        found.add(OPENMP)
    if _asks_for_fortran(sources):
        found.add(FORTRAN)
    return tuple(sorted(found))


def _asks_for_rust(sources: Path) -> bool:
    if _RUST_REQUIREMENTS & _names(_requirements(sources)):
        return True
    texts = (sources / name for name in ("setup.py", "setup.cfg"))
    return any(_SETUP_RUST.search(file.read_text("utf-8", "replace")) for file in texts if file.is_file())


def _asks_for_openmp(sources: Path) -> bool:
    """Whether a build needs OpenMP: in ``setup.py`` by its flag, in CMake and Meson where it is required."""
    setup = sources / "setup.py"
    if setup.is_file() and _OPENMP_FLAG.search(setup.read_text("utf-8", "replace")):
        return True
    files = (sources / name for name in ("CMakeLists.txt", "meson.build"))
    return any(
        _OPENMP_REQUIRED.search(file.read_text("utf-8", "replace")) for file in files if file.is_file()
    )


def _asks_for_fortran(sources: Path) -> bool:
    """Whether Fortran is one of a project's languages, in Meson or CMake, or by files that setup.py names."""
    if "f2py" in _names(_requirements(sources)):
        return True
    setup, cmake, meson = (_text(sources / name) for name in ("setup.py", "CMakeLists.txt", "meson.build"))
    if _SETUP_FORTRAN.search(setup) or _CMAKE_FORTRAN.search(_COMMENTS.sub("", cmake)):
        return True
    meson = _COMMENTS.sub("", meson)
    within = [_text(sources / "subprojects" / name / "meson.build") for name in _MESON_WITHIN.findall(meson)]
    return any(_is_meson_fortran(text) for text in (meson, *(_COMMENTS.sub("", text) for text in within)))


def _is_meson_fortran(text: str) -> bool:
    """Whether a ``meson.build`` without comments has Fortran among its languages."""
    found = _MESON_FORTRAN.finditer(_MESON_NESTED.sub("", _MESON_NESTED.sub("", text)))
    return any(not _OPTIONAL.search(match["words"]) for match in found)


def _text(file: Path) -> str:
    return file.read_text("utf-8", "replace") if file.is_file() else ""


def _asks_for_go(sources: Path) -> bool:
    """Whether Go is compiled into extension modules or libraries (``go build -buildmode=c-shared``)."""
    if _GO_REQUIREMENTS & _names(_requirements(sources)):
        return True
    if not any(sources.rglob("go.mod")):
        return False
    texts = (file for pattern in ("*.py", "Makefile", "*.toml") for file in sources.glob(pattern))
    return any(_SETUP_GO.search(file.read_text("utf-8", "replace")) for file in texts if file.is_file())


def _requirements(sources: Path) -> Sequence[str]:
    file = sources / "pyproject.toml"
    try:
        table = tomllib.loads(file.read_text("utf-8")) if file.is_file() else {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        return ()  # the build says what is wrong with it
    system = table.get("build-system", {})
    requires = system.get("requires", []) if isinstance(system, dict) else []
    return [text for text in requires if isinstance(text, str)] if isinstance(requires, list) else []


def _names(requirements: Sequence[str]) -> set[str]:
    found = set()
    for text in requirements:
        try:
            found.add(str(canonicalize_name(Requirement(text).name)))
        except InvalidRequirement:
            continue
    return found


class NotSupportedError(BuildError):
    """A package asks for a compiler that no root has."""


def refuse_go(compilers: Sequence[str], *, label: str, go_names: str) -> None:
    """NotSupportedError for a package that compiles Go; ``go_names`` are cgo's for the target."""
    if GO in compilers:
        raise NotSupportedError(
            f"{label} is compiled from Go (c-shared, cgo), which is not supported yet",
            hint=f"what its own build would need is {go_names}: docs/how-to/rust.md#go",
        )


def check_compilers(requirements: Sequence[str], compilers: Sequence[str], *, label: str) -> None:
    """BuildError where a backend asks for a compiler that the sources did not speak of."""
    if RUST not in compilers and (late := _RUST_REQUIREMENTS & _names(requirements)):
        raise BuildError(
            f"{label} asks for {', '.join(sorted(late))} only while it is built",
            hint="name it in [build-system] requires of its pyproject.toml (a recipe's patch can)",
        )
