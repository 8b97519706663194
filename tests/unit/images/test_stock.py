"""What is said to stock cibuildwheel, and what is refused before it starts."""

from pathlib import Path

import pytest

from manyloong.ci.stock import (
    PlannedBuild,
    check_engine,
    check_engine_name,
    check_image,
    needed_images,
    stock_addition,
    stock_arguments,
)
from manyloong.errors import HostError, InputError, NotFoundError
from manyloong.wheels.image_parts import image_targets

TARGETS = image_targets()


def engine(folder: Path, answer: str, status: int = 0) -> str:
    program = folder / "podman"
    program.write_text(f"#!/bin/sh\necho '{answer}'\nexit {status}\n", "utf-8")
    program.chmod(0o755)
    return f"{folder}:/usr/bin:/bin"


@pytest.mark.parametrize(
    "given", [["--only", "cp313-manylinux_loongarch64"], ["--archs=x86_64"], ["--archs", "all"]]
)
def test_named_architectures_stay(given: list[str]) -> None:
    assert stock_arguments(given, {}, TARGETS[0]) == given
    assert stock_arguments(["."], {"CIBW_ARCHS": "auto"}, TARGETS[0]) == ["."]
    assert stock_arguments(["."], {}, TARGETS[0]) == ["--archs", "loongarch64", "."]


def test_addition_has_images_and_their_interpreters() -> None:
    addition = stock_addition(TARGETS)
    assert addition["oci"] == "linux/loong64"
    assert addition["images"]["manylinux"]["manylinux_2_36"] == "manylinux_2_36_loongarch64"
    assert ["cp313", "3.13", "/opt/python/cp313-cp313"] in addition["pythons"]["manylinux"]
    assert ["cp313t", "3.13", "/opt/python/cp313-cp313t"] in addition["pythons"]["manylinux"]
    assert [row[0] for row in addition["pythons"]["musllinux"]] == ["cp313"]
    assert addition["images"]["musllinux"] == {"musllinux_1_2": "musllinux_1_2_loongarch64"}


def test_images_are_needed_for_what_is_built() -> None:
    def needed(*rows: tuple[str, str]) -> list[tuple[str, str]]:
        builds = [PlannedBuild(identifier="x", engine=engine, image=image) for engine, image in rows]
        return [(engine, target.tag) for engine, target in needed_images(builds, TARGETS)]

    many, musl = "manylinux_2_36_loongarch64", "musllinux_1_2_loongarch64"
    assert needed(("podman", many), ("podman", many), ("docker", musl)) == [
        ("podman", many),
        ("docker", musl),
    ]
    assert needed(("podman", "registry.example/own:1"), ("podman", "")) == []


def test_a_missing_engine(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="docker is not installed"):
        check_engine("docker", {"PATH": str(tmp_path)})
    engine(tmp_path, "")
    with pytest.raises(HostError) as caught:
        check_engine("docker", {"PATH": str(tmp_path)})
    assert caught.value.hint == "CIBW_CONTAINER_ENGINE=podman"
    check_engine("podman", {"PATH": str(tmp_path)})


@pytest.mark.parametrize("text", ["", "docker", "podman; create_args: --net host", "name: podman"])
def test_known_engines(text: str) -> None:
    check_engine_name({"CIBW_CONTAINER_ENGINE": text})


def test_an_unknown_engine() -> None:
    with pytest.raises(InputError, match="no engine 'podmn'") as caught:
        check_engine_name({"CIBW_CONTAINER_ENGINE": "podmn; create_args: --net host"})
    assert caught.value.hint == "did you mean 'podman'?"
    with pytest.raises(InputError) as caught:
        check_engine_name({"CIBW_CONTAINER_ENGINE": "zzz"})
    assert caught.value.hint == "known: docker, podman"


def test_an_engine_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", engine(tmp_path, ""))
    (tmp_path / "podman").write_text("#!/bin/sh\necho 'Cannot connect to its daemon' >&2; exit 1\n", "utf-8")
    with pytest.raises(HostError, match="podman does not answer: Cannot connect to its daemon"):
        check_image("podman", TARGETS[0])


@pytest.mark.parametrize(
    ("answer", "status", "error", "words"),
    [("", 125, NotFoundError, "no image"), ("linux/amd64", 0, HostError, "is for linux/amd64")],
)
def test_no_image_or_a_wrong_one(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    status: int,
    error: type[Exception],
    words: str,
) -> None:
    monkeypatch.setenv("PATH", engine(tmp_path, answer, status))
    with pytest.raises(error, match=words):
        check_image("podman", TARGETS[0])


def test_the_right_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", engine(tmp_path, "linux/loong64"))
    check_image("podman", TARGETS[0])
