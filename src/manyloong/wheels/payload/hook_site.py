"""Lets a cross build's Python present itself as the target's, except where it installs packages.

Installed as ``_manyloong_hook.py`` beside ``_manyloong_cross.py`` in the Python of a project's hooks: what
pip and uv install there must run on the build machine, as that Python itself does.
"""

import os
import sys

words = sys.orig_argv[1:]
installs = any("pip" in os.path.basename(word) for word in words[:3])
if installs or any("get_interpreter_info" in word for word in words):
    os.environ["MANYLOONG_NATIVE_PYTHON"] = "1"  # and what it starts
if "MANYLOONG_NATIVE_PYTHON" not in os.environ:
    import _manyloong_cross  # type: ignore[import-not-found]  # noqa: F401
