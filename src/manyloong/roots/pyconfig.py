"""A CPython's ``pyconfig.h`` and build variables, filtered to a floor and told of our compilers. Pure.

Debian configures its CPython against its own C library. What configure found there and the floor does
not have must not be promised to extensions: the difference is measured (see ``probe_*``), not listed by hand.
"""

import ast
import pprint
import re
from collections.abc import Iterable, Mapping
from itertools import product

from manyloong.errors import BuildError, IntegrityError

_DEFINED = re.compile(r"^#define (HAVE_\w+) 1$", re.MULTILINE)
_UNDEFINED = re.compile(r"undefined symbol: ([A-Za-z_]\w*)")
_HEADER = re.compile(r'^has "(.*)"$', re.MULTILINE)  # quoted: "linux" is a macro
_NOWHERE = "manyloong_defined_nowhere"  # proves that the probe was linked
FLAGS = "-fno-strict-overflow -Wsign-compare -DNDEBUG -O2 -Wall"
LINK_FLAGS = "-Wl,-O1 -Wl,-z,relro"

Value = str | int


def have_names(pyconfig: str) -> tuple[str, ...]:
    """Every ``HAVE_...`` that a ``pyconfig.h`` defines as 1, sorted."""
    return tuple(sorted(set(_DEFINED.findall(pyconfig))))


def function_names(names: Iterable[str], exported: frozenset[str]) -> Mapping[str, str]:
    """``HAVE_...`` -> function, for those that name one the C library Python was configured with exports."""
    pairs = ((name, name.removeprefix("HAVE_").lower()) for name in names)
    return {name: function for name, function in pairs if function in exported}


