"""One error tree, one exit code a class.

A message says what went wrong, with which value and where; the hint is the next command to type.
The library raises, only ``cli/`` prints. ``docs/reference/exit-codes.md`` lists every code.
"""

from typing import ClassVar


class ManyloongError(Exception):
    """Base of every error this package raises on purpose."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class InputError(ManyloongError):
    """An argument, option or file of the user's is not of the form that is needed."""

    exit_code = 2


class NotFoundError(ManyloongError):
    """A package, version, sdist, Python, root or path that was asked for does not exist."""

    exit_code = 3


class FetchError(ManyloongError):
    """Something could not be downloaded: mirror down, time out, offline."""

    exit_code = 4


class GoneError(FetchError):
    """Files that every one of their addresses says it does not have (404); the mirrors themselves answer."""

    def __init__(self, message: str, *, hint: str | None = None, names: tuple[str, ...] = ()) -> None:
        super().__init__(message, hint=hint)
        self.names = names


class IntegrityError(ManyloongError):
    """Bytes are not what their hash, size or format says: corrupt, truncated, hostile."""

    exit_code = 5


class LockError(ManyloongError):
    """The lock and the world differ, and ``--locked`` forbids to go on."""

    exit_code = 6


class HostError(ManyloongError):
    """This host cannot do what is needed: no user namespaces, no bubblewrap, disk full."""

    exit_code = 7


class BuildError(ManyloongError):
    """The package's own build failed."""

    exit_code = 8


class VerdictError(ManyloongError):
    """A wheel was built or read, and the audit does not accept it."""

    exit_code = 9


class TestError(ManyloongError):
    """A wheel passed the audit but failed its tests."""

    __test__ = False  # not a pytest class
    exit_code = 10


class BusyError(ManyloongError):
    """Another process holds what this one needs, for longer than it may wait."""

    exit_code = 11


def error_classes() -> tuple[type[ManyloongError], ...]:
    """Every class of the tree, sorted by exit code; the docs are checked against it."""
    found: list[type[ManyloongError]] = [ManyloongError]
    for cls in found:
        found.extend(cls.__subclasses__())
    return tuple(sorted(found, key=lambda cls: cls.exit_code))
