"""Writes an index as plain files that any web server can serve: the same index, the same bytes."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath

import orjson
from anyio import to_thread

from manyloong.errors import InputError
from manyloong.index import shelf
from manyloong.index.adding import BACKUP_SUFFIX, format_backup
from manyloong.index.database import reading
from manyloong.index.entry import provenance_path
from manyloong.index.model import LocalFile, State, blob_key
from manyloong.index.pages import Pages
from manyloong.index.render import project_html, root_html, root_json
from manyloong.index.site import Site
from manyloong.index.stored_page import API_VERSION
from manyloong.index.upstream import Upstream
from manyloong.index.upstream_page import JSON_TYPE

_MANIFEST = "manyloong-export.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """How many files were written, were right already, and were removed."""

    written: int
    unchanged: int
    removed: int


async def export(site: Site, upstream: Upstream, destination: Path) -> Exported:
    """Write the index to a folder; raises RefusedError when a page cannot be made whole.

    Only what differs is written; what an earlier export wrote and no longer belongs is removed.
    """
    tree = _Tree(destination)
    pages = Pages(site.engine, upstream)
    with reading(site.engine) as connection:
        projects = shelf.all_projects(connection)
    shown = []
    for project in projects:
        files = await to_thread.run_sync(_files, site, project.name)
        if not files:
            continue
        page = await pages.page(project.name, JSON_TYPE)
        shown.append(project.name)
        tree.write(f"simple/{project.name}/index.json", page.body)
        tree.write(f"simple/{project.name}/index.html", project_html(page.body))
        for file in files:
            await to_thread.run_sync(_write_file, site, tree, file)
    tree.write("simple/index.json", root_json(shown, api_version=API_VERSION))
    tree.write("simple/index.html", root_html(shown, api_version=API_VERSION))
    return tree.finish()


def _files(site: Site, project: str) -> list[LocalFile]:
    """All files that have a URL: also the withdrawn ones, for lock files."""
    with reading(site.engine) as connection:
        return shelf.of_project(connection, project, states=(State.PUBLISHED, State.WITHDRAWN))


def _write_file(site: Site, tree: "_Tree", file: LocalFile) -> None:
    filename = file.name.filename
    key = blob_key(file.sha256, filename)
    tree.copy(f"files/{key}", site.blobs.chunks(key), size_bytes=file.size_bytes)
    tree.write(f"files/{key}.metadata", b"".join(site.blobs.chunks(key + ".metadata")))
    tree.write(f"files/{key}{BACKUP_SUFFIX}", format_backup(site, filename))
    with reading(site.engine) as connection:
        for document in shelf.documents(connection, filename):
            if document.kind == "provenance":
                tree.write(provenance_path(file.name), document.text.encode())


class _Tree:
    """The destination: counts, compares, and remembers what belongs there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.names: set[str] = set()
        self.written = self.unchanged = 0
        self.before = _manifest(folder)

    def write(self, name: str, content: bytes) -> None:
        path = self._claim(name)
        if path.is_file() and sha256(path.read_bytes()).digest() == sha256(content).digest():
            self.unchanged += 1
            return
        self._replace(path, iter([content]))

    def copy(self, name: str, chunks: Iterator[bytes], *, size_bytes: int) -> None:
        """A wheel: its path holds its hash, so the same size is the same file."""
        path = self._claim(name)
        if path.is_file() and path.stat().st_size == size_bytes:
            self.unchanged += 1
            return
        self._replace(path, chunks)

    def finish(self) -> Exported:
        gone = sorted(self.before - self.names)
        for name in gone:
            path = self.folder / name
            path.unlink(missing_ok=True)
            for parent in list(path.parents)[: len(PurePosixPath(name).parents) - 1]:
                if parent.is_dir() and not any(parent.iterdir()):
                    shutil.rmtree(parent)
        text = orjson.dumps(sorted(self.names), option=orjson.OPT_INDENT_2)
        (self.folder / _MANIFEST).write_bytes(text)
        return Exported(written=self.written, unchanged=self.unchanged, removed=len(gone))

    def _claim(self, name: str) -> Path:
        self.names.add(name)
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def _replace(self, path: Path, chunks: Iterator[bytes]) -> None:
        aside = path.with_name(path.name + ".new")
        with aside.open("wb") as target:
            for piece in chunks:
                target.write(piece)
        aside.replace(path)
        self.written += 1


def _manifest(folder: Path) -> set[str]:
    """What the last export wrote; raises InputError for a folder that is in use for something else."""
    path = folder / _MANIFEST
    if not path.exists():
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise InputError(f"{folder} is not empty and not an export", hint="name a new folder")
        return set()
    names = orjson.loads(path.read_bytes())
    inside = [name for name in names if isinstance(name, str) and ".." not in PurePosixPath(name).parts]
    return {name for name in inside if not name.startswith("/")}
