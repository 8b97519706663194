"""A pyconfig.h and a _sysconfigdata module, filtered to a floor."""

import ast

import pytest

from manyloong.errors import BuildError, IntegrityError
from manyloong.roots import pyconfig
from manyloong.roots.layout import Layout, host_python
from manyloong.roots.pythons import TargetPython, find_pythons, probe_files, write_python

PYCONFIG = """\
/* Define to 1 if you have it. */
#define HAVE_STRLCPY 1
#define HAVE_PIPE2 1
#define HAVE__GETPTY 1
#define HAVE_SYS_RANDOM_H 1
#define HAVE_BLUETOOTH_BLUETOOTH_H 1
#define HAVE_LONG_DOUBLE 1
/* #undef HAVE_BROKEN_NICE */
#define SIZEOF_LONG 8
"""
EXPORTED = frozenset({"strlcpy", "pipe2", "_getpty"})
INCLUDE = "/opt/manyloong/target/python/cp313/include"


def test_names_are_found() -> None:
    names = pyconfig.have_names(PYCONFIG)
    assert "HAVE_STRLCPY" in names
    assert "HAVE_BROKEN_NICE" not in names
    assert pyconfig.function_names(names, EXPORTED)["HAVE__GETPTY"] == "_getpty"
    assert set(pyconfig.header_names(names)) == {"HAVE_SYS_RANDOM_H", "HAVE_BLUETOOTH_BLUETOOTH_H"}
    assert pyconfig.header_names(["HAVE_SYS_RANDOM_H"])["HAVE_SYS_RANDOM_H"] == (
        "sys/random.h",
        "sys_random.h",
    )


def test_what_the_floor_lacks_is_undefined_and_nothing_else() -> None:
    names = pyconfig.have_names(PYCONFIG)
    removed = pyconfig.removed_names(
        names, exported=EXPORTED, missing=frozenset({"strlcpy"}), headers=frozenset({"sys/random.h"})
    )
    assert removed == ("HAVE_BLUETOOTH_BLUETOOTH_H", "HAVE_STRLCPY")
    text = pyconfig.filter_pyconfig(PYCONFIG, removed)
    assert "/* #undef HAVE_STRLCPY */" in text
    assert "#define HAVE_PIPE2 1" in text
    assert "#define HAVE_LONG_DOUBLE 1" in text  # no function, no header: nothing was measured
    assert text.count("\n") == PYCONFIG.count("\n")


def test_the_probe_proves_that_it_was_linked() -> None:
    source = pyconfig.probe_functions(["pipe2", "strlcpy"])
    assert ".quad pipe2\n" in source
    log = "ld.lld: error: undefined symbol: strlcpy\n>>> referenced by f.S\n"
    with pytest.raises(BuildError, match="could not be measured"):
        pyconfig.parse_missing(log)
    log += "ld.lld: error: undefined symbol: manyloong_defined_nowhere\n"
    assert pyconfig.parse_missing(log) == {"strlcpy"}


def test_headers_are_quoted_because_linux_is_a_macro() -> None:
    assert 'has "linux/fs.h"' in pyconfig.probe_headers(["linux/fs.h"])
    assert pyconfig.parse_headers('\nhas "linux/fs.h"\nhas "a.h"\n') == {"linux/fs.h", "a.h"}


VARIABLES: dict[str, str | int] = {
    "VERSION": "3.13",
    "CC": "loongarch64-linux-gnu-gcc",
    "LDSHARED": "loongarch64-linux-gnu-gcc -shared -Wl,-Bsymbolic-functions  -Wl,-z,relro",
    "CFLAGS": "-fno-strict-overflow -g -O2",
    "INCLUDEPY": "/usr/include/python3.13",
    "EXT_SUFFIX": ".cpython-313-loongarch64-linux-gnu.so",
    "HAVE_STRLCPY": 1,
    "HAVE_PIPE2": 1,
    "abs_srcdir": "/build/reproducible-path/python3.13-3.13.15",
    "PY_CFLAGS_NODIST": "-D_FORTIFY_SOURCE=2 -g",
    "prefix": "/usr",
    "SIZEOF_LONG": 8,
}


