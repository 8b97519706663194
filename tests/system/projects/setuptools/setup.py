"""A C++ extension; a generator made with CXX_FOR_BUILD, and a check made with the compiler and run."""

import os
import subprocess

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext


class Build(build_ext):
    def build_extensions(self):
        subprocess.check_call([os.environ["CXX_FOR_BUILD"], "-O1", "generator.cc", "-o", "generator"])
        subprocess.check_call(["./generator", "made.h"])
        subprocess.check_call([*self.compiler.compiler, "mantissa.c", "-o", "mantissa"])
        self.extensions[0].define_macros.append(("MANTISSA", str(subprocess.call(["./mantissa"]))))
        super().build_extensions()


setup(ext_modules=[Extension("demo", ["demo.cc"])], cmdclass={"build_ext": Build}, py_modules=[])
