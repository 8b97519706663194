"""What processes use, as the kernel tells it."""

import os
import resource
import subprocess
import sys

import pytest

from manyloong.sandbox.usage import _children, _children_of_all, line_of, proportional_bytes, usage_below

pytestmark = pytest.mark.tools
PAGE = resource.getpagesize()
TREE = "import subprocess, sys; subprocess.run(['sleep', '30'])"


def test_both_ways_to_find_children_agree() -> None:
    with subprocess.Popen([sys.executable, "-c", TREE], stdout=subprocess.PIPE) as outer:
        try:
            while len(found := line_of(outer.pid, generations=1)) < 2:
                pass
            assert found[0] == outer.pid
            assert _children(outer.pid) == _children_of_all()[outer.pid] == [found[1]]
            assert outer.pid in _children(os.getpid())
            used = usage_below(outer.pid, page_bytes=PAGE)
            assert set(used.processes) == {found[1]}
            shared_once = proportional_bytes(used.processes)
            assert shared_once is not None
            assert PAGE < shared_once <= used.memory_bytes * 1.1
        finally:
            os.kill(found[1], 9)


def test_what_is_gone_uses_nothing() -> None:
    gone = 2**22 + 1
    assert usage_below(gone, page_bytes=PAGE).processes == ()
    assert proportional_bytes((gone,)) is None
    assert line_of(gone, generations=2) == (gone,)
