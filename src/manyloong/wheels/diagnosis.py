"""What a failed build's log means for somebody who does not know the package: cause, place, next step.

Compilers, linkers, shells and build systems name what they miss; here their words are looked for in the end
of the log, and the line of the sources that asked for it is found. Reads the sources, runs nothing.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from manyloong.errors import BuildError
from manyloong.roots import Port
from manyloong.roots.ports.offers import Missing, offering
from manyloong.wheels.cross import BUILD, NATIVE, SOURCE
from manyloong.wheels.looked_up import find_in_sources, included_in

LINES = 300  # of the log's end that are read
CRASH = f"{BUILD}/crash"  # where the compiler puts what reproduces its crash
PAGE = "docs/how-to/my-package-does-not-build.md"
NEWER_RUST = (
    "it wants a newer Rust than the root has: renew the locks of its roots together (manyloong root lock "
    "rust-amd64 rust-std-loong64 rust-src-loong64), or take an earlier release"
)
_NO_PORT = (
    "no port has it (manyloong ports list): write one, ten lines (docs/how-to/write-a-port.md), and name its "
    f"folder by --ports; or leave that part out by an option of the package (-C, -e): {PAGE}#libraries"
)
_ASK_FOR_RUST = (
    "name maturin or setuptools-rust in [build-system] requires (a recipe's patch can): docs/how-to/rust.md"
)
_COMPILERS = {
    "go": "it is compiled from Go, which is not supported yet: docs/how-to/rust.md#go",
    "cargo": _ASK_FOR_RUST,
    "rustc": _ASK_FOR_RUST,
}
_NEAR = 40  # lines between a compiler's command line and its error


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """Why a build failed, in one sentence, and what to do."""

    cause: str
    hint: str
    missing: Missing | None = None  # what a port may have
    beside: tuple[str, ...] = ()  # headers that the same file includes
    false: bool = False  # whether bytes are not what their digest says


Finder = Callable[[re.Match[str], list[str], int, Path], Diagnosis]


def diagnose_build(log: str, sources: Path, ports: Mapping[str, Port] | None = None) -> Diagnosis | None:
    """The last thing in the log that is understood; None where nothing is. ``sources``: the working copy.

    What another architecture's code gives away comes before what may be a build's own harmless question.
    Where one of the ``ports`` has what is missing, the hint names it.
    """
    found = _last_understood(log, sources, ports or {})
    return _with_ports(found, ports) if found and found.missing and ports else found


def _with_ports(found: Diagnosis, ports: Mapping[str, Port]) -> Diagnosis:
    """The ports to ask for: of what is missing, and of what the same file includes besides."""
    names = offering(found.missing, ports) if found.missing else ()
    if not names:
        return replace(found, hint=_NO_PORT) if found.hint == _library_hint(native=False) else found
    others = [offering(Missing(kind="file", name=header), ports) for header in found.beside]
    asked = list(dict.fromkeys((names[0], *(few[0] for few in others if few))))
    said = (
        f"{' or '.join(names)} has it, a port: ports = {json.dumps(asked)} in a recipe or in [tool.manyloong]"
    )
    return replace(found, hint=f"{said}: {PAGE}#libraries")


def _last_understood(log: str, sources: Path, ports: Mapping[str, Port]) -> Diagnosis | None:
    lines = log.splitlines()[-LINES:]
    for rules in (_CERTAIN, _LIKELY, _POSSIBLE):
        understood = _understood(rules, lines, sources)
        if last := next(understood, None):
            # Of several names that a build asks for one after the other, any would have done.
            asked = [last, *(one for one in understood if rules is _POSSIBLE and one[0] is last[0])]
            served = (one for _, one in asked if one.missing and offering(one.missing, ports))
            return next(served, last[1])
    return None


def _understood(
    rules: "_Rules", lines: list[str], sources: Path
) -> Iterator[tuple[re.Pattern[str], Diagnosis]]:
    """Every line that one of the rules knows, the last first."""
    for number in range(len(lines) - 1, -1, -1):
        for pattern, explain in rules:
            if found := pattern.search(lines[number]):
                yield pattern, explain(found, lines, number, sources)
                break


def moved_crash(error: BuildError, kept: Path) -> BuildError:
    """The same error with the place where the compiler's crash files have been saved."""
    return BuildError(error.message.replace(CRASH, str(kept)), hint=error.hint)


def native_flags(dropped: tuple[str, ...], sources: Path) -> Iterator[str]:
    """A sentence on each flag that would have built for the build machine's own processor."""
    for flag in dropped:
        if flag.endswith("=native"):
            place = ", ".join(find_in_sources(sources, flag)) or "the build"
            yield f"{place}: {flag} was left out; the wheel is for the baseline of its tag"


