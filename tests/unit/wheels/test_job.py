"""A job's id: pinned once, and moved by everything that decides the wheel."""

from dataclasses import replace
from pathlib import Path

import pytest

from manyloong.targets import all_pythons, target
from manyloong.wheels.cross import backend_settings, cross_config, cross_variables, stable_settings
from manyloong.wheels.identifier import Identifier
from manyloong.wheels.job import Job, Options
from manyloong.wheels.recipe_keys import Skip
from manyloong.wheels.recipes import Recipe, gathered_settings
from manyloong.wheels.source import Source

SOURCE = Source(
    kind="index",
    location="demo==1.0",
    name="demo",
    version="1.0",
    sha256="a" * 64,
    path=Path("/nowhere"),
    requires_python=None,
)
JOB = Job(
    source=SOURCE,
    identifier=Identifier(python=all_pythons()[0], target=target("manylinux_2_36_loongarch64")),
    options=Options(),
    kit=(("native-amd64", "b" * 64),),
)


def test_golden_id() -> None:
    assert JOB.id == "80f624de584acc235b9a90231a9e909ef6e40c9af01177684c6e562b45e259f0"


@pytest.mark.parametrize(
    "other",
    [
        replace(JOB, source=replace(SOURCE, sha256="c" * 64)),
        replace(JOB, identifier=replace(JOB.identifier, python=all_pythons()[1])),
        replace(JOB, identifier=replace(JOB.identifier, target=target("manylinux_2_38_loongarch64"))),
        replace(JOB, options=Options(config_settings=(("a", "b"),))),
        replace(JOB, options=Options(environment=(("a", "b"),))),
        replace(JOB, options=Options(test=False)),
        replace(JOB, kit=(("native-amd64", "d" * 64),)),
        replace(JOB, lane="emulated"),
    ],
)
def test_what_decides_the_wheel_decides_the_id(other: Job) -> None:
    assert other.id != JOB.id


@pytest.mark.parametrize(
    "other",
    [
        replace(JOB, options=Options(test_command="pytest", test_requires=("pytest",))),
        replace(JOB, options=Options(recipe=Recipe(skips=(Skip(test="a", reason="b"),), dispatched=("f",)))),
        replace(JOB, options=Options(recipe=Recipe(import_first=("host",)))),
        replace(JOB, siblings=all_pythons()[:1], roots=(("target-loong64", "c" * 64),)),
    ],
)
def test_what_is_tested_only_makes_another_job_and_the_same_build(other: Job) -> None:
    assert other.id != JOB.id
    assert other.build_id == JOB.build_id


def test_what_decides_the_bytes_decides_the_build() -> None:
    for other in (
        replace(JOB, options=Options(recipe=Recipe(ports=("zlib",)))),
        replace(JOB, options=Options(recipe=Recipe(build_requires=("swig",)))),
        replace(JOB, roots=(("python", "d" * 64),)),
        replace(JOB, lane="emulated"),
    ):
        assert other.build_id != JOB.build_id


def test_where_the_sources_lie_does_not() -> None:
    assert replace(JOB, source=replace(SOURCE, path=Path("/elsewhere"), location="x")).id == JOB.id


def test_repeated_config_settings_make_lists() -> None:
    pairs = [("setup-args", "-Da=b"), ("setup-args", "-Dc=d"), ("x", "1")]
    options = Options(config_settings=gathered_settings(pairs))
    assert options.settings() == {"setup-args": ["-Da=b", "-Dc=d"], "x": "1"}


def test_meson_learns_of_the_cross_file_and_others_do_not() -> None:
    given = {"setup-args": ["-Da=b"]}
    merged = backend_settings("mesonpy", given)["setup-args"]
    assert merged[0].startswith("--cross-file=")
    assert merged[-1] == "-Da=b"
    assert given == {"setup-args": ["-Da=b"]}
    assert backend_settings("setuptools.build_meta:__legacy__", given) == given
    for settings in (backend_settings, stable_settings):
        assert settings("mesonpy", {})["build-dir"] == "/build/src/.mesonpy-build"
        assert settings("mesonpy", {"build-dir": "b"})["build-dir"] == "b"
    assert "setup-args" not in stable_settings("mesonpy", {})


def test_the_environment_is_whole_and_fixed() -> None:
    variables = cross_variables(epoch=1, jobs=2)
    assert variables["SOURCE_DATE_EPOCH"] == "1"
    assert variables["MAKEFLAGS"] == "-j2"
    assert not any("python" in value.lower() for key, value in variables.items() if key == "PATH")
    assert (
        cross_config(target("manylinux_2_38_loongarch64"), all_pythons()[0])["libc_version"] == "glibc 2.38"
    )
