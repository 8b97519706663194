from setuptools import Extension, setup

FLAGS = ["-fopenmp"]
setup(
    ext_modules=[
        Extension("demo_openmp", ["demo.c"], extra_compile_args=FLAGS, extra_link_args=FLAGS),
    ]
)
