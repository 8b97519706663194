"""Adds an extension to the setup.py that the backend runs."""


def pdm_build_update_setup_kwargs(context, setup_kwargs):
    from setuptools import Extension

    setup_kwargs.update(
        ext_modules=[Extension("demo.demo", ["demo.cc"], define_macros=[("MANTISSA", "LDBL_MANT_DIG")])]
    )
