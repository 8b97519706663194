"""The installed cibuildwheel with one more architecture: ``ADDITION ARGUMENTS...``, the first as JSON.

A process of its own, which becomes cibuildwheel's; its exit status is cibuildwheel's.
"""

import json
import sys
from typing import Any

from manyloong.ci.payload.added import Addition, MovedOnError, install


def main(arguments: list[str]) -> None:
    """Add the architecture, then run."""
    document = json.loads(arguments[0])
    utility, plan = document.pop("utility_python"), document.pop("plan", False)
    try:
        addition = Addition(**document)
        install(addition)
        use_python(utility)
        describe(addition)
        if plan:
            plan_only(addition.name)
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


def plan_only(architecture: str) -> None:
    """Have cibuildwheel end where it knows what to build, with that as JSON: identifier, engine, image."""
    from cibuildwheel import __main__ as program

    names = ("compute_options", "get_build_identifiers")
    missing = [name for name in names if not hasattr(program, name)]
    if missing:
        raise MovedOnError(f"cibuildwheel.__main__ has no {', '.join(missing)}")
    compute, identify = (getattr(program, name) for name in names)
    known: list[Any] = []

    def compute_options(*positional: Any, **named: Any) -> Any:
        known.append(compute(*positional, **named))
        return known[-1]

    def get_build_identifiers(*positional: Any, **named: Any) -> None:
        rows = [(name, known[-1].build_options(name)) for name in identify(*positional, **named)]
        json.dump([planned(name, options, architecture) for name, options in rows], sys.stdout)
        sys.exit(0)

    for name, function in zip(names, (compute_options, get_build_identifiers), strict=True):
        setattr(program, name, function)


def planned(identifier: str, options: Any, architecture: str) -> dict[str, str]:
    """What one build runs in."""
    images = options.musllinux_images if "musllinux" in identifier else options.manylinux_images
    return {
        "identifier": identifier,
        "engine": options.container_engine.name,
        "image": str((images or {}).get(architecture, "")),
    }


if __name__ == "__main__":
    main(sys.argv[1:])
