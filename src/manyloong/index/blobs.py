"""Where the bytes are: a directory or an S3-compatible bucket, by content address; nothing is overwritten."""

import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from manyloong.errors import HostError, InputError, NotFoundError

_CHUNK = 1 << 20


class Blobs(Protocol):
    """Immutable bytes by key (``aa/bb/cc.../name``)."""

    def put(self, key: str, source: Path) -> None:
        """Store a copy; when this returns the bytes are durable under their key, whole."""

    def put_bytes(self, key: str, content: bytes) -> None:
        """Store a small document the same way."""

    def chunks(self, key: str) -> Iterator[bytes]:
        """The bytes in pieces; raises NotFoundError before the first."""

    def path(self, key: str) -> Path | None:
        """A local file with the bytes, for stores that have one."""

    def size(self, key: str) -> int | None:
        """Bytes under a key, or None."""

    def delete(self, key: str) -> None:
        """Remove; no error where there is nothing."""

    def listing(self) -> Iterator[tuple[str, float]]:
        """Every key, and when it was written (seconds since the epoch)."""


def open_blobs(address: str, *, root: Path) -> Blobs:
    """The store of ``files`` in index.toml: a folder (relative to the index) or ``s3://bucket/prefix?...``."""
    if address.startswith("s3://"):
        return S3Blobs(address)
    if "://" in address:
        raise InputError(f"files: {address!r} is neither a folder nor s3://bucket/prefix")
    return DirectoryBlobs(root / address)


class DirectoryBlobs:
    """A tree of files, each written aside, synced and renamed into place."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / ".incoming").mkdir(parents=True, exist_ok=True)

    def put(self, key: str, source: Path) -> None:
        target = self.folder / key
        if target.exists():
            return
        aside = self._aside()
        try:
            try:
                os.link(source, aside)  # same file system: no copy
            except OSError:
                shutil.copyfile(source, aside)
            self._settle(aside, target)
        finally:
            aside.unlink(missing_ok=True)

    def put_bytes(self, key: str, content: bytes) -> None:
        aside = self._aside()
        try:
            aside.write_bytes(content)
            self._settle(aside, self.folder / key)
        finally:
            aside.unlink(missing_ok=True)

    def _aside(self) -> Path:
        return self.folder / ".incoming" / secrets.token_hex(16)

    def _settle(self, aside: Path, target: Path) -> None:
        _sync(aside)
        missing = [parent for parent in target.parents if not parent.exists()]
        target.parent.mkdir(parents=True, exist_ok=True)
        aside.replace(target)
        _sync(target.parent)
        for parent in missing:  # a new folder is durable when its own parent is synced
            _sync(parent.parent)

    def chunks(self, key: str) -> Iterator[bytes]:
        try:
            stream = (self.folder / key).open("rb")
        except FileNotFoundError as error:
            raise NotFoundError(f"no stored file {key}") from error
        with stream:
            while piece := stream.read(_CHUNK):
                yield piece

    def path(self, key: str) -> Path | None:
        return self.folder / key

    def size(self, key: str) -> int | None:
        try:
            return (self.folder / key).stat().st_size
        except FileNotFoundError:
            return None

    def delete(self, key: str) -> None:
        (self.folder / key).unlink(missing_ok=True)
        for parent in (self.folder / key).parents:
            if parent == self.folder:
                break
            try:
                parent.rmdir()
            except OSError:
                break

    def listing(self) -> Iterator[tuple[str, float]]:
        for path in sorted(self.folder.rglob("*")):
            if path.is_file():
                yield path.relative_to(self.folder).as_posix(), path.stat().st_mtime


class S3Blobs:
    """A bucket; credentials come from the usual AWS variables, endpoint and region from the address."""

    def __init__(self, address: str) -> None:
        from urllib.parse import parse_qs  # noqa: PLC0415 -- only this store needs these

        from obstore.store import S3Store  # noqa: PLC0415

        parts = urlsplit(address)
        options = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        if not parts.netloc or not options.keys() <= {"endpoint", "region"}:
            raise InputError(f"files: {address!r} is not s3://bucket/prefix[?endpoint=URL&region=NAME]")
        endpoint = options.get("endpoint")
        self.store = S3Store(
            parts.netloc,
            prefix=parts.path.strip("/") or None,
            region=options.get("region", "us-east-1"),
            virtual_hosted_style_request=endpoint is None,
            client_options={"allow_http": bool(endpoint and endpoint.startswith("http://"))},
            endpoint=endpoint,
        )

    def put(self, key: str, source: Path) -> None:
        import obstore  # noqa: PLC0415

        with source.open("rb") as stream, _storage_errors(key):
            obstore.put(self.store, key, stream)

    def put_bytes(self, key: str, content: bytes) -> None:
        import obstore  # noqa: PLC0415

        with _storage_errors(key):
            obstore.put(self.store, key, content)

    def chunks(self, key: str) -> Iterator[bytes]:
        import obstore  # noqa: PLC0415

        try:
            stream = obstore.get(self.store, key).stream(min_chunk_size=_CHUNK)
        except FileNotFoundError as error:
            raise NotFoundError(f"no stored file {key}") from error
        for piece in stream:
            yield bytes(piece)

    def path(self, key: str) -> Path | None:
        del key
        return None

    def size(self, key: str) -> int | None:
        import obstore  # noqa: PLC0415

        try:
            return int(obstore.head(self.store, key)["size"])
        except FileNotFoundError:
            return None

    def delete(self, key: str) -> None:
        import obstore  # noqa: PLC0415

        if self.size(key) is not None:
            obstore.delete(self.store, key)

    def listing(self) -> Iterator[tuple[str, float]]:
        import obstore  # noqa: PLC0415

        for batch in obstore.list(self.store):
            for found in batch:
                yield str(found["path"]), found["last_modified"].timestamp()


class _storage_errors:  # noqa: N801 -- reads as a statement
    """Turns the bucket's errors into ours."""

    def __init__(self, key: str) -> None:
        self.key = key

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        from obstore.exceptions import BaseError  # noqa: PLC0415

        if isinstance(error, BaseError):
            raise HostError(
                f"the bucket did not take {self.key}: {str(error)[:200]}", hint="check `files` in index.toml"
            ) from error


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
