"""What the build record beside a wheel says of code that is chosen at run time."""

import hashlib
from dataclasses import replace
from pathlib import Path

from manyloong.audit import Dispatch
from manyloong.errors import IntegrityError, NotFoundError
from manyloong.record import parse_record, record_path


def with_record(dispatch: Dispatch, wheel: Path) -> Dispatch:
    """The same plus what the wheel's own record says.

    Raises NotFoundError where there is no record, IntegrityError where it is broken or of another wheel.
    """
    path = record_path(wheel)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise NotFoundError(
            f"no build record {path}: {error.strerror}",
            hint="manyloong build writes it beside the wheel; else give --dispatched and --ran-on",
        ) from None
    record = parse_record(data, where=str(path))
    with wheel.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != record.wheel.sha256:
        raise IntegrityError(
            f"{path} is of another wheel: it says sha256 {record.wheel.sha256}, the file has {found}",
            hint="build it again: --force",
        )
    more = record.dispatch
    return replace(
        dispatch, functions=dispatch.functions + more.functions, ran_on=dispatch.ran_on + more.ran_on
    )
