"""The installed cibuildwheel with one more architecture: ``ADDITION ARGUMENTS...``, the first as JSON.

A process of its own, which becomes cibuildwheel's; its exit status is cibuildwheel's.
"""

import json
import sys

from manyloong.ci.payload.added import Addition, MovedOnError, install


def main(arguments: list[str]) -> None:
    """Add the architecture, then run."""
    document = json.loads(arguments[0])
    utility = document.pop("utility_python")
    try:
        addition = Addition(**document)
        install(addition)
        use_python(utility)
        describe(addition)
    except MovedOnError as error:
        sys.exit(f"error: the installed cibuildwheel cannot be used: {error}")
    from cibuildwheel.__main__ import main as run

    sys.argv = ["cibuildwheel", *arguments[1:]]
    run()


def use_python(path: str) -> None:
    """The interpreter of the images that cibuildwheel's own small jobs are for; it expects the oldest one."""
    from cibuildwheel.oci_container import OCIContainer

    if not hasattr(OCIContainer, "UTILITY_PYTHON"):
        raise MovedOnError("cibuildwheel.oci_container.OCIContainer has no UTILITY_PYTHON")
    OCIContainer.UTILITY_PYTHON = path


def describe(addition: Addition) -> None:
    """What the log calls the builds."""
    from cibuildwheel import logger

    known = getattr(logger, "PLATFORM_IDENTIFIER_DESCRIPTIONS", None)
    if not isinstance(known, dict):
        raise MovedOnError("cibuildwheel.logger has no PLATFORM_IDENTIFIER_DESCRIPTIONS")
    for family in ("manylinux", "musllinux"):
        known[f"{family}_{addition.name}"] = f"{family} {addition.name}"


if __name__ == "__main__":
    main(sys.argv[1:])
