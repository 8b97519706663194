"""Programs of build requirements that start natively in the emulated lane."""

import zipfile
from pathlib import Path

import pytest

from manyloong.targets import all_pythons
from manyloong.wheels.payload.lane_site import _module
from manyloong.wheels.programs import all_programs, install_programs, programs_of
from manyloong.wheels.resolve import ResolvedWheel


def wheel(name: str) -> ResolvedWheel:
    return ResolvedWheel(
        name=name, version="1", filename=f"{name}-1.whl", sha256="", url=None, size_bytes=None
    )


def test_only_what_is_required_is_started_natively() -> None:
    assert [program.script for program in programs_of([wheel("cython"), wheel("meson")])] == ["cython"]
    assert programs_of([wheel("setuptools")]) == ()
    assert all(program.why for program in all_programs())


def test_a_program_is_started_by_the_native_python_of_the_same_version(tmp_path: Path) -> None:
    path = tmp_path / "cython-1.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("Cython/__init__.py", "")
    python = all_pythons()[0]
    place = tmp_path / "env"
    (place / "bin").mkdir(parents=True)
    (place / f"lib/python{python.version}/site-packages").mkdir(parents=True)
    install_programs(all_programs(), {path.name: path}, place, python=python, host_python="/host/bin/python3")
    lines = (place / "bin/cython").read_text().splitlines()
    assert lines[0] == f"#!/host/bin/python{python.version} -I"
    assert "from Cython.Compiler.Main import setuptools_main" in lines
    assert (place / "bin/cython").stat().st_mode & 0o111
    assert (place / "native/Cython/__init__.py").is_file()
    assert (place / "native/modules.json").read_text() == '{"cython": "cython"}'


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["python", "-m", "cython", "a.pyx"], ("cython", ["a.pyx"])),
        (["python", "-mcython", "-3", "a.pyx"], ("cython", ["-3", "a.pyx"])),
        (["python", "-X", "dev", "-I", "-m", "cython"], ("cython", [])),
        (["python", "script.py", "-m", "cython"], None),
        (["python", "-c", "1", "-m", "cython"], None),
        (["python", "-m"], None),
        (["python"], None),
    ],
)
def test_what_python_was_asked_to_run(words: list[str], found: tuple[str, list[str]] | None) -> None:
    assert _module(words) == found
