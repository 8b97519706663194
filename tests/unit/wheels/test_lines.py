"""What stands for package managers and downloaders in hooks: their command lines."""

import pytest

from manyloong.wheels.hooks import named_packages
from manyloong.wheels.payload.download_line import UnknownError, parse
from manyloong.wheels.payload.install_line import wanted

URL = "https://downloads.example.org/a-1.tar.gz?x=1"


@pytest.mark.parametrize(
    ("program", "line", "name"),
    [
        ("curl", "-fsSLO", "a-1.tar.gz"),
        ("curl", "-fsSL", "-"),
        ("curl", "-sSLo b.tgz", "b.tgz"),
        ("curl", "-L --retry 3 --output b.tgz", "b.tgz"),
        ("curl", "--retry=3 -o b.tgz", "b.tgz"),
        ("wget", "-q", "a-1.tar.gz"),
        ("wget", "-qO b.tgz", "b.tgz"),
        ("wget", "-qO-", "-"),
        ("wget", "--no-verbose --tries=3", "a-1.tar.gz"),
    ],
)
def test_downloads(program: str, line: str, name: str) -> None:
    assert parse(program, [*line.split(), URL]) == [(URL, name)]
    if not line.endswith(("tgz",)):
        assert parse(program, [URL, *line.split()]) == [(URL, name)]


@pytest.mark.parametrize("line", ["-X POST", "--data x", "-d x", "--upload-file y"])
def test_what_is_no_download_is_refused(line: str) -> None:
    with pytest.raises(UnknownError):
        parse("curl", [*line.split(), URL])


def test_install_lines() -> None:
    assert wanted(["-y", "install", "--setopt=a=b", "x", "y"]) == ["x", "y"]
    assert wanted(["add", "--no-cache", "x"]) == ["x"]
    assert wanted(["update"]) is None


@pytest.mark.parametrize(
    "line",
    [
        "add --no-cache --virtual .build-deps libffi-dev",
        "add -t .build-deps libffi-dev",
        "add --virtual=.build-deps libffi-dev",
        "--repository https://packages.example.org/edge add libffi-dev",
        "add libffi-dev~=3.4",
        "add libffi-dev>3",  # in quotes
        "install -y --enablerepo epel libffi-dev",
        "install -y libffi-dev.x86_64",
        "install -t stable-backports libffi-dev=3.4.8-2",
        "install -o Acquire::Retries=3 libffi-dev:amd64",
    ],
)
def test_what_belongs_to_the_manager_is_no_package(line: str) -> None:
    assert wanted(line.split()) == ["libffi-dev"]
    assert named_packages(f"apk update && apk {line.replace('>', chr(92) + '>')}; make") == ("libffi-dev",)
