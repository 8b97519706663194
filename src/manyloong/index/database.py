"""Opens and migrates the database: SQLite by default, PostgreSQL by its URL."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, OperationalError

from manyloong.errors import HostError, InputError

_WRITE_LOCK = 0x6D6E6C  # key of PostgreSQL's advisory lock that orders the writers
_READ_ONLY = "manyloong_read_only"


def open_database(url: str) -> Engine:
    """An engine for ``sqlite:///path`` or ``postgresql+psycopg://...``; connects to nothing yet.

    SQLite runs in WAL mode with ``synchronous=FULL``: a commit that returned survives a power cut.
    """
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except ArgumentError as error:
        raise InputError(
            f"database: {url.split(':', 1)[0]!r} is not a database URL", hint="see docs/reference/index.md"
        ) from error
    if backend == "postgresql":
        return create_engine(parsed.set(drivername="postgresql+psycopg"), pool_pre_ping=True, pool_size=8)
    if backend != "sqlite":
        raise InputError(f"database: {backend!r} is not supported", hint="use sqlite or postgresql")
    engine = create_engine(parsed, connect_args={"timeout": 30, "check_same_thread": False}, pool_size=8)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: object, _record: object) -> None:
    connection.isolation_level = None  # type: ignore[attr-defined]  # sqlite3.Connection; SQLAlchemy says BEGIN
    cursor = connection.cursor()  # type: ignore[attr-defined]
    for setting in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000"):
        cursor.execute(f"PRAGMA {setting}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    if not connection.get_execution_options().get(_READ_ONLY):
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # take the write lock at once: no upgrade dead-locks


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection that reads; waits for no writer."""
    with engine.connect() as connection:
        connection.execution_options(**{_READ_ONLY: True})
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One transaction; writers go one after the other, so the ledger stays a chain."""
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _WRITE_LOCK})
        yield connection


def migrate(engine: Engine) -> None:
    """Bring the database to the newest schema; does nothing where it is there already."""
    from alembic import command  # noqa: PLC0415 -- slow to import
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    try:
        with engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _WRITE_LOCK})
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except OperationalError as error:
        raise _unreachable(engine, error) from error


def is_alive(engine: Engine) -> bool:
    """Whether the database answers."""
    try:
        with reading(engine) as connection:
            connection.execute(text("SELECT 1"))
    except OperationalError:
        return False
    return True


def _unreachable(engine: Engine, error: OperationalError) -> HostError:
    where = engine.url.render_as_string(hide_password=True)
    return HostError(
        f"the database {where} cannot be used: {error.orig}",
        hint="check `database` in index.toml and that the server runs",
    )
