"""Python packaging for LoongArch: build, repair, audit, test and serve loongarch64 wheels."""

__version__ = "0.1.0"