def header_names(names: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
    """``HAVE_..._H`` -> the headers it can stand for: an underscore may have been a slash."""
    found = {}
    for name in names:
        if name.startswith("HAVE_") and name.endswith("_H"):
            parts = name.removeprefix("HAVE_").removesuffix("_H").lower().split("_")
            joints = product("/_", repeat=len(parts) - 1)
            found[name] = tuple(
                "".join(part + joint for part, joint in zip(parts, (*joint_row, ""), strict=True)) + ".h"
                for joint_row in joints
            )
    return found


def probe_functions(functions: Iterable[str]) -> str:
    """Assembly that refers to every function, so that one link names all that are missing."""
    return ".data\n" + "".join(f".quad {name}\n" for name in sorted({*functions, _NOWHERE}))


def parse_missing(link_log: str) -> frozenset[str]:
    """The functions that the link of ``probe_functions`` did not find; BuildError if it was no such link."""
    missing = frozenset(_UNDEFINED.findall(link_log))
    if _NOWHERE not in missing:
        raise BuildError(f"the functions of the floor could not be measured:\n{link_log[-2000:]}")
    return missing - {_NOWHERE}


def probe_headers(headers: Iterable[str]) -> str:
    """C whose preprocessed text names every header that is there."""
    return "".join(f'#if __has_include(<{name}>)\nhas "{name}"\n#endif\n' for name in sorted(set(headers)))


def parse_headers(preprocessed: str) -> frozenset[str]:
    """The headers that ``probe_headers`` found."""
    return frozenset(_HEADER.findall(preprocessed))


def removed_names(
    names: Iterable[str], *, exported: frozenset[str], missing: frozenset[str], headers: frozenset[str]
) -> tuple[str, ...]:
    """The ``HAVE_...`` that do not hold at the floor: function, or every header it may mean, missing."""
    functions = function_names(names, exported)
    gone = {name for name, function in functions.items() if function in missing}
    gone |= {name for name, spellings in header_names(names).items() if headers.isdisjoint(spellings)}
    return tuple(sorted(gone))


def filter_pyconfig(text: str, removed: Iterable[str]) -> str:
    """``pyconfig.h`` with the removed names undefined, in configure's own words."""
    gone = frozenset(removed)

    def undefine(match: re.Match[str]) -> str:
        return f"/* #undef {match[1]} */" if match[1] in gone else match[0]

    return _DEFINED.sub(undefine, text)


def parse_variables(text: str) -> Mapping[str, Value]:
    """``build_time_vars`` of a ``_sysconfigdata`` module, read as data; IntegrityError if it is not data."""
    try:
        for statement in ast.parse(text).body:
            if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "build_time_vars":
                variables = ast.literal_eval(statement.value)
                if isinstance(variables, dict):
                    return variables
    except (SyntaxError, ValueError) as error:
        raise IntegrityError(f"a _sysconfigdata module cannot be read: {error}") from error
    raise IntegrityError("a _sysconfigdata module has no build_time_vars")


def filter_variables(
    variables: Mapping[str, Value], removed: Iterable[str], *, include: str
) -> dict[str, Value]:
    """Build variables for ``cc`` and its kin, headers at ``include``, nothing of Debian's own build left."""
    gone = frozenset(removed)
    kept: dict[str, Value] = {name: 0 if name in gone else value for name, value in variables.items()}
    kept.update(
        {name: value for name, value in _our_variables(variables, include).items() if name in variables}
    )
    kept.update({name: "" for name, value in kept.items() if _is_debians(name, value)})
    return kept


def _our_variables(variables: Mapping[str, Value], include: str) -> dict[str, Value]:
    version = str(variables["VERSION"])
    flags = dict.fromkeys(("CFLAGS", "PY_CFLAGS"), FLAGS)
    links = dict.fromkeys(
        ("LDFLAGS", "PY_LDFLAGS", "CONFIGURE_LDFLAGS", "CONFIGURE_LDFLAGS_NODIST"), LINK_FLAGS
    )
    links |= dict.fromkeys(("PY_CORE_LDFLAGS", "PY_LDFLAGS_NODIST", "PY_LDFLAGS_NOLTO"), LINK_FLAGS)
    includes = dict.fromkeys(("INCLUDEPY", "CONFINCLUDEPY", "CONFINCLUDEDIR", "INCLUDEDIR"), include)
    return {
        **flags,
        **links,
        **includes,
        "AR": "ar",
        "BASECFLAGS": "-fno-strict-overflow -Wsign-compare",
        "BLDSHARED": f"cc -shared {LINK_FLAGS}",
        "CC": "cc",
        "CXX": "c++",
        "CCSHARED": "-fPIC",
        "CFLAGSFORSHARED": "-fPIC",
        "CONFIGURE_CFLAGS_NODIST": "",
        "CPPFLAGS": f"-I{include}",
        "PY_CPPFLAGS": f"-I{include}",
        "BASECPPFLAGS": "",
        "LDCXXSHARED": f"c++ -shared {LINK_FLAGS}",
        "LDSHARED": f"cc -shared {LINK_FLAGS}",
        "LINKCC": "cc",
        "MAINCC": "cc",
        "LINKFORSHARED": "-Xlinker -export-dynamic",
        "NM": "nm",
        "OPT": "-DNDEBUG -O2 -Wall",
        "RANLIB": "ranlib",
        "READELF": "readelf",
        "SHELL": "/bin/sh",
        "BLDLIBRARY": "",
        "LIBDIR": "/usr/lib",
        "LIBPL": f"/usr/lib/python{version}",
        "LIBPYTHON": "",
        "INCLDIRSTOMAKE": include,
    }


def _is_debians(name: str, value: Value) -> bool:
    """Whether a variable speaks of the directory or the flags of Debian's own build."""
    if not isinstance(value, str) or name.startswith("HAVE_"):
        return False
    return "reproducible-path" in value or "-specs=" in value or "_FORTIFY_SOURCE" in value


def format_variables(variables: Mapping[str, Value]) -> str:
    """The ``_sysconfigdata`` module again."""
    body = pprint.pformat(dict(variables), width=110, sort_dicts=True)
    return f"# Build variables of the target's CPython, for this toolchain.\nbuild_time_vars = {body}\n"
