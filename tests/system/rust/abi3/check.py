"""What the module promises, asked of the wheel."""

from collections.abc import Callable

import demo_rust_abi3 as demo  # type: ignore[import-not-found]


def raised(call: Callable[..., object], *arguments: int) -> str:
    """What a call ends with; a panic is none of Exception."""
    try:
        call(*arguments)
    except BaseException as error:  # noqa: BLE001
        return f"{type(error).__name__}: {error}"
    return "nothing"


assert demo.sum_of_squares(1000, 1) == demo.sum_of_squares(1000, 4) == 332833500
assert raised(demo.sum_of_squares, 1000, 0) == "ValueError: no threads"
assert raised(demo.quotient, 1, 0) == "PanicException: attempt to divide by zero"
