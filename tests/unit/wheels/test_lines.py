"""What stands for package managers and downloaders in hooks: their command lines."""

import pytest

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
