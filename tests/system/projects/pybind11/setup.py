from pybind11.setup_helpers import ParallelCompile, Pybind11Extension, build_ext
from setuptools import setup

ParallelCompile("NPY_NUM_BUILD_JOBS").install()
setup(
    ext_modules=[Pybind11Extension("demo", ["demo.cc"], cxx_std=17)],
    cmdclass={"build_ext": build_ext},
    py_modules=[],
)
