"""Fetching by a digest that is not SHA-256: what CMake files and old recipes declare."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import httpx

from manyloong.errors import FetchError
from manyloong.store.objects import Store
from manyloong.store.transport import AddressError, open_url

_KIND = "declared"
_TIMEOUT = httpx.Timeout(30.0, connect=10.0)
_HINT = "check the connection: manyloong doctor"


def fetch_by_digest(
    urls: Sequence[str], *, algorithm: str, digest: str, store: Store, offline: bool
) -> tuple[str, Path]:
    """SHA-256 and path in the store of the first address whose bytes have the digest; else FetchError.

    ``algorithm`` is a name of hashlib, ``digest`` lower-case hex.
    """
    key = f"{algorithm}-{digest}"
    known = store.get_json(_KIND, key)
    if known is not None and (found := store.object_path(known["sha256"])):
        return known["sha256"], found
    if offline:
        raise FetchError(f"offline, and not in the cache: {urls[0]}", hint="run once without --offline")
    errors: list[str] = []
    with httpx.Client(timeout=_TIMEOUT, follow_redirects=True) as client:
        for url in urls:
            try:
                sha256 = _streamed(client, url, algorithm=algorithm, digest=digest, store=store)
            except (AddressError, httpx.HTTPError) as error:
                errors.append(str(error))
                continue
            store.put_json(_KIND, key, {"sha256": sha256})
            path = store.object_path(sha256)
            if path is not None:
                return sha256, path
    raise FetchError("; ".join(errors) or "no address", hint=_HINT)


def _streamed(client: httpx.Client, url: str, *, algorithm: str, digest: str, store: Store) -> str:
    """The SHA-256 of an address's bytes, now in the store; AddressError where the digest is not theirs."""
    found = hashlib.new(algorithm, usedforsecurity=False)
    with store.scratch(_KIND) as place:
        with open_url(client, url) as answer, (place / "file").open("wb") as stream:
            for block in answer.blocks:
                found.update(block)
                stream.write(block)
        if found.hexdigest() != digest:
            text = f"{url}: its {algorithm} is {found.hexdigest()}, not {digest}"
            raise AddressError(text, kind="wrong", final=True)
        return store.add_file(place / "file")
