"""What is to be fetched, and the door through which it comes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from manyloong.events import Listener

TEXT_LIMIT_BYTES = 64 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFile:
    """A file known by its hash, and the addresses it may be found at, best first."""

    name: str
    urls: tuple[str, ...]
    sha256: str
    size_bytes: int | None = None


class Fetcher(Protocol):
    """The one door to the network."""

    def fetch(self, files: Sequence[RemoteFile], *, label: str, listener: Listener) -> dict[str, Path]:
        """Every file, checked, as SHA-256 -> path in the store.

        GoneError where all addresses of some files answer 404 (the others are in the store then),
        FetchError where no address answers, IntegrityError where none that does gives the right bytes.
        """
        ...

    def fetch_text(
        self, urls: Sequence[str], *, accept: str = "*/*", limit_bytes: int = TEXT_LIMIT_BYTES
    ) -> str:
        """The text at the first address that answers; for index data that is signed or judged by the caller.

        Errors as of ``fetch``. Offline, the text that the last successful call for the address got.
        """
        ...
