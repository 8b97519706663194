from Cython.Build import cythonize
from setuptools import Extension, setup

setup(ext_modules=cythonize([Extension("demo", ["demo.pyx"], language="c++")]), py_modules=[])
