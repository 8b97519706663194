"""What the proof of CPython's own tests reads out of the suite's output."""

from evidence import cpython

RULE, LINE = "=" * 70, "-" * 70
OUTPUT = f"""\
== CPython 3.13.15
0:00:00 load avg: 10.47 Run 4 tests sequentially in a single process (timeout: 15 min)
0:00:00 load avg: 10.47 [1/4] test_bool
test_int (test.test_bool.BoolTest.test_int) ... ok

Ran 31 tests in 0.1s

OK (skipped=2)
0:00:11 load avg: 10.32 [1/4] test_bool passed
0:00:11 load avg: 10.32 [2/4] test_x
{RULE}
FAIL: test_y (test.test_x.T.test_y)
{LINE}
Traceback (most recent call last):
AssertionError: 1 != 2

{LINE}
Ran 3 tests in 0.1s

FAILED (failures=1)
test test_x failed
0:00:12 load avg: 10.32 [2/4/1] test_x failed (1 failure)
0:00:12 load avg: 10.32 [3/4/1] test_curses
test_curses skipped -- Use of the 'curses' resource not enabled
0:00:13 load avg: 10.32 [3/4/1] test_curses skipped (resource denied)
0:00:13 load avg: 10.32 [3/4/1] test.test_asyncio.test_queues
Ran 7 tests in 0.1s
0:00:14 load avg: 10.32 [3/4/1] test.test_asyncio.test_queues passed
0:00:14 load avg: 10.32 [4/4/1] test_slow
Fatal Python error: Segmentation fault
"""


def test_each_module_has_what_it_said() -> None:
    seen = dict(cpython.parted(OUTPUT.splitlines(keepends=True), lambda: 139))
    short = {name: (one["exit"], one["tests"], one["skipped"], one["bad"]) for name, one in seen.items()}
    assert short == {
        "test_bool": (0, 31, 2, {}),
        "test_x": (2, 3, 0, {"test.test_x.T.test_y": "AssertionError: 1 != 2"}),
        "test_curses": (4, 0, 0, {}),
        "test.test_asyncio.test_queues": (0, 7, 0, {}),
        "test_slow": (139, 0, 0, {}),
    }
    assert "Segmentation fault" in seen["test_slow"]["end"]
    assert "end" not in seen["test_x"]  # the failures say it
