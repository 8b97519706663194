"""What to build: a release of the index, a source archive, or a checkout - with its hash."""

import hashlib
import os
import re
import shutil
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from packaging.utils import InvalidSdistFilename, canonicalize_name, parse_sdist_filename

from manyloong.errors import InputError, IntegrityError, NotFoundError
from manyloong.events import Listener, Warned
from manyloong.store import Fetcher, RemoteFile, Store
from manyloong.store.archive import extract_tar, extract_zip
from manyloong.store.normalise import normalise_modes
from manyloong.wheels.registry import Registry, Release, choose_release, parse_requirement

FIRST_ZIP_TIME = 315532800  # 1980-01-01, UTC
# Folders of a checkout that hold no source: made by tools, found in every working copy.
NOT_SOURCE = {
    "__pycache__",
    ".tox",
    ".nox",
    ".venv",
    ".mypy_cache",
    ".ruff_cache",
    ".pytest_cache",
    "node_modules",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Sources with their hash; equal ``sha256`` means equal bytes."""

    kind: Literal["index", "archive", "directory"]
    location: str  # what the user wrote, made exact: name==version, file name, folder name
    name: str | None  # canonical; None until a build says it
    version: str | None
    sha256: str  # of the archive, or of the folder's tree
    path: Path
    requires_python: str | None
    one_wheel_a_python: bool = False  # known from its published wheels; False where nothing is known
    warnings: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """How messages call it."""
        if self.name and self.version:
            return f"{self.name} {self.version}"
        return self.name or self.location


@dataclass(frozen=True, slots=True, kw_only=True)
class PureRelease:
    """An expected no: the release has a wheel for every platform, nothing is to be built."""

    name: str
    version: str
    wheel: str


def resolve_source(
    wanted: str, *, registry: Registry, fetcher: Fetcher, store: Store, listener: Listener
) -> Source | PureRelease:
    """The source a user means: a path if there is one, else a requirement on the index.

    Raises InputError (neither), NotFoundError (no such project, release, sdist), FetchError, IntegrityError.
    """
    path = Path(wanted)
    if path.is_dir():
        return _directory_source(path.resolve())
    if path.is_file():
        return _archive_source(path.resolve(), store)
    if os.sep in wanted or wanted.endswith((".tar.gz", ".zip", ".whl")):
        raise NotFoundError(f"no file or folder at {wanted}", hint="check the path")
    requirement = parse_requirement(wanted)
    release = choose_release(requirement, registry.releases(requirement.name))
    return _index_source(release, fetcher=fetcher, listener=listener)


def _index_source(release: Release, *, fetcher: Fetcher, listener: Listener) -> Source | PureRelease:
    pinned = f"{release.project}=={release.version}"
    if release.pure:
        wheel = next(file.filename for file in release.files if file.kind == "wheel")
        return PureRelease(name=release.project, version=release.version, wheel=wheel)
    sdist = release.sdist
    if sdist is None:
        raise NotFoundError(
            f"{pinned} has no source archive on the index, only "
            + (", ".join(sorted({file.kind for file in release.files})) or "nothing"),
            hint="build from a checkout: manyloong build ./path/to/checkout",
        )
    warnings: tuple[str, ...] = ()
    if sdist.yanked is not None:
        warnings = (f"{pinned} is yanked" + (f": {sdist.yanked}" if sdist.yanked else ""),)
        listener(Warned(text=warnings[0], hint="choose another release unless you know why"))
    if not sdist.sha256:
        raise NotFoundError(
            f"the index gives no SHA-256 for {sdist.filename}",
            hint="use an index that serves hashes (PEP 503)",
        )
    remote = RemoteFile(
        name=sdist.filename,
        urls=(sdist.url.split("#", 1)[0],),
        sha256=sdist.sha256,
        size_bytes=sdist.size_bytes,
    )
    fetched = fetcher.fetch([remote], label=sdist.filename, listener=listener)
    return Source(
        kind="index",
        location=pinned,
        name=str(canonicalize_name(release.project)),
        version=release.version,
        sha256=sdist.sha256,
        path=fetched[sdist.sha256],
        requires_python=sdist.requires_python,
        one_wheel_a_python=release.one_wheel_a_python,
        warnings=warnings,
    )


def _archive_source(path: Path, store: Store) -> Source:
    if path.suffix == ".whl":
        raise InputError(f"{path.name} is a wheel, not a source archive", hint=f"manyloong audit {path.name}")
    try:
        name, version = parse_sdist_filename(path.name)
    except InvalidSdistFilename as error:
        raise InputError(
            f"{path.name} is not named like a source archive: {error}", hint="sdists are NAME-VERSION.tar.gz"
        ) from None
    digest = store.add_file(path)
    source = Source(
        kind="archive",
        location=path.name,
        name=str(name),
        version=str(version),
        sha256=digest,
        path=store.object_path(digest) or path,
        requires_python=None,
    )
    with store.scratch("peek") as place:
        unpack_source(source, place / "src")
        return replace(source, requires_python=read_requires_python(place / "src"))


def _directory_source(path: Path) -> Source:
    if not any((path / name).is_file() for name in ("pyproject.toml", "setup.py")):
        raise InputError(
            f"{path} has neither pyproject.toml nor setup.py: it is not a Python project",
            hint="name the folder that holds them",
        )
    project = _project_table(path / "pyproject.toml")
    name = project.get("name")
    return Source(
        kind="directory",
        location=path.name,
        name=str(canonicalize_name(name)) if isinstance(name, str) else None,
        version=project.get("version") if isinstance(project.get("version"), str) else None,
        sha256=_directory_digest(path),
        path=path,
        requires_python=project.get("requires-python"),
    )


def _project_table(pyproject: Path) -> dict[str, Any]:
    if not pyproject.is_file():
        return {}
    try:
        document = tomllib.loads(pyproject.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{pyproject} is not valid TOML: {error}", hint="correct that line") from None
    table = document.get("project", {})
    if not isinstance(table, dict):
        raise InputError(f"{pyproject}: [project] is not a table", hint="see PEP 621")
    return table


def _is_source(folder: str, name: str) -> bool:
    return name not in NOT_SOURCE and name != ".git" and not Path(folder, name, "pyvenv.cfg").exists()


def _directory_files(path: Path) -> list[Path]:
    found = []
    for folder, folders, files in os.walk(path):
        folders[:] = sorted(name for name in folders if _is_source(folder, name))
        found += [Path(folder, name) for name in sorted(files) if name != ".git"]
    return found


def _directory_digest(path: Path) -> str:
    """SHA-256 over names, modes and contents; ``.git`` counts by its HEAD, which versions are made from."""
    digest = hashlib.sha256()
    for file in _directory_files(path):
        content = str(file.readlink()).encode() if file.is_symlink() else file.read_bytes()
        executable = not file.is_symlink() and bool(file.stat().st_mode & 0o100)
        line = f"{file.relative_to(path)}\0{executable}\0{hashlib.sha256(content).hexdigest()}\n"
        digest.update(line.encode("utf-8", "surrogateescape"))
    for name in ("HEAD", "packed-refs", "logs/HEAD"):
        state = path / ".git" / name
        if state.is_file():
            digest.update(state.read_bytes())
    return digest.hexdigest()


def unpack_source(source: Source, destination: Path) -> None:
    """A working copy of the sources at ``destination`` (a new folder), without ``.git``.

    Raises IntegrityError for archives that are corrupt or hostile.
    """
    if source.kind == "directory":
        destination.mkdir(parents=True)
        for file in _directory_files(source.path):
            copy = destination / file.relative_to(source.path)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, copy, follow_symlinks=False)
        normalise_modes(destination)  # a checkout has those of its user's umask
        return
    extract = extract_zip if _is_zip(source.path) else extract_tar
    unpacked = destination.with_name(destination.name + ".unpacked")
    unpacked.mkdir(parents=True)
    extract(source.path, unpacked, name=source.location)
    folders = [entry for entry in unpacked.iterdir() if entry.is_dir()]
    if len(folders) != 1:
        raise InputError(
            f"{source.location} holds {len(folders)} top-level folders; a source archive has one (PEP 625)",
            hint="check that it is a source archive",
        )
    folders[0].rename(destination)
    shutil.rmtree(unpacked)
    normalise_modes(destination)


def read_pyproject(source: Source, store: Store) -> str:
    """The text of pyproject.toml; "" without one, or a broken archive (its build will say so)."""
    if source.kind == "directory":
        return _text(source.path / "pyproject.toml")
    known = store.get_json("pyproject", source.sha256)
    if known is not None:
        return str(known["text"])
    with store.scratch("peek") as place:
        try:
            unpack_source(source, place / "src")
        except (IntegrityError, InputError):
            return ""
        text = _text(place / "src" / "pyproject.toml")
    store.put_json("pyproject", source.sha256, {"text": text})
    return text


def _text(file: Path) -> str:
    return file.read_text("utf-8", "replace") if file.is_file() else ""


def _is_zip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"PK\x03\x04"


def git_folder(source: Source) -> Path | None:
    """The repository of a checkout, so that version-control plugins can read it; None without one."""
    folder = source.path / ".git"
    return folder if source.kind == "directory" and folder.is_dir() else None


def source_epoch(source: Source, folder: Path) -> int:
    """SOURCE_DATE_EPOCH for a working copy: an archive's newest file, at least 1980 (ZIP's first year).

    A checkout's file times say when it was checked out, not what it holds: it gets 1980.
    """
    if source.kind == "directory":
        return FIRST_ZIP_TIME
    newest = max((file.lstat().st_mtime for file in _directory_files(folder)), default=0)
    return max(int(newest), FIRST_ZIP_TIME)


def read_requires_python(folder: Path) -> str | None:
    """``Requires-Python`` of an unpacked sdist's PKG-INFO, or of its pyproject.toml."""
    info = folder / "PKG-INFO"
    if info.is_file():
        found = re.search(
            r"(?mi)^Requires-Python:\s*(.+?)\s*$", info.read_text("utf-8", "replace").split("\n\n")[0]
        )
        if found:
            return found.group(1)
    value = _project_table(folder / "pyproject.toml").get("requires-python")
    return value if isinstance(value, str) else None
