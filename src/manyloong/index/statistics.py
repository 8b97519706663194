"""Numbers of the index, counted in the database."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from manyloong.index import shelf
from manyloong.index.model import State
from manyloong.index.tables import files


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How many wheels have something."""

    label: str
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """What the statistics page shows."""

    files: int
    projects: int
    size_bytes: int
    by_python: tuple[Count, ...]
    by_platform: tuple[Count, ...]
    by_state: tuple[Count, ...]
    by_month: tuple[Count, ...]


def statistics(connection: Connection) -> Statistics:
    """The numbers of now."""
    totals = shelf.totals(connection)
    month = func.substr(files.c.uploaded_at, 1, 7)
    published = files.c.state == State.PUBLISHED
    return Statistics(
        files=totals["files"],
        projects=totals["projects"],
        size_bytes=totals["bytes"],
        by_python=_counts(connection, files.c.python, published),
        by_platform=_counts(connection, files.c.platform, published),
        by_state=_counts(connection, files.c.state),
        by_month=_counts(connection, month),
    )


def _counts(connection: Connection, column: object, *conditions: object) -> tuple[Count, ...]:
    statement = select(column, func.count()).where(*conditions).group_by(column).order_by(column)  # type: ignore[call-overload]
    return tuple(Count(label=str(label), number=number) for label, number in connection.execute(statement))
