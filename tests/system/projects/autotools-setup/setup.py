"""Runs the autotools of a bundled library, asking for no host: they must find out themselves."""

import os
import subprocess

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext


class Build(build_ext):
    def run(self):
        place = os.path.abspath("installed")
        for command in (
            ["autoreconf", "-i"],
            ["./configure", f"--prefix={place}", "--with-pic", "--disable-shared"],
        ):
            subprocess.check_call(command, cwd="library")
        subprocess.check_call(["make", "install"], cwd="library")
        super().run()


extension = Extension(
    "demo", ["demo.cc"], include_dirs=["installed/include"], library_dirs=["installed/lib"], libraries=["facts"],
    define_macros=[("MANTISSA", "mantissa_of_the_library()")], language="c++",
)  # fmt: skip
setup(ext_modules=[extension], cmdclass={"build_ext": Build}, py_modules=[])
