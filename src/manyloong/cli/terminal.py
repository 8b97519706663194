"""What people see: colours that respect NO_COLOR, errors with hints, JSON for machines."""

import os
import sys
from typing import Any, TextIO

_STYLES = {"error": "1;31", "warning": "1;33", "hint": "36", "good": "32", "dim": "2", "bold": "1"}


def colours_wanted(stream: TextIO) -> bool:
    """Whether to colour this stream: NO_COLOR and FORCE_COLOR first, then whether it is a terminal."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def styled(text: str, style: str, stream: TextIO | None = None) -> str:
    """The text in a style of this module where the stream (default: stdout) takes colours."""
    if not colours_wanted(stream or sys.stdout):
        return text
    return f"\x1b[{_STYLES[style]}m{text}\x1b[0m"


def print_error(message: str, *, hint: str | None = None) -> None:
    """An error on stderr, and the next command to type."""
    print(f"{styled('error:', 'error', sys.stderr)} {message}", file=sys.stderr)
    if hint:
        print(f"{styled('hint:', 'hint', sys.stderr)} {hint}", file=sys.stderr)


def print_warning(message: str, *, hint: str | None = None) -> None:
    """A warning on stderr; work goes on."""
    print(f"{styled('warning:', 'warning', sys.stderr)} {message}", file=sys.stderr)
    if hint:
        print(f"{styled('hint:', 'hint', sys.stderr)} {hint}", file=sys.stderr)


def print_note(text: str) -> None:
    """A line on stderr that is neither good nor bad."""
    print(styled(text, "dim", sys.stderr), file=sys.stderr)


def print_json(document: Any) -> None:
    """One JSON document on stdout."""
    import json  # 3 ms that a text report need not pay

    print(json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False))
