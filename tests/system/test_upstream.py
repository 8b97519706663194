"""The edit scripts fit the newest releases on the index, and the tests of what they edit pass."""

from pathlib import Path

import pytest
from upstream.check import PROJECTS, check

pytestmark = pytest.mark.system


@pytest.mark.parametrize("project", PROJECTS)
def test_newest_release(project: str, tmp_path: Path) -> None:
    checked = check(project, tmp_path, near=True)
    assert checked.passed, checked.log[-6000:]
    assert any("loongarch64" in name for name in checked.changed)
