"""A platform that uv has no name for: of each project the newest release that has a wheel for it."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from tests.unit.wheels.test_downloads import doors

from manyloong.targets import all_pythons, target
from manyloong.wheels.registry import SimpleRegistry
from manyloong.wheels.requirements import Wanted
from manyloong.wheels.resolve import UnresolvableError, Uv, target_platform

FILES = {  # project -> version -> the end of its wheel's name
    "checker": {"3.0": "cp313-cp313-musllinux_1_2_x86_64", "2.1": "py3-none-any", "2.0": "py3-none-any"},
    "kernel": {"1.0": "cp313-cp313-manylinux_2_28_x86_64", "0.9": "cp313-cp313-musllinux_1_2_loongarch64"},
    "native": {"1.0": "cp313-cp313-musllinux_1_2_x86_64"},
}


def wheel(project: str, version: str) -> str:
    return f"{project}-{version}-{FILES[project][version]}.whl"


def page(url: str, accept: str) -> str:
    assert accept
    project = url.rstrip("/").rsplit("/", 1)[-1]
    return "".join(f'<a href="{wheel(project, one)}">{wheel(project, one)}</a>' for one in FILES[project])


@dataclass(frozen=True, slots=True, kw_only=True)
class NewestUv(Uv):
    """Chooses the newest release that requirements and constraints admit, whatever its wheels are for."""

    def run(self, arguments: Sequence[str], *, text: str = "") -> subprocess.CompletedProcess[str]:
        wishes = [Requirement(line) for line in text.splitlines()]
        limits = []
        if "--constraints" in arguments:
            path = Path(arguments[arguments.index("--constraints") + 1])
            limits = [Requirement(line) for line in path.read_text("utf-8").splitlines()]
        lines = ['lock-version = "1.0"', 'created-by = "test"']
        for wish in wishes:
            admits = [wish.specifier, *(one.specifier for one in limits if one.name == wish.name)]
            found = [one for one in FILES[wish.name] if all(one in some for some in admits)]
            if not found:
                return subprocess.CompletedProcess(arguments, 1, "", "No solution found")
            name = wheel(wish.name, found[0])
            lines += [
                "[[packages]]",
                f'name = "{wish.name}"',
                f'version = "{found[0]}"',
                "[[packages.wheels]]",
            ]
            lines += [f'name = "{name}"', f'url = "https://i.example/{name}"', 'hashes = {sha256 = "00"}']
        return subprocess.CompletedProcess(arguments, 0, "\n".join(lines), "")


def wanted(folder: Path, platform: str = "musllinux_1_2") -> Wanted:
    plain = doors(folder)
    uv = NewestUv(binary=Path("/uv"), python=Path("/python"), environment={}, index_url="")
    registry = SimpleRegistry(url="https://i.example", get_text=page)
    return Wanted(
        python=all_pythons()[0],
        platform=target_platform(target(platform)),
        links=(),
        doors=replace(plain, uv=uv, registry=registry),
    )


def test_the_newest_release_with_a_wheel_is_taken(tmp_path: Path) -> None:
    found = wanted(tmp_path).resolve(["checker", "kernel"])
    assert [(one.name, one.version) for one in found] == [("checker", "2.1"), ("kernel", "0.9")]


@pytest.mark.parametrize("wish", ["native", "checker==3.0", "checker>2.1"])
def test_what_has_no_wheel_is_told_as_before(tmp_path: Path, wish: str) -> None:
    with pytest.raises(UnresolvableError, match=r"no wheels for .* on musllinux_1_2_loongarch64"):
        wanted(tmp_path).resolve([wish])


def test_one_that_must_be_built_does_not_age_the_others(tmp_path: Path) -> None:
    with pytest.raises(UnresolvableError):
        wanted(tmp_path).resolve(["checker", "native"])


def test_where_uv_knows_the_platform_its_answer_stands(tmp_path: Path) -> None:
    with pytest.raises(UnresolvableError):
        wanted(tmp_path, "manylinux_2_36").resolve(["checker"])
