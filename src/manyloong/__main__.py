"""``python -m manyloong`` is the same as ``manyloong``."""

from manyloong.cli import main

main()
