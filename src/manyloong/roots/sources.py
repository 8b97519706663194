"""Pinned source archives: what parts of a root are built from, by hash, from the archive or from upstream.

A source is a table of a TOML file that is shipped with the package::

    name = "zlib"
    version = "1.3.1"
    licence = "Zlib"                       # SPDX expression
    path = "pool/main/z/zlib/zlib_1.3.1.orig.tar.gz"   # below a Debian mirror; may be absent
    date = "20261101T000000Z"              # when the mirrors had it, for the snapshot service
    urls = ["https://zlib.net/fossils/zlib-1.3.1.tar.gz"]  # the same bytes elsewhere; may be absent
    sha256 = "9a93b2b7dfdac77ceba5a558a580e74667dd6fede4585b91eefb60f03b72df23"
    size_bytes = 1512791                   # may be absent
"""

import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from manyloong.errors import FetchError, GoneError, InputError, IntegrityError
from manyloong.events import Listener
from manyloong.roots.deb import BROKEN, open_data
from manyloong.store import Fetcher, RemoteFile
from manyloong.store.archive import extract_tar

_SHA256 = re.compile(r"[0-9a-f]{64}")
_DATE = re.compile(r"\d{8}T\d{6}Z")
_TEXTS = ("name", "version", "licence", "path", "date", "sha256")
_KNOWN = {*_TEXTS, "urls", "size_bytes"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PinnedSource:
    """One archive; equal hashes are equal sources, wherever they come from."""

    name: str
    version: str
    licence: str
    sha256: str
    size_bytes: int | None  # None: not known
    path: str = ""
    date: str = ""
    urls: tuple[str, ...] = ()

    def addresses(self, mirrors: Sequence[str]) -> tuple[str, ...]:
        """Where to ask, mirrors first; one with ``{date}`` in it only when the source has a date."""
        bases = [mirror for mirror in mirrors if self.date or "{date}" not in mirror] if self.path else []
        return (*(f"{base.format(date=self.date)}/{self.path}" for base in bases), *self.urls)


def parse_source(table: Mapping[str, object], *, where: str) -> PinnedSource:
    """A table as a source; InputError that names the table and the key for anything else."""
    unknown = sorted(set(table) - _KNOWN)
    if unknown:
        raise InputError(f"{where}: unknown key {unknown[0]!r}", hint=f"known: {', '.join(sorted(_KNOWN))}")
    texts = {key: _text(table.get(key, ""), f"{where}: {key}") for key in _TEXTS}
    for key in ("name", "version", "licence"):
        if not texts[key]:
            raise InputError(f"{where}: {key} is missing")
    if not _SHA256.fullmatch(texts["sha256"]):
        raise InputError(f"{where}: sha256 is not 64 hexadecimal digits: {texts['sha256']!r}")
    if texts["date"] and not _DATE.fullmatch(texts["date"]):
        raise InputError(f"{where}: date is not of the form 20261101T000000Z: {texts['date']!r}")
    size, urls = table.get("size_bytes"), table.get("urls", [])
    if size is not None and (not isinstance(size, int) or isinstance(size, bool) or size <= 0):
        raise InputError(f"{where}: size_bytes is not a positive number: {size!r}")
    if not isinstance(urls, list):
        raise InputError(f"{where}: urls is not a list of addresses")
    addresses = tuple(_text(url, f"{where}: urls") for url in urls)
    if not texts["path"] and not addresses:
        raise InputError(f"{where}: neither path nor urls", hint="say where the archive is")
    return PinnedSource(**texts, size_bytes=size, urls=addresses)


def _text(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise InputError(f"{where} is not a string: {value!r}")
    return value


def ensure_sources(
    sources: Sequence[PinnedSource], *, fetcher: Fetcher, mirrors: Sequence[str], listener: Listener
) -> dict[str, Path]:
    """Every archive, checked, by the source's name. FetchError that names what is gone, IntegrityError."""
    found = archives_by_hash(sources, fetcher=fetcher, mirrors=mirrors, listener=listener)
    return {source.name: found[source.sha256] for source in sources}


def archives_by_hash(
    sources: Sequence[PinnedSource], *, fetcher: Fetcher, mirrors: Sequence[str], listener: Listener
) -> dict[str, Path]:
    """As ``ensure_sources``, by SHA-256: for sources of several owners, which may have one name."""
    wanted = [
        RemoteFile(
            name=f"{source.name} {source.version}",
            urls=source.addresses(mirrors),
            sha256=source.sha256,
            size_bytes=source.size_bytes,
        )
        for source in {source.sha256: source for source in sources}.values()
    ]
    try:
        return fetcher.fetch(wanted, label="sources", listener=listener)
    except GoneError as gone:
        missing = [source for source in sources if f"{source.name} {source.version}" in gone.names]
        lines = (f"{source.name} {source.version} (SHA-256 {source.sha256})" for source in missing)
        raise FetchError(
            f"source not reachable on any mirror: {'; '.join(lines)}",
            hint="name a mirror that has it: MANYLOONG_DEBIAN_MIRROR=https://...",
        ) from gone


def unpack_source(source: PinnedSource, archive: Path, folder: Path, *, members: Sequence[str] = ()) -> None:
    """The archive's one folder into an existing directory; ``members`` are patterns of what, empty: all.

    A Debian package stands for a source whose release it holds as it is (headers, descriptions, scripts):
    of it, what is below ``usr``. IntegrityError for a bad archive.
    """
    name = f"the source of {source.name} {source.version}"
    if not any(address.endswith(".deb") for address in (source.path, *source.urls)):
        extract_tar(archive, folder, strip_components=1, name=name, members=members)
        return
    with tempfile.TemporaryFile() as copy:
        try:
            with open_data(archive, name) as data:
                shutil.copyfileobj(data, copy)
        except BROKEN as error:
            raise IntegrityError(f"{name} is damaged: {error}") from error
        copy.seek(0)
        extract_tar(cast("BinaryIO", copy), folder, strip_components=1, name=name, members=members)
