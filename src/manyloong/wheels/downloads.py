"""What a build downloads, had beforehand: each address with its file, checked by hash, and its origin.

For each address that a build asked for, the first of these that can be had:

1. the file that the user gives (``--source URL=FILE``), checked against the declared digest if there is one;
2. the address itself, by the digest that the package's sources declare or that ``downloads.toml`` has;
3. another source that ``downloads.toml`` has for the address, which says in what it differs.

What has no digest at all is refused, however reachable it is.
"""

import gzip
import hashlib
import shutil
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from pathlib import Path

from manyloong.errors import BuildError, FetchError, InputError, IntegrityError
from manyloong.roots.sources import PinnedSource, ensure_sources, parse_source
from manyloong.store import Store, fetch_by_digest
from manyloong.store.archive import extract_tar
from manyloong.store.normalise import write_tar
from manyloong.wheels.declared import Declaration, Digest
from manyloong.wheels.doors import Doors
from manyloong.wheels.given import GivenSource

_GIT_ASKS = "/info/refs"


class SourceNeededError(BuildError):
    """A build downloads something that cannot be had here, or that nobody declared a hash for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Substitute:
    """An archive that may stand for an address."""

    source: PinnedSource
    differs: str
    copies: tuple[tuple[str, str], ...]  # file there, name wanted besides


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What ``downloads.toml`` knows of an address."""

    url: str  # with * for any characters
    digest: Digest | None
    substitutes: tuple[Substitute, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """One file that a build was served, as records have it."""

    url: str
    sha256: str  # of what was served
    declared: str  # ALGORITHM:DIGEST, or empty where the package declares none
    origin: str  # "address", "given", or NAME VERSION of the source that stood for it
    differs: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Had:
    """A download and its file; ``replaced`` is the digest that the sources must no longer ask for."""

    download: Download
    path: Path
    replaced: Digest | None = None


@cache
def rows() -> tuple[Row, ...]:
    """The table that is shipped."""
    text = files("manyloong.wheels").joinpath("downloads.toml").read_text("utf-8")
    return parse_rows(text, where="downloads.toml")


def parse_rows(text: str, *, where: str) -> tuple[Row, ...]:
    """The table as values; InputError that names what is wrong."""
    try:
        tables = tomllib.loads(text).get("download", [])
        return tuple(_row(table, f"{where}: {table['url']}") for table in tables)
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{where} is not a table of downloads: {error}") from error


def _row(table: dict[str, object], where: str) -> Row:
    sha256 = str(table.get("sha256", ""))
    return Row(
        url=str(table["url"]),
        digest=Digest(algorithm="sha256", value=sha256) if sha256 else None,
        substitutes=tuple(_substitute(dict(one), where) for one in table.get("source", ())),  # type: ignore[attr-defined]
    )


def _substitute(table: dict[str, object], where: str) -> Substitute:
    differs = str(table.pop("differs"))
    copies = tuple((str(there), str(wanted)) for there, wanted in table.pop("copies", ()))  # type: ignore[attr-defined]
    return Substitute(source=parse_source(table, where=where), differs=differs, copies=copies)


def repository_of(url: str) -> str | None:
    """The repository that a git client asked for, or None for any other address."""
    repository, asked, _ = url.partition(_GIT_ASKS)
    return repository if asked else None


def ensure_download(
    url: str,
    declaration: Declaration | None,
    given: Sequence[GivenSource],
    *,
    label: str,
    doors: Doors,
    table: Sequence[Row] | None = None,
) -> Had:
    """The file for an address, in the store; SourceNeededError that says what is missing, IntegrityError.

    ``table`` is the shipped one unless another is given.
    """
    declared = declaration.digest if declaration else None
    row = next((row for row in (rows() if table is None else table) if fnmatchcase(url, row.url)), None)
    for one in given:
        if one.url == url:
            return _given(one, declared, doors.store)
    digest = declared or (row.digest if row else None)
    said = ""
    if digest is not None:
        try:
            sha256, path = fetch_by_digest(
                (url,),
                algorithm=digest.algorithm,
                digest=digest.value,
                store=doors.store,
                offline=doors.uv.offline,
            )
        except FetchError as error:
            said = error.message
        else:
            return Had(path=path, download=_download(url, sha256, declared, origin="address"))
    for substitute in row.substitutes if row else ():
        try:
            path = _substituted(substitute, doors)
        except FetchError as error:
            said = error.message
            continue
        return _stand_in(url, substitute, path, declared)
    raise needed(url, declaration, label=label, said=said)


def needed(url: str, declaration: Declaration | None, *, label: str, said: str = "") -> SourceNeededError:
    """The error for an address that cannot be served, with the option that helps."""
    repository = repository_of(url)
    if repository is not None:
        commit = declaration.commit if declaration else ""
        return SourceNeededError(
            f"{label} clones {repository}" + (f" at {commit}" if commit else ", and pins no commit"),
            hint=f"builds have no network: clone it beforehand, and add: --source {repository}=FOLDER",
        )
    digest = declaration.digest if declaration else None
    if digest is None:
        where = f" ({declaration.where})" if declaration else ""
        text = f"{label} downloads {url}{where}, for which its sources declare no hash"
    else:
        text = f"source needed: {url}, {digest}" + (f" ({said})" if said else "")
    return SourceNeededError(
        text, hint=f"builds have no network: get the file, check it, and add: --source {url}=FILE"
    )


def _download(url: str, sha256: str, declared: Digest | None, *, origin: str, differs: str = "") -> Download:
    text = str(declared) if declared else ""
    return Download(url=url, sha256=sha256, declared=text, origin=origin, differs=differs)


def _given(one: GivenSource, declared: Digest | None, store: Store) -> Had:
    path = Path(one.path)
    if declared is not None:
        found = hashlib.new(declared.algorithm, path.read_bytes(), usedforsecurity=False).hexdigest()
        if found != declared.value:
            raise IntegrityError(
                f"--source: {path.name} is not what the package declares for {one.url}: "
                f"its {declared.algorithm} is {found}, not {declared.value}",
                hint="get the file from the address itself",
            )
    sha256 = store.add_file(path)
    return Had(
        path=store.object_path(sha256) or path, download=_download(one.url, sha256, declared, origin="given")
    )


def _stand_in(url: str, substitute: Substitute, path: Path, declared: Digest | None) -> Had:
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    source = substitute.source
    origin = f"{source.name} {source.version}"
    download = _download(url, sha256, declared, origin=origin, differs=substitute.differs)
    return Had(path=path, download=download, replaced=declared)


def _substituted(substitute: Substitute, doors: Doors) -> Path:
    """The archive, with the files that a package expects under other names added."""
    source = substitute.source
    found = ensure_sources([source], fetcher=doors.fetcher, mirrors=doors.mirrors, listener=doors.listener)
    if not substitute.copies:
        return found[source.name]
    with doors.store.scratch("adapted") as place:
        tree = place / "tree"
        tree.mkdir()
        extract_tar(found[source.name], tree, name=source.name)
        top = next(tree.iterdir())
        for there, wanted in substitute.copies:
            shutil.copyfile(top / there, top / wanted)
        archive = place / "adapted.tar.gz"
        with archive.open("wb") as raw, gzip.GzipFile("", "wb", 6, raw, mtime=0) as stream:
            write_tar(tree, stream, epoch=0)  # type: ignore[arg-type]
        sha256 = doors.store.add_file(archive)
        return doors.store.object_path(sha256) or archive