def _inside(path: str) -> str:
    return path.removeprefix(SOURCE).removeprefix(BUILD).lstrip("/")


def _place(path: str, line: str) -> str:
    return f"{_inside(path)}:{line}"


def _includer(lines: list[str], number: int) -> str:
    """The package's own line that led to an error inside a header: the first of the chain above it."""
    place = ""
    for line in reversed(lines[:number]):
        if not (found := re.match(r"\s*In file included from (\S+?):(\d+):", line)):
            break
        place = _place(found[1], found[2])
    return place or "the sources"


def _is_native(lines: list[str], number: int) -> bool:
    """Whether the compiler that failed is the build machine's: it is named near the error."""
    near = [*lines[max(0, number - _NEAR) : number], *lines[number : number + _NEAR]]
    return any(f"{NATIVE}/bin/" in line for line in near)


def _who(lines: list[str], number: int) -> str:
    return "a program that the build runs itself" if _is_native(lines, number) else "the package"


def _crash(found: re.Match[str], lines: list[str], number: int, sources: Path) -> Diagnosis:
    del sources
    script = next((line for line in lines[number:] if f"{CRASH}/" in line and line.endswith(".sh")), "")
    run = script.rpartition(" ")[2] or found[1]
    return Diagnosis(
        cause=f"the compiler crashed; the source and the command that make it crash again: {found[1]}, {run}",
        hint="try a lower -O for that file (-e CFLAGS=-O1), and report the crash to LLVM with both files",
    )


def _foreign_header(found: re.Match[str], lines: list[str], number: int, sources: Path) -> Diagnosis:
    del sources
    groups = found.groupdict()
    place = _place(groups["file"], groups["line"]) if groups.get("file") else _includer(lines, number)
    return Diagnosis(
        cause=f"{place} includes {groups['header']}, intrinsics of another architecture",
        hint="see whether the package can be built without them (-C, -e), or guard the line with"
        f" #if defined(__x86_64__) by a recipe's patch: {PAGE}#intrinsics-of-another-architecture",
    )


def _foreign_flag(found: re.Match[str], lines: list[str], number: int, sources: Path) -> Diagnosis:
    del lines, number
    place = ", ".join(find_in_sources(sources, found["flag"])) or "the build"
    return Diagnosis(
        cause=f"{place} gives the compiler {found['flag']}, which is not for this architecture",
        hint=f"switch it off by an option of the package (-C, -e) or by a recipe's patch: {PAGE}#flags",
    )


def _foreign_assembly(found: re.Match[str], lines: list[str], number: int, sources: Path) -> Diagnosis:
    del lines, number, sources
    return Diagnosis(
        cause=f"{_place(found['file'], found['line'])} has another architecture's assembly ({found['what']})",
        hint=f"see whether the package has a portable way (-C, -e), or patch it: {PAGE}#assembly",
    )


def _missing_header(found: re.Match[str], lines: list[str], number: int, sources: Path) -> Diagnosis:
    place, who = _place(found["file"], found["line"]), _who(lines, number)
    native = _is_native(lines, number)
    return Diagnosis(
        cause=f"{place} includes {found['header']}, which is not there: {who} needs a library that has it",
        hint=_library_hint(native=native),
        missing=None if native else Missing(kind="file", name=found["header"]),
        beside=included_in(sources, place.rpartition(":")[0]),
    )


def _missing_library(found: re.Match[str], lines: list[str], number: int, sources: Path) -> Diagnosis:
    del sources
    native = _is_native(lines, number)
    return Diagnosis(
        cause=f"{_who(lines, number)} links lib{found['library']}, which is not there",
        hint=_library_hint(native=native),
        missing=None if native else Missing(kind="library", name=found["library"]),
    )


def _missing_package(found: re.Match[str], lines: list[str], number: int, sources: Path) -> Diagnosis:
    del lines, number, sources
    return Diagnosis(
        cause=f"the build asks for the library {found['package']}, which is not there",
        hint=_library_hint(native=False),
        missing=Missing(kind="package", name=found["package"]),
    )


def _given_up(found: re.Match[str], lines: list[str], number: int, sources: Path) -> Diagnosis:
    del lines, number
    name = found["tool"]
    place = ", ".join(find_in_sources(sources, name))
    return Diagnosis(
        cause=f"the build asks for {name}, which is not there" + (f" ({place})" if place else ""),
        hint=_library_hint(native=False),
        missing=Missing(kind="either", name=name),
    )


