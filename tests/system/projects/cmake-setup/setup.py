"""Runs CMake itself, for a static library that the extension links."""

import subprocess

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext


class Build(build_ext):
    def run(self):
        subprocess.check_call(["cmake", "-S", "library", "-B", "made", "-DCMAKE_INSTALL_PREFIX=installed"])
        subprocess.check_call(["cmake", "--build", "made", "--target", "install"])
        super().run()


extension = Extension(
    "demo", ["demo.cc"], include_dirs=["installed/include"], library_dirs=["installed/lib"], libraries=["facts"],
    define_macros=[("MANTISSA", "mantissa_of_the_library()")], language="c++",
)  # fmt: skip
setup(ext_modules=[extension], cmdclass={"build_ext": Build}, py_modules=[])
