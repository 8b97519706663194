from setuptools import setup

setup(cffi_modules=["build_demo.py:ffi"], py_modules=["demo"])
