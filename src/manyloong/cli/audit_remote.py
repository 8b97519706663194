"""Wheels that an index or another server has: fetched into the store or a scratch folder, then read."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

import httpx

from manyloong.audit import Facts, read_facts
from manyloong.audit.archive import TOTAL_LIMIT
from manyloong.config.paths import cache_directory
from manyloong.config.registries import python_index_url
from manyloong.errors import FetchError, InputError, IntegrityError, NotFoundError
from manyloong.events import ignore
from manyloong.store import HttpFetcher, RemoteFile, Store
from manyloong.store.transport import AddressError, open_url
from manyloong.targets import judged_targets
from manyloong.wheels.registry import IndexFile, registry_at

_TIMEOUT_S = 30.0


def read_url(url: str) -> Facts:
    """The facts of the wheel at an address; a ``#sha256=`` fragment is checked."""
    name = unquote(urlsplit(url).path).rsplit("/", 1)[-1]
    if not name.endswith(".whl"):
        raise InputError(f"not the address of a wheel: {url}", hint="give the URL of one .whl file")
    with Store(cache_directory(os.environ)).scratch("audit") as folder:
        path = folder / name
        _download(url, path)
        return replace(read_facts(path), path=url)


def _download(url: str, path: Path) -> None:
    digest, size = hashlib.sha256(), 0
    try:
        with (
            httpx.Client(timeout=_TIMEOUT_S, follow_redirects=True) as client,
            open_url(client, url.partition("#")[0]) as answer,
            path.open("wb") as file,
        ):
            for block in answer.blocks:
                size += len(block)
                if size > TOTAL_LIMIT:
                    raise IntegrityError(f"{url}: more than {TOTAL_LIMIT} bytes")
                digest.update(block)
                file.write(block)
    except AddressError as error:
        raise FetchError(str(error), hint="check the address in a browser") from error
    wanted = dict(part.split("=", 1) for part in urlsplit(url).fragment.split("&") if "=" in part).get(
        "sha256"
    )
    if wanted and wanted.lower() != digest.hexdigest():
        raise IntegrityError(
            f"{url}: SHA-256 is {digest.hexdigest()}", hint="the file changed: fetch its address anew"
        )


def read_release(name: str, version: str) -> Iterator[Facts]:
    """The facts of each wheel of a release that a loongarch64 installer may choose."""
    from packaging.version import InvalidVersion, Version

    store = Store(cache_directory(os.environ))
    fetcher = HttpFetcher(store)
    registry = registry_at(python_index_url(os.environ), fetcher, store)
    try:
        release = registry.releases(name).get(Version(version))
    except InvalidVersion:
        raise InputError(f"not a version: {version!r}", hint=f"example: {name}==1.0") from None
    if release is None:
        raise NotFoundError(f"the index has no {name} {version}", hint="check the version")
    wheels = [one for one in release.files if one.kind == "wheel"]
    ours = [one for one in wheels if _may_be_ours(one.filename)]
    if not ours:
        text = f"the index serves {len(wheels)} wheels of {name} {version}, none for these platforms"
        raise NotFoundError(text, hint=f"manyloong build {name}=={version}")
    for one in ours:
        with closing(fetcher), store.scratch("audit") as folder:
            yield replace(read_facts(_fetched(one, fetcher, folder)), path=one.filename)


def _may_be_ours(filename: str) -> bool:
    platform = filename.removesuffix(".whl").rsplit("-", 1)[-1]
    names = {row.architecture.name for row in judged_targets()}
    return any(
        one == "any" or one.endswith(tuple(f"_{name}" for name in names)) for one in platform.split(".")
    )


def _fetched(one: IndexFile, fetcher: HttpFetcher, folder: Path) -> Path:
    """The wheel under its own name: a link to the object of the store."""
    remote = RemoteFile(name=one.filename, urls=(one.url,), sha256=one.sha256, size_bytes=one.size_bytes)
    found = fetcher.fetch([remote], label=one.filename, listener=ignore)
    path = folder / one.filename
    path.symlink_to(found[one.sha256])
    return path
