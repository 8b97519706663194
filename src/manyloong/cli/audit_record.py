"""What the build record beside a wheel says of code that is chosen at run time."""

from dataclasses import replace
from pathlib import Path

from manyloong.audit import Dispatch
from manyloong.record import record_of


def with_record(dispatch: Dispatch, wheel: Path) -> Dispatch:
    """The same plus what the wheel's own record says.

    Raises NotFoundError where there is no record, IntegrityError where it is broken or of another wheel.
    """
    record = record_of(
        wheel, hint="manyloong build writes it beside the wheel; else give --dispatched and --ran-on"
    )
    more = record.dispatch
    return replace(
        dispatch, functions=dispatch.functions + more.functions, ran_on=dispatch.ran_on + more.ran_on
    )
