"""Reads the multipart body of an upload within limits of size and time, onto disk."""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from anyio import to_thread
from starlette.datastructures import FormData, Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from manyloong.index.model import RefusedError

_FIELDS = 2000  # classifiers come as one field each
_PART_BYTES = 8 << 20  # the longest text field: a description
_SLOWEST_BYTES_S = 1024  # on average, once the time a client may be silent has passed


class _CutError(MultiPartException):
    """Ends the parser's work from within its stream, so that it closes its files; holds the reason."""

    def __init__(self, reason: RefusedError) -> None:
        super().__init__(reason.message)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """Text fields (the last of each name, NUL removed) and the one file."""

    fields: dict[str, str]
    filename: str
    content: BinaryIO

    async def save(self, path: Path) -> None:
        """Write the file's bytes."""
        await to_thread.run_sync(_copy, self.content, path)


@contextlib.asynccontextmanager
async def read_form(request: Request, *, limit_bytes: int, silence_s: float) -> AsyncIterator[Form]:
    """The form of a request; raises RefusedError 400, 408, 413 or 415 with what is wrong."""
    kind = request.headers.get("content-type", "")
    if not kind.lower().startswith("multipart/form-data"):
        raise RefusedError("an upload is multipart/form-data", status=415)
    length = request.headers.get("content-length", "")
    if length.isascii() and length.isdigit() and int(length[:18]) > limit_bytes:
        raise RefusedError(f"the upload is larger than {limit_bytes} bytes", status=413)
    stream = _bounded(request, limit_bytes=limit_bytes, silence_s=silence_s)
    parser = MultiPartParser(
        Headers({"content-type": kind}), stream, max_files=4, max_fields=_FIELDS, max_part_size=_PART_BYTES
    )
    try:
        data = await _parsed(parser)
    except _CutError as error:
        raise error.reason from error
    except MultiPartException as error:
        raise RefusedError(f"malformed multipart body: {error.message}") from error
    except (UnicodeDecodeError, LookupError, ValueError, KeyError) as error:
        raise RefusedError(f"malformed multipart body: {error}") from error
    except ClientDisconnect as error:
        raise RefusedError("the client went away in the middle of the upload", status=400) from error
    try:
        yield _form(data)
    finally:
        await data.close()


async def _parsed(parser: MultiPartParser) -> FormData:
    """The form; files of parts that were cut off belong to no form and are closed here."""
    try:
        data = await parser.parse()
        whole = {id(value.file) for _, value in data.multi_items() if isinstance(value, UploadFile)}
    except BaseException:
        _close_others(parser, set())
        raise
    _close_others(parser, whole)
    return data


def _close_others(parser: MultiPartParser, kept: set[int]) -> None:
    # The parser lists every spool it opened here, and closes them itself on some errors only.
    for spool in getattr(parser, "_files_to_close_on_error", ()):
        if id(spool) not in kept:
            spool.close()


def _form(data: FormData) -> Form:
    files = [value for key, value in data.multi_items() if key == "content" and isinstance(value, UploadFile)]
    if len(files) != 1:
        raise RefusedError(f"an upload has one file in the field 'content', this one has {len(files)}")
    fields = {key: value.replace("\x00", "") for key, value in data.multi_items() if isinstance(value, str)}
    return Form(fields=fields, filename=files[0].filename or "", content=files[0].file)


async def read_text(request: Request, *, limit_bytes: int, silence_s: float) -> str:
    """A body that is UTF-8 text, NUL removed; raises RefusedError 400, 408 or 413."""
    body = bytearray()
    try:
        async for piece in _bounded(request, limit_bytes=limit_bytes, silence_s=silence_s):
            body += piece
        return body.decode("utf-8").replace("\x00", "")
    except _CutError as error:
        raise error.reason from error
    except UnicodeDecodeError as error:
        raise RefusedError("the document is not UTF-8 text") from error
    except ClientDisconnect as error:
        raise RefusedError("the client went away in the middle of the document") from error


async def _bounded(request: Request, *, limit_bytes: int, silence_s: float) -> AsyncGenerator[bytes, None]:
    """The body; ends with an error when it is too large, or the client silent or too slow."""
    received = 0
    stream = request.stream()
    clock = asyncio.get_running_loop()
    begun = clock.time()
    while True:
        try:
            async with asyncio.timeout(silence_s):
                piece = await anext(stream)
        except StopAsyncIteration:
            return
        except TimeoutError as error:
            raise _CutError(RefusedError(f"nothing came for {silence_s:g} s", status=408)) from error
        received += len(piece)
        if received > limit_bytes:
            raise _CutError(RefusedError(f"the upload is larger than {limit_bytes} bytes", status=413))
        passed_s = clock.time() - begun
        if passed_s > silence_s and received < passed_s * _SLOWEST_BYTES_S:
            raise _CutError(RefusedError(f"slower than {_SLOWEST_BYTES_S} bytes a second", status=408))
        yield piece


def _copy(source: BinaryIO, path: Path) -> None:
    source.seek(0)
    with path.open("wb") as target:
        shutil.copyfileobj(source, target, 1 << 20)