def _library_hint(*, native: bool) -> str:
    if native:
        return f"programs of the build machine have the C and C++ library only: {PAGE}#generators"
    return f"name the port that has it (manyloong ports list; ports = [...] in a recipe): {PAGE}#libraries"


def _missing_tool(found: re.Match[str], lines: list[str], number: int, sources: Path) -> Diagnosis:
    del lines, number
    tool = found["tool"]
    place = ", ".join(find_in_sources(sources, tool))
    cause = f"the build runs {tool}, which is not there" + (f" ({place})" if place else "")
    if tool in _COMPILERS:
        return Diagnosis(cause=cause, hint=_COMPILERS[tool])
    return Diagnosis(
        cause=cause,
        hint="name a project that has it as a wheel, in [build-system] requires or a recipe's build-requires,"
        f" or do without: {PAGE}#tools",
        missing=Missing(kind="file", name=tool),
    )


def _false_crate(found: re.Match[str], lines: list[str], number: int, sources: Path) -> Diagnosis:
    del lines, number, sources
    return Diagnosis(
        cause=f"{_inside(found['file'])} is not the file that its crate's .cargo-checksum.json names",
        hint="get the crate anew (cargo vendor), or change it by [patch.crates-io] in Cargo.toml",
        false=True,
    )


def _newer_rust(found: re.Match[str], lines: list[str], number: int, sources: Path) -> Diagnosis:
    del sources
    needs = next((line.strip() for line in lines[number + 1 : number + 4] if "requires rustc" in line), "")
    return Diagnosis(cause=needs or f"it cannot be compiled by rustc {found['version']}", hint=NEWER_RUST)


def _fortran(found: re.Match[str], lines: list[str], number: int, sources: Path) -> Diagnosis:
    del found, lines, number, sources
    return Diagnosis(
        cause="part of it is written in Fortran, and its sources did not say so where that is looked for",
        hint='ask for the compiler: toolchain = "gcc" in a recipe or in [tool.manyloong]; or leave that part '
        f"out, where it has an option for that (-C setup-args=-D...): {PAGE}#fortran",
    )


def _flang_flag(found: re.Match[str], lines: list[str], number: int, sources: Path) -> Diagnosis:
    del lines, number
    place = ", ".join(find_in_sources(sources, found["flag"])) or "the build"
    return Diagnosis(
        cause=f"{place} gives gfortran {found['flag']}, a flag of another compiler",
        hint=f"take it out of FFLAGS, or give it only to the compiler that has it: {PAGE}#fortran",
    )


def _fortran_flag(found: re.Match[str], lines: list[str], number: int, sources: Path) -> Diagnosis:
    del lines, number
    place = ", ".join(find_in_sources(sources, found["flag"])) or "the build"
    return Diagnosis(
        cause=f"{place} gives the C compiler {found['flag']}, a flag of Fortran compilers",
        hint=f"give it in FFLAGS, not in CFLAGS or LDFLAGS; C is compiled by clang: {PAGE}#fortran",
    )


def _openmp(found: re.Match[str], lines: list[str], number: int, sources: Path) -> Diagnosis:
    del found, lines, number, sources
    return Diagnosis(
        cause="it uses OpenMP, and its sources did not say so where that is looked for",
        hint='add the port of its runtime: ports = ["openmp"] in a recipe or in [tool.manyloong]',
    )


def _build_script(found: re.Match[str], lines: list[str], number: int, sources: Path) -> Diagnosis:
    del sources
    said = [
        line.strip() for line in lines[number:] if line.strip().startswith(("error", "thread", "panicked"))
    ]
    return Diagnosis(
        cause=f"the build script of the crate {found['crate']} failed" + (f": {said[-1]}" if said else ""),
        hint=f"it ran on the build machine; what it looked for is in the lines above: {PAGE}#libraries",
    )


