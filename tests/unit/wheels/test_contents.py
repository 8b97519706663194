"""Which modules a wheel brings, and how their imports are judged."""

import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manyloong.wheels.contents import read_names, wheel_modules
from manyloong.wheels.imports import Imports, ModuleResult, parse_results
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
