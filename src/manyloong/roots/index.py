"""Debian's signed index: InRelease, verified always, and the Packages files it vouches for."""

import lzma
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from importlib.resources import files

from manyloong.errors import FetchError, IntegrityError, LockError
from manyloong.events import Listener, Warned
from manyloong.roots.control import PackageIndex, compare_versions
from manyloong.store import Fetcher, RemoteFile

Clock = Callable[[], datetime]
Keys = Callable[[], tuple[bytes, ...]]
_SOURCE = re.compile(r"^Package: (\S+)\n(?:(?!\n\n)[\s\S])*?^Version: (\S+)$", re.MULTILINE)
_SHA256_ROW = re.compile(r"^ ([0-9a-f]{64}) +(\d+) (\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A verified InRelease file."""

    suite: str
    date: datetime
    valid_until: datetime | None
    mirror: str
    text: str  # what was signed, and nothing else
    signers: tuple[str, ...] = ()  # fingerprints of the certificates whose signatures hold

    def expired(self, now: datetime) -> bool:
        """Whether its publisher no longer vouches for it being the newest."""
        return self.valid_until is not None and now > self.valid_until

    def file(self, path: str) -> tuple[str, int]:
        """SHA-256 and size in bytes of an index file below the suite; IntegrityError if it has none."""
        section = self.text.partition("\nSHA256:\n")[2]
        section = re.split(r"^\S", section, maxsplit=1, flags=re.MULTILINE)[0]
        for match in _SHA256_ROW.finditer(section):
            if match[3] == path:
                return match[1], int(match[2])
        raise IntegrityError(f"InRelease of {self.suite} at {self.mirror} does not list {path}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIndex:
    """The packages of a suite, and what is to be said about the index (one line each, for records)."""

    packages: PackageIndex
    date: datetime
    remarks: tuple[str, ...] = ()
    signers: tuple[str, ...] = ()  # fingerprints


def utc_now() -> datetime:
    """The clock of real life."""
    return datetime.now(UTC)


@cache
def archive_keys() -> tuple[bytes, ...]:
    """The keys that sign Debian's indexes, as the debian-archive-keyring package has them."""
    folder = files("manyloong").joinpath("locks", "keys")
    found = sorted(folder.iterdir(), key=lambda entry: entry.name)
    return tuple(entry.read_bytes() for entry in found if entry.name.endswith(".asc"))


def read_index(
    suite: str,
    architecture: str,
    *,
    mirrors: Sequence[str],
    fetcher: Fetcher,
    listener: Listener,
    locked: bool = False,
    clock: Clock = utc_now,
    keys: Keys = archive_keys,
) -> SignedIndex:
    """The signed package index of a suite, from the first mirror whose signature verifies.

    An index past its date is used with a warning, and refused with LockError under ``locked``.
    """
    release = _first_release(suite, mirrors, fetcher, keys)
    remarks = _remarks(release, listener, locked=locked, now=clock())
    data = _index_file(release, f"main/binary-{architecture}/Packages.xz", fetcher, listener)
    return SignedIndex(
        packages=PackageIndex(data), date=release.date, remarks=remarks, signers=release.signers
    )


def read_source_versions(
    suite: str,
    *,
    mirrors: Sequence[str],
    fetcher: Fetcher,
    listener: Listener,
    keys: Keys = archive_keys,
    clock: Clock = utc_now,
) -> dict[str, str]:
    """The newest version of every source package of a suite, by name; signatures and dates as above."""
    release = _first_release(suite, mirrors, fetcher, keys)
    _remarks(release, listener, locked=False, now=clock())
    text = _index_file(release, "main/source/Sources.xz", fetcher, listener).decode("utf-8", "replace")
    found: dict[str, str] = {}
    for match in _SOURCE.finditer(text):
        name, version = match[1], match[2]
        if name not in found or compare_versions(version, found[name]) > 0:
            found[name] = version
    return found


def _remarks(release: Release, listener: Listener, *, locked: bool, now: datetime) -> tuple[str, ...]:
    """What is to be said of an index that is past its date."""
    if not release.expired(now):
        return ()
    dates = f"of {release.date:%Y-%m-%d} is past its date ({release.valid_until:%Y-%m-%d})"
    text = f"the {release.suite} index {dates}"
    if locked:
        raise LockError(text, hint="leave out --locked, or name a fresher mirror: MANYLOONG_DEBIAN_MIRROR")
    listener(Warned(text=text, hint="updates newer than that are not seen; name a fresher mirror"))
    return (text,)


def _index_file(release: Release, path: str, fetcher: Fetcher, listener: Listener) -> bytes:
    """An index that the release vouches for, decompressed."""
    sha256, size = release.file(path)
    base = f"{release.mirror}/dists/{release.suite}"
    by_hash = f"{base}/{path.rpartition('/')[0]}/by-hash/SHA256/{sha256}"
    file = RemoteFile(
        name=f"{release.suite} {path}", urls=(by_hash, f"{base}/{path}"), sha256=sha256, size_bytes=size
    )
    found = fetcher.fetch([file], label="package index", listener=listener)
    return _decompressed(found[sha256].read_bytes(), file.name)


def _decompressed(data: bytes, name: str) -> bytes:
    try:
        return lzma.decompress(data)
    except (lzma.LZMAError, EOFError) as error:
        raise IntegrityError(f"{name}: {error}") from error


def _first_release(suite: str, mirrors: Sequence[str], fetcher: Fetcher, keys: Keys) -> Release:
    errors: list[str] = []
    unsigned: IntegrityError | None = None
    for mirror in mirrors:
        if "{date}" in mirror:
            continue  # an archive of old states; the newest is wanted
        url = f"{mirror}/dists/{suite}/InRelease"
        try:
            data = fetcher.fetch_text([url]).encode("utf-8")
            return verified_release(data, suite=suite, mirror=mirror, keys=keys)
        except FetchError as error:
            errors.append(error.message)
        except IntegrityError as error:
            unsigned = error
            errors.append(error.message)
    message = f"no mirror gives a signed index of {suite}: {'; '.join(errors) or 'no mirror is known'}"
    hint = "name another mirror: MANYLOONG_DEBIAN_MIRROR=https://..."
    raise (IntegrityError if unsigned else FetchError)(message, hint=hint)


def verified_release(data: bytes, *, suite: str, mirror: str, keys: Keys = archive_keys) -> Release:
    """The signed text of an InRelease file; IntegrityError unless one of the keys signed it."""
    text, signers = _verified_text(data, mirror, keys)
    fields = dict(re.findall(r"^([A-Za-z-]+): (.*)$", text, re.MULTILINE))
    if suite not in {fields.get("Codename"), fields.get("Suite")}:
        said = f"{fields.get('Suite')} ({fields.get('Codename')})"
        raise IntegrityError(f"{mirror}: InRelease is of {said}, not of {suite}")
    try:
        until = fields.get("Valid-Until")
        return Release(
            suite=suite,
            date=_date(fields["Date"]),
            valid_until=_date(until) if until else None,
            mirror=mirror,
            text=text,
            signers=signers,
        )
    except (KeyError, ValueError) as error:
        raise IntegrityError(f"{mirror}: InRelease of {suite} has no readable date: {error}") from error


def _date(text: str) -> datetime:
    return parsedate_to_datetime(text.replace("UTC", "+0000")).astimezone(UTC)


def _verified_text(data: bytes, mirror: str, keys: Keys) -> tuple[str, tuple[str, ...]]:
    from pysequoia import Cert, verify  # noqa: PLC0415 - loads a large library; only here

    certificates = [Cert.from_bytes(key) for key in keys()]
    try:
        verified = verify(bytes=data, store=lambda _ids: certificates)
    except RuntimeError as error:
        first_line = str(error).partition("\n")[0]
        raise IntegrityError(
            f"{mirror}: InRelease is not signed by a Debian archive key: {first_line}",
            hint="the mirror or something on the way to it is broken or hostile; name another mirror",
        ) from error
    signers = tuple(sorted(str(one.certificate).upper() for one in verified.valid_sigs))
    return bytes(verified.bytes or b"").decode("utf-8"), signers
