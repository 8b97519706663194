"""The command line of uv."""

from pathlib import Path

import pytest

from manyloong.wheels.resolve import Uv


@pytest.mark.parametrize("offline", [True, False])
@pytest.mark.parametrize("arguments", [["compile", "-"], ["install", "--offline", "a.whl"]])
def test_offline_is_said_at_most_once(arguments: list[str], *, offline: bool) -> None:
    uv = Uv(binary=Path("/uv"), python=Path("/python"), environment={}, index_url="", offline=offline)
    said = uv.command(arguments).count("--offline")
    assert said == (1 if offline or "--offline" in arguments else 0)
