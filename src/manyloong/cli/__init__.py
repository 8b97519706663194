"""The command line: one file per verb; arguments, text and exit codes, no logic."""

from manyloong.cli.entry import main

__all__ = ["main"]
