"""What is said to stock cibuildwheel, and what is refused before it starts."""

from pathlib import Path

import pytest

from manyloong.ci.stock import check_image, engine_of, needed_targets, stock_addition, stock_arguments
from manyloong.errors import HostError, NotFoundError
from manyloong.wheels.image_parts import image_targets

TARGETS = image_targets()


def engine(folder: Path, answer: str, status: int = 0) -> dict[str, str]:
    program = folder / "podman"
    program.write_text(f"#!/bin/sh\necho '{answer}'\nexit {status}\n", "utf-8")
    program.chmod(0o755)
    return {"PATH": f"{folder}:/usr/bin:/bin", "CIBW_CONTAINER_ENGINE": "podman; create_args: --net host"}


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
    def needed(*names: str) -> list[str]:
        return [target.tag for target in needed_targets(names, TARGETS)]

    both = ["manylinux_2_36_loongarch64", "musllinux_1_2_loongarch64"]
    assert needed("cp313-manylinux_loongarch64") == both[:1]
    assert sorted(needed("cp313-musllinux_loongarch64", "cp311-manylinux_loongarch64")) == both
    assert needed("cp313-manylinux_x86_64") == []


def test_a_missing_engine(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="docker is not installed"):
        engine_of({"PATH": str(tmp_path)}, TARGETS)
    environ = engine(tmp_path, "") | {"PATH": str(tmp_path), "CIBW_CONTAINER_ENGINE": "docker"}
    with pytest.raises(HostError) as caught:
        engine_of(environ, TARGETS)
    assert caught.value.hint == "CIBW_CONTAINER_ENGINE=podman"


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
    environ = engine(tmp_path, answer, status)
    monkeypatch.setenv("PATH", environ["PATH"])
    target = TARGETS[0]
    with pytest.raises(error, match=words):
        check_image(engine_of(environ, TARGETS), target.tag, target)


def test_the_right_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environ = engine(tmp_path, "linux/loong64")
    monkeypatch.setenv("PATH", environ["PATH"])
    check_image(engine_of(environ, TARGETS), TARGETS[0].tag, TARGETS[0])
