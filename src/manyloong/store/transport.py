"""One address, one answer: HTTP, HTTPS and file URLs behind the same small door."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal
from urllib.parse import unquote, urlsplit

import httpx

BLOCK_BYTES = 1 << 18

Kind = Literal["gone", "wrong", "down", "refused"]


class AddressError(Exception):
    """One address did not give what was asked; others may.

    ``gone``: it says it has no such file. ``wrong``: other bytes came. ``down``: no or a broken answer.
    ``refused``: an answer that means no. ``final``: asking again is no use.
    """

    def __init__(self, text: str, *, kind: Kind, final: bool) -> None:
        super().__init__(text)
        self.kind = kind
        self.final = final

    @property
    def down(self) -> bool:
        """Whether the address's host seems not to work at all."""
        return self.kind == "down"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Bytes of a file from ``start`` on."""

    start: int
    blocks: Iterator[bytes]


@contextmanager
def open_url(client: httpx.Client, url: str, *, start: int = 0, accept: str = "*/*") -> Iterator[Answer]:
    """The bytes of an address from ``start`` on, or from 0 where it cannot resume; raises AddressError."""
    parts = urlsplit(url)
    try:
        if parts.scheme == "file":
            with _open_file(url) as stream:
                stream.seek(start)
                yield Answer(start=start, blocks=iter(lambda: stream.read(BLOCK_BYTES), b""))
            return
        headers = {"Accept": accept} | ({"Range": f"bytes={start}-"} if start else {})
        with client.stream("GET", url, headers=headers) as response:
            yield Answer(start=_start_of(response, start), blocks=response.iter_raw())
    except httpx.InvalidURL as error:
        raise AddressError(f"{url}: {error}", kind="refused", final=True) from error
    except httpx.UnsupportedProtocol as error:
        raise AddressError(f"{url}: not http, https or file", kind="refused", final=True) from error
    except httpx.HTTPError as error:
        raise AddressError(f"{url}: {_words(error)}", kind="down", final=False) from error


def read_text(client: httpx.Client, url: str, *, accept: str, limit_bytes: int) -> str:
    """The whole text of an address, as UTF-8; raises AddressError."""
    parts: list[bytes] = []
    size = 0
    with open_url(client, url, accept=accept) as answer:
        for block in answer.blocks:
            size += len(block)
            if size > limit_bytes:
                raise AddressError(f"{url}: more than {limit_bytes} bytes", kind="wrong", final=True)
            parts.append(block)
    try:
        return b"".join(parts).decode("utf-8")
    except UnicodeDecodeError as error:
        raise AddressError(f"{url}: not UTF-8 text", kind="wrong", final=True) from error


def _open_file(url: str) -> BinaryIO:
    path = Path(unquote(urlsplit(url).path))
    try:
        return path.open("rb")
    except OSError as error:
        gone = error.errno in {errno.ENOENT, errno.ENOTDIR, errno.EISDIR}
        text = f"{url}: {error.strerror}"
        raise AddressError(text, kind="gone" if gone else "refused", final=True) from error


def _start_of(response: httpx.Response, asked: int) -> int:
    status = response.status_code
    if status == httpx.codes.PARTIAL_CONTENT:
        text = response.headers.get("content-range", "")
        first = text.removeprefix("bytes ").partition("-")[0]
        if asked and first == str(asked):
            return asked
        raise AddressError(f"{response.url}: asked from {asked}, got {text!r}", kind="wrong", final=True)
    if status == httpx.codes.OK:
        return 0
    text = f"{response.url}: {status} {response.reason_phrase}"
    if status in {httpx.codes.NOT_FOUND, httpx.codes.GONE}:
        raise AddressError(text, kind="gone", final=True)
    if status == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
        raise AddressError(text, kind="wrong", final=False)  # its file is shorter than what we have
    again = status >= 500 or status in {httpx.codes.REQUEST_TIMEOUT, httpx.codes.TOO_MANY_REQUESTS}
    raise AddressError(text, kind="down" if again else "refused", final=not again)


def _words(error: httpx.HTTPError) -> str:
    if isinstance(error, httpx.TimeoutException):
        return "timed out"
    return str(error) or type(error).__name__
