from setuptools import Extension


def build(setup_kwargs):
    setup_kwargs.update(
        ext_modules=[Extension("demo.demo", ["demo.cc"], define_macros=[("MANTISSA", "LDBL_MANT_DIG")])]
    )
