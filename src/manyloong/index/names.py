"""Names of projects and wheels in their normal form; tricks with Unicode and paths are refused."""

import re

from packaging.utils import (
    InvalidName,
    InvalidWheelFilename,
    canonicalize_name,
    canonicalize_version,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version

from manyloong.errors import InputError
from manyloong.index.model import WheelName

_FILENAME = re.compile(r"[A-Za-z0-9._+!-]{1,200}\.whl", re.ASCII)
_PROJECT = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,198}[A-Za-z0-9])?", re.ASCII)


def project_name(text: str) -> str:
    """The normalised name (PEP 503); raises InputError for what PEP 508 does not call a name."""
    if not _PROJECT.fullmatch(text):
        raise InputError(
            f"{text[:80]!r} is not a project name", hint="ASCII letters, digits, and . _ - between them"
        )
    try:
        return str(canonicalize_name(text, validate=True))
    except InvalidName as error:
        raise InputError(f"{text[:80]!r} is not a project name") from error


def canonical_version(text: str) -> str:
    """The version (PEP 440) in its normal form, trailing zeros kept; raises InputError."""
    try:
        return str(Version(text))
    except InvalidVersion as error:
        raise InputError(f"{text[:80]!r} is not a version", hint="see PEP 440") from error


def version_key(text: str) -> str:
    """Equal for equal versions, whatever they look like (``1.0`` and ``1.0.0``)."""
    return canonicalize_version(text)


def wheel_name(filename: str) -> WheelName:
    """The parts of a wheel's file name; raises InputError for everything else."""
    if not _FILENAME.fullmatch(filename) or filename.startswith("."):
        raise InputError(f"{filename[:80]!r} is not the file name of a wheel", hint="see PEP 427")
    try:
        name, version, build, _tags = parse_wheel_filename(filename)
    except (InvalidWheelFilename, InvalidVersion) as error:
        raise InputError(f"{filename[:80]!r} is not the file name of a wheel: {error}") from error
    python, abi, platform = filename[: -len(".whl")].split("-")[-3:]
    return WheelName(
        filename=filename,
        project=project_name(str(name)),
        version=str(version),
        build="" if not build else f"{build[0]}{build[1]}",
        python=python,
        abi=abi,
        platform=platform,
    )