_PACKAGE = r"(?P<package>[A-Za-z][\w.+-]*)"
_TOOL = r"(?P<tool>[A-Za-z][\w.+-]*)"
_PROGRAM = r"(?P<tool>[A-Za-z][\w+-]*)"
_AT = r"(?:^|\s)(?P<file>(?!/opt/)[^\s:]+):(?P<line>\d+):(?:\d+:)?"
_HEADER = r"(?P<header>(?:\w*intrin|cpuid|arm_neon|arm_sve|arm_acle|altivec|hexagon_\w+|wasm_simd128)\.h)"
_Rules = tuple[tuple[re.Pattern[str], Finder], ...]
_CERTAIN: _Rules = (
    (re.compile(r"error: the listed checksum of `(?P<file>[^`]+)` has changed"), _false_crate),
    (re.compile(r"failed to calculate checksum of: [`']?(?P<file>[^\s`']+)"), _false_crate),
    (re.compile(rf"diagnostic msg: ({CRASH}/\S+\.(?!sh)\w+)$"), _crash),
    (re.compile(rf"{_AT} fatal error: '(?:[\w./]*/)?{_HEADER}' file not found"), _foreign_header),
    (re.compile(rf"/{_HEADER}:\d+:\d+: error: .*(?:only|target|architecture)"), _foreign_header),
    (re.compile(r"error: unsupported (?:option|argument) '(?P<flag>-m[^']+)'"), _foreign_flag),
    (re.compile(r"error: unknown argument:? '(?P<flag>-m[^']+)'"), _foreign_flag),
    (
        re.compile(r"gfortran\S*: error: unrecognized command-line option ['\u2018](?P<flag>-[^'\u2019]+)"),
        _flang_flag,
    ),
    (
        re.compile(
            r"error: unknown argument:? '(?P<flag>-f(?:allow-argument-mismatch|default-|free-|fixed-|"
            r"recursive|backslash|implicit-none|no-automatic|dollar-ok|second-underscore|cray-pointer|init-|"
            r"range-check|no-range-check)[^']*)'"
        ),
        _fortran_flag,
    ),
    (re.compile(r"error: unknown target CPU '(?P<flag>[^']+)'"), _foreign_flag),
    (
        re.compile(
            rf"{_AT} error: (?P<what>invalid (?:in|out)put constraint '[^']*' in asm|"
            r"unknown register name '[^']*' in asm|unrecognized instruction mnemonic|invalid operand for ins)"
        ),
        _foreign_assembly,
    ),
)
_LIKELY: _Rules = (
    (
        re.compile(
            r"No CMAKE_Fortran_COMPILER could be found|Unknown compiler\(s\): \[\['gfortran'|"
            r"'(?:fc|fortran)' compiler binary not defined|[Nn]o Fortran compiler found|"
            r"\bgfortran: (?:command )?not found|gfortran: No such file|No such file or directory: 'gfortran'"
        ),
        _fortran,
    ),
    (re.compile(r"fatal error: 'omp\.h' file not found|unable to find library -lomp\b"), _openmp),
    (re.compile(rf"{_AT} fatal error: '(?P<header>[^']+)' file not found"), _missing_header),
    (re.compile(r"unable to find library -l(?P<library>\S+)"), _missing_library),
    (re.compile(rf"ERROR: Dependency [\"']{_PACKAGE}[\"'] not found"), _missing_package),
    (re.compile(rf"^\s+Could NOT find {_PACKAGE} \("), _missing_package),
    (re.compile(rf"(?:sh|bash)(?:: line \d+|: \d+)?: {_TOOL}: (?:command )?not found"), _missing_tool),
    (re.compile(rf"make(?:\[\d+\])?: {_TOOL}: No such file or directory"), _missing_tool),
    (re.compile(rf"FileNotFoundError: \[Errno 2\] No such file or directory: '{_TOOL}'"), _missing_tool),
    (re.compile(rf"^error: \[Errno 2\] No such file or directory: '{_PROGRAM}'$"), _missing_tool),
    (re.compile(rf"error: command '{_TOOL}' failed: No such file or directory"), _missing_tool),
    (re.compile(rf"ERROR: Program '?{_TOOL}'?.* not found or not executable"), _missing_tool),
    (re.compile(r"error: rustc (?P<version>[\d.]+) is not supported by the following"), _newer_rust),
    (re.compile(r"error: failed to run custom build command for `(?P<crate>[^` ]+ v[^` ]+)"), _build_script),
    (re.compile(rf"[Cc]ould not find (?:program|executable|command) ['\"]?{_TOOL}"), _missing_tool),
)
_POSSIBLE: _Rules = (
    (re.compile(rf"Package {_PACKAGE} was not found in the pkg-config search path"), _missing_package),
    (re.compile(rf"No package '{_PACKAGE}' found"), _missing_package),
    (re.compile(rf"'pkg-config[^']* {_PACKAGE}' returned non-zero"), _missing_package),
    (re.compile(rf"'pkg-config'.*, '{_PACKAGE}'\]' returned non-zero"), _missing_package),
    (re.compile(rf"(?:^|: ){_PROGRAM} executable (?:was )?not found"), _given_up),
    (
        re.compile(rf"^(?:\w*Error|\w*Exception|error): {_PROGRAM}(?: is| was)? not (?:found|installed)"),
        _given_up,
    ),
)
