"""Mirrors for the tests of this folder."""

from collections.abc import Iterator

import pytest
from tests.tools.mirror import Mirror, serving


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    with serving() as running:
        yield running


@pytest.fixture
def second_mirror() -> Iterator[Mirror]:
    with serving() as running:
        yield running
