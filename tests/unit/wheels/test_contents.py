"""Which modules and programs a wheel brings, and how it is judged whether they import and load."""

import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manyloong.corpus.elf import Elf, make_elf
from manyloong.errors import IntegrityError
from manyloong.wheels.contents import read_names, wheel_modules, wheel_programs
from manyloong.wheels.imports import Imports, ModuleResult, parse_results
from manyloong.wheels.payload.load_programs import judge
from manyloong.wheels.test import judge_imports

SUFFIXES = (".cpython-313-loongarch64-linux-gnu.so", ".abi3.so", ".so")


@pytest.mark.parametrize(
    ("name", "modules"),
    [
        ("markupsafe/__init__.py", ("markupsafe",)),
        ("markupsafe/_speedups.cpython-313-loongarch64-linux-gnu.so", ("markupsafe._speedups",)),
        ("a/b/_c.abi3.so", ("a.b._c",)),
        ("_cffi_backend.cpython-313-loongarch64-linux-gnu.so", ("_cffi_backend",)),
        ("single.py", ("single",)),
        ("pkg/__init__.cpython-313-loongarch64-linux-gnu.so", ("pkg",)),
        ("pkg/sub/__init__.abi3.so", ("pkg.sub",)),
        ("__init__.so", ()),
        ("pkg/sub/__init__.py", ()),
        ("pkg/module.py", ()),
        ("pkg/not-a-name.so", ()),
        ("pkg.libs/libz-1234.so.1", ()),
        ("pkg.libs/libz.so", ()),
        ("pkg-1.0.dist-info/METADATA", ()),
        ("pkg-1.0.data/platlib/pkg/__init__.py", ("pkg",)),
        ("pkg-1.0.data/scripts/tool.py", ()),
        ("pkg/", ()),
    ],
)
def test_modules_of_a_member(name: str, modules: tuple[str, ...]) -> None:
    assert wheel_modules([name], suffixes=SUFFIXES) == modules


def test_a_library_without_an_init_function_is_no_module(tmp_path: Path) -> None:
    wheel = tmp_path / "pkg-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("pkg/_raw.abi3.so", b"\x7fELF strxor\0")
        archive.writestr("pkg/_module.abi3.so", b"\x7fELF PyInit__module\0")
        archive.writestr("pkg/__init__.py", b"")
    assert wheel_modules(read_names(wheel), suffixes=SUFFIXES) == ("pkg", "pkg._module")


LOADER = "/lib64/ld-linux-loongarch-lp64d.so.1"
PACKAGES = "lib/python3.13/site-packages"


def test_programs_are_found_where_they_will_be_installed(tmp_path: Path) -> None:
    program, library = make_elf(Elf(interpreter=LOADER)), make_elf(Elf())
    members = {
        "tool-1.0.data/scripts/tool": program,
        "tool-1.0.data/data/libexec/worker": program,
        "tool-1.0.data/platlib/tool/worker": program,
        "tool/data/bin/tool": program,
        "tool/data/lib/libtool.so.1": program,  # some libraries can be started too; they are no programs
        "tool/_tool.so": library,
        "tool/plugin": library,
        "tool-1.0.data/scripts/script": b"#!python\n",
        "tool/broken": b"\x7fELF",
        "tool/cut": program[:200],
    }
    wheel = tmp_path / "tool-1.0-py3-none-manylinux_2_36_loongarch64.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    assert wheel_programs(wheel, packages=PACKAGES) == (
        "bin/tool",
        f"{PACKAGES}/tool/data/bin/tool",
        f"{PACKAGES}/tool/worker",
        "libexec/worker",
    )


def test_what_is_no_wheel_has_no_programs(tmp_path: Path) -> None:
    wheel = tmp_path / "tool-1.0-py3-none-any.whl"
    wheel.write_bytes(b"PK")
    with pytest.raises(IntegrityError, match="cannot be read"):
        wheel_programs(wheel, packages=PACKAGES)


@pytest.mark.parametrize(
    ("returncode", "output", "good"),
    [
        (0, "\tlibc.so.6 => /lib/libc.so.6 (0x7f)\n", True),
        (0, "\tlibz.so.1 => not found\n", False),
        (0, "./tool: /lib/libc.so.6: version `GLIBC_2.43' not found (required by ./tool)\n", False),
        (1, "undefined symbol: deflate\t(./tool)\n", False),
        (127, "", False),
    ],
)
def test_words_of_the_loader(returncode: int, output: str, *, good: bool) -> None:
    seen, detail = judge(returncode, output)
    assert seen == good
    assert bool(detail) != good


@given(st.lists(st.text(max_size=30)))
def test_any_names_are_read(names: list[str]) -> None:
    for module in wheel_modules(names, suffixes=SUFFIXES):
        assert all(part.isidentifier() for part in module.split("."))


def imports(*modules: ModuleResult) -> Imports:
    return Imports(modules=modules, machine="loongarch64", libc="glibc 2.43", python="3.13.1")


OK = ModuleResult(module="pkg", outcome="ok")


@pytest.mark.parametrize(
    ("result", "unavailable", "expected"),
    [
        (OK, (), "passed"),
        (OK, ("numpy",), "passed"),
        (ModuleResult(module="pkg._c", outcome="failed"), (), "failed"),
        (ModuleResult(module="pkg._c", outcome="crashed"), (), "failed"),
        (ModuleResult(module="pkg._c", outcome="missing", missing="pkg._d"), (), "failed"),
        (ModuleResult(module="pkg._c", outcome="missing", missing="extra"), (), "passed"),
        (
            ModuleResult(module="pkg._c", outcome="missing", missing="numpy"),
            ("numpy",),
            "dependency not available",
        ),
        (ModuleResult(module="pkg", outcome="missing", missing="numpy"), (), "dependency not available"),
    ],
)
def test_what_imports_say(result: ModuleResult, unavailable: tuple[str, ...], expected: str) -> None:
    assert judge_imports(imports(result), ["pkg", "pkg._c"], unavailable) == expected


def test_results_of_a_process_that_died() -> None:
    text = (
        '{"machine": "loongarch64", "libc": "glibc 2.43", "python": "3.13.1"}\n'
        '{"module": "a", "outcome": "started"}\n'
        '{"module": "a", "outcome": "ok"}\n'
        '{"module": "b", "outcome": "started"}\n'
    )
    facts, finished, begun = parse_results(text)
    assert facts["machine"] == "loongarch64"
    assert [result.module for result in finished] == ["a"]
    assert begun == "b"
