"""An index on disk: a folder with ``index.toml``, and the database and file store that it names."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

from sqlalchemy import Engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from manyloong.errors import InputError
from manyloong.index.blobs import Blobs, open_blobs
from manyloong.index.database import migrate, open_database
from manyloong.index.settings import FILE_NAME, Settings, format_settings, read_settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """An open index."""

    root: Path
    settings: Settings
    engine: Engine
    blobs: Blobs

    @contextmanager
    def incoming(self) -> Iterator[Path]:
        """A folder of its own for one upload, on the file store's disk where that is a folder."""
        parent = self.root / "incoming"
        parent.mkdir(exist_ok=True)
        folder = Path(mkdtemp(dir=parent))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def init_site(root: Path, settings: Settings) -> Site:
    """Make an index in an empty or new folder; raises InputError where one is already."""
    if (root / FILE_NAME).exists():
        raise InputError(f"{root} is an index already", hint=f"serve it: manyloong index serve {root}")
    if root.exists() and not root.is_dir():
        raise InputError(f"{root} is not a folder")
    root.mkdir(parents=True, exist_ok=True)
    (root / FILE_NAME).write_text(format_settings(settings), "utf-8")
    try:
        return open_site(root)
    except Exception:
        (root / FILE_NAME).unlink()
        raise


def open_site(root: Path) -> Site:
    """The index in a folder, its database brought to the newest schema."""
    settings = read_settings(root)
    engine = open_database(_database_url(settings.database, root))
    migrate(engine)
    return Site(root=root, settings=settings, engine=engine, blobs=open_blobs(settings.files, root=root))


def _database_url(address: str, root: Path) -> str:
    """The address with a relative SQLite path made absolute."""
    try:
        url = make_url(address)
    except ArgumentError as error:
        raise InputError(
            "database: not a database URL", hint="such as sqlite:///index.sqlite3 or postgresql://host/name"
        ) from error
    if url.get_backend_name() == "sqlite":
        path = root.resolve() / (url.database or "index.sqlite3")
        return url.set(database=str(path)).render_as_string(hide_password=False)
    return address