def test_build_variables_name_our_compilers() -> None:
    found = pyconfig.filter_variables(VARIABLES, ["HAVE_STRLCPY"], include=INCLUDE)
    assert found["CC"] == "cc"
    assert str(found["LDSHARED"]).startswith("cc -shared ")
    assert found["INCLUDEPY"] == INCLUDE
    assert (found["HAVE_STRLCPY"], found["HAVE_PIPE2"], found["SIZEOF_LONG"]) == (0, 1, 8)
    assert found["EXT_SUFFIX"] == VARIABLES["EXT_SUFFIX"]
    assert found["prefix"] == "/usr"
    assert set(found) == set(VARIABLES)
    text = repr(found)
    assert "loongarch64-linux-gnu-gcc" not in text
    assert "reproducible-path" not in text
    assert "_FORTIFY_SOURCE" not in text


def test_the_module_is_data_before_and_after() -> None:
    text = pyconfig.format_variables(VARIABLES)
    assert pyconfig.parse_variables(text) == VARIABLES
    assert isinstance(ast.parse(text).body[0], ast.Assign)


@pytest.mark.parametrize("text", ["x = 1\n", "build_time_vars = open('x')\n", "build_time_vars = {"])
def test_a_module_that_is_not_data_is_refused(text: str) -> None:
    with pytest.raises(IntegrityError):
        pyconfig.parse_variables(text)


@pytest.fixture
def python(tmp_path_factory: pytest.TempPathFactory) -> TargetPython:
    root = tmp_path_factory.mktemp("root")
    triplet = "loongarch64-linux-gnu"
    for folder in (
        f"usr/include/{triplet}/python3.13",
        "usr/include/python3.13/cpython",
        "usr/lib/python3.13",
    ):
        (root / folder).mkdir(parents=True)
    (root / "usr/include/python3.13/Python.h").write_text('#include "pyconfig.h"\n')
    (root / "usr/include/python3.13/pyconfig.h").write_text("#error dispatcher\n")
    (root / f"usr/include/{triplet}/python3.13/pyconfig.h").write_text(PYCONFIG)
    module = root / f"usr/lib/python3.13/_sysconfigdata__linux_{triplet}.py"
    module.write_text(pyconfig.format_variables(VARIABLES))
    (module.parent / f"_sysconfigdata__{triplet}.py").symlink_to(module.name)
    (found,) = find_pythons(root, triplet)
    return found


def test_a_python_of_a_root_is_written_for_a_toolchain(
    python: TargetPython, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert python.name == "cp313"
    assert python.module == "_sysconfigdata__linux_loongarch64-linux-gnu.py"
    directory = tmp_path_factory.mktemp("tree") / "cp313"
    write_python(python, directory, Layout(triplet="loongarch64-linux-gnu"), removed=("HAVE_STRLCPY",))
    text = (directory / "include/pyconfig.h").read_text()
    assert "dispatcher" not in text
    assert "#undef HAVE_STRLCPY" in text
    variables = pyconfig.parse_variables((directory / python.module).read_text())
    assert variables["INCLUDEPY"] == INCLUDE


def test_probes_judge_each_python(python: TargetPython) -> None:
    probes = probe_files((python,), EXPORTED)
    assert set(probes.texts) == {"functions.S", "headers.c"}
    log = "undefined symbol: strlcpy\nundefined symbol: manyloong_defined_nowhere\n"
    judged = probes.judge(log, 'has "sys/random.h"\nhas "bluetooth/bluetooth.h"\n')
    assert judged == {"cp313": ("HAVE_STRLCPY",)}


def test_wrappers_run_under_the_oldest_python_of_the_root(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    root = tmp_path_factory.mktemp("native")
    (root / "usr/bin").mkdir(parents=True)
    assert host_python(root) == "/usr/bin/python3"
    for name in ("python3.14", "python3.13", "python3.13-config", "python3.9"):
        (root / "usr/bin" / name).touch()
    assert host_python(root) == "/usr/bin/python3.9"
