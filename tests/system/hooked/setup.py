from pathlib import Path

from setuptools import Extension, setup

if Path("made_by_hook.txt").read_text() != "loongarch64":
    raise SystemExit("the hook did not run as the target")
setup(ext_modules=[Extension("hooked", ["hooked.c"])])
