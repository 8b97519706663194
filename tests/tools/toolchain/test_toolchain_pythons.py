"""Each CPython's configuration holds at the floor: what it promises compiles, links and is there."""

import json
import re
from typing import Any

import pytest

from manyloong.roots.pyconfig import function_names, have_names, header_names, parse_variables
from manyloong.roots.pythons import exported_functions, find_libc

pytestmark = pytest.mark.tools
PYTHONS = ("cp313", "cp314", "cp315")
# A function that none of these declares is linked without its declaration.
HEADERS = """
aio.h arpa/inet.h ctype.h dirent.h dlfcn.h errno.h fcntl.h fenv.h grp.h langinfo.h libintl.h link.h
locale.h math.h net/if.h netdb.h netinet/in.h poll.h pthread.h pty.h pwd.h sched.h semaphore.h
setjmp.h shadow.h signal.h spawn.h stdio.h stdlib.h string.h sys/auxv.h sys/epoll.h sys/eventfd.h
sys/file.h sys/ioctl.h sys/mman.h sys/personality.h sys/random.h sys/resource.h sys/select.h
sys/sem.h sys/sendfile.h sys/shm.h sys/socket.h sys/stat.h sys/statvfs.h sys/syscall.h sys/time.h
sys/timerfd.h sys/times.h sys/types.h sys/uio.h sys/utsname.h sys/wait.h sys/xattr.h syslog.h
termios.h time.h unistd.h utime.h utmp.h wchar.h
"""


def kept_functions(workshop: Any, python: str) -> list[str]:
    """What a filtered pyconfig.h still says of the C library's functions."""
    text = (workshop.kit.toolchain.target / f"python/{python}/include/pyconfig.h").read_text()
    root, triplet = workshop.kit.target_root.path, workshop.kit.target.triplet
    exported = exported_functions(find_libc(root, triplet))
    return sorted(set(function_names(have_names(text), exported).values()))


@pytest.mark.parametrize("python", PYTHONS)
def test_every_function_that_stays_compiles_and_links(python: str, workshop: Any) -> None:
    functions = kept_functions(workshop, python)
    assert len(functions) > 200
    includes = "".join(f"#include <{name}>\n" for name in HEADERS.split())
    table = ", ".join(f"(void *)&{name}" for name in functions)
    source = f"#define _GNU_SOURCE 1\n{includes}void *table[] = {{ {table} }};\n"
    workshop.write({"a.c": source})
    done = workshop.run("cc", "-ferror-limit=0", "-w", "-c", "a.c", "-o", "a.o")
    unseen = re.findall(r"use of undeclared identifier '(\w+)'", done.log.read_text())
    declared = [name for name in functions if name not in unseen]
    print(f"{python}: {len(declared)} functions declared and linked, linked only: {unseen}")  # noqa: T201
    assert len(unseen) <= 10
    table = ", ".join(f"(void *)&{name}" for name in declared)
    hidden = "".join(f"extern char {name}; void *of_{name} = &{name};\n" for name in unseen)
    workshop.write(
        {
            "a.c": f"#define _GNU_SOURCE 1\n{includes}void *table[] = {{ {table} }};\n",
            "b.c": f"int none;\n{hidden}",
        }
    )
    link = ("cc", "-w", "-fno-builtin", "-shared", "-fPIC", "-Wl,-z,defs")
    workshop.check(*link, "a.c", "b.c", "-o", "a.so", "-lm")


@pytest.mark.parametrize("python", PYTHONS)
def test_every_header_that_stays_can_be_included(python: str, workshop: Any) -> None:
    text = (workshop.kit.toolchain.target / f"python/{python}/include/pyconfig.h").read_text()
    rows = header_names(have_names(text))
    lines = [" && ".join(f"!__has_include(<{name}>)" for name in spellings) for spellings in rows.values()]
    body = "".join(f'#if {line}\n#error "{name}"\n#endif\n' for name, line in zip(rows, lines, strict=True))
    workshop.write({"a.c": body})
    workshop.check("cc", "-fsyntax-only", "a.c")


@pytest.mark.parametrize("python", PYTHONS)
def test_what_newer_c_libraries_have_is_gone(python: str, workshop: Any) -> None:
    tree = workshop.kit.toolchain.target
    record = json.loads((tree / "toolchain.json").read_text())
    removed = record["pythons"][python]["removed"]
    assert "HAVE_STRLCPY" in removed
    text = (tree / f"python/{python}/include/pyconfig.h").read_text()
    assert "#undef HAVE_STRLCPY" in text
    (module,) = (tree / f"python/{python}").glob("_sysconfigdata_*.py")
    assert parse_variables(module.read_text())["HAVE_STRLCPY"] == 0


@pytest.mark.parametrize("python", PYTHONS)
def test_an_extension_is_built_as_the_build_variables_say(python: str, workshop: Any) -> None:
    (module,) = (workshop.kit.toolchain.target / f"python/{python}").glob("_sysconfigdata_*.py")
    assert module.name == "_sysconfigdata__linux_loongarch64-linux-gnu.py"
    variables = parse_variables(module.read_text())
    assert variables["EXT_SUFFIX"] == f".cpython-{python[2:]}-loongarch64-linux-gnu.so"
    source = (
        "#include <Python.h>\nstatic PyModuleDef_Slot slots[] = {{0, 0}};\n"
        'static struct PyModuleDef def = {PyModuleDef_HEAD_INIT, "a", 0, 0, 0, slots};\n'
        "PyMODINIT_FUNC PyInit_a(void) { return PyModuleDef_Init(&def); }\n"
    )
    workshop.write({"a.c": source, "b.cc": source})
    for compiler, link, name in (("CC", "LDSHARED", "a.c"), ("CXX", "LDCXXSHARED", "b.cc")):
        compile_line = f"{variables[compiler]} {variables['CFLAGS']} -Wno-missing-field-initializers"
        script = (
            f"{compile_line} {variables['CCSHARED']} -I{variables['INCLUDEPY']} -c {name} -o a.o;"
            f"{variables[link]} a.o -o a{variables['EXT_SUFFIX']}"
        )
        workshop.check("sh", "-ec", script)
    listed = workshop.check("nm", "-D", "--defined-only", f"a{variables['EXT_SUFFIX']}")
    assert [line.split()[-1] for line in listed.splitlines()] == ["PyInit_a"]
