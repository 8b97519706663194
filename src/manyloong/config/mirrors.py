"""Which Debian mirrors to ask, best first: configuration, else the host's apt sources, else a short list."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from manyloong.config.paths import config_file
from manyloong.errors import InputError

VARIABLE = "MANYLOONG_DEBIAN_MIRROR"
APT = Path("/etc/apt")
# For hosts without apt, and after everything else. Full mirrors with every architecture of the archive.
PUBLIC_MIRRORS = (
    "https://ftp.debian.org/debian",
    "https://mirrors.kernel.org/debian",
    "https://mirror.csclub.uwaterloo.ca/debian",
    "https://mirrors.tuna.tsinghua.edu.cn/debian",
)
# {date} is the timestamp of a lock, as 20261030T080801Z; answers for files that mirrors no longer have.
SNAPSHOT = "https://snapshot.debian.org/archive/debian/{date}"
_ONE_LINE = re.compile(r"^\s*deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+\S+")
_URIS = re.compile(r"^URIs:\s*(.+(?:\n[ \t].*)*)", re.IGNORECASE | re.MULTILINE)
_SCHEMES = {"http", "https", "file"}


def debian_mirrors(environ: Mapping[str, str], *, apt: Path = APT) -> tuple[str, ...]:
    """Base addresses without a slash at the end, in the order to ask them.

    ``MANYLOONG_DEBIAN_MIRROR`` (comma separated), or ``debian-mirrors`` in the configuration file, replaces
    the host's apt sources; the public mirrors and the snapshot service come last in every case.
    InputError for an address that is not http, https or file.
    """
    chosen = _from_environment(environ) or _from_file(config_file(environ)) or tuple(_from_apt(apt))
    return tuple(dict.fromkeys((*chosen, *PUBLIC_MIRRORS, SNAPSHOT)))


def _from_environment(environ: Mapping[str, str]) -> tuple[str, ...]:
    words = environ.get(VARIABLE, "").split(",")
    return tuple(_checked(word.strip(), VARIABLE) for word in words if word.strip())


def _from_file(path: Path) -> tuple[str, ...]:
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return ()
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: {error}", hint="correct the file, or remove it") from error
    rows = document.get("debian-mirrors", [])
    if not isinstance(rows, list) or not all(isinstance(row, str) for row in rows):
        raise InputError(f"{path}: debian-mirrors is not a list of addresses")
    return tuple(_checked(row, f"{path}: debian-mirrors") for row in rows)


def _checked(address: str, where: str) -> str:
    parts = urlsplit(address)
    if parts.scheme not in _SCHEMES or not (parts.netloc or parts.path):
        raise InputError(
            f"{where}: not an http, https or file address: {address!r}",
            hint=f"e.g. {VARIABLE}={PUBLIC_MIRRORS[0]}",
        )
    return address.rstrip("/")


def _from_apt(apt: Path) -> Iterator[str]:
    """Archive addresses of the host's apt configuration. Other archives in it just answer 404 later."""
    for path in _apt_files(apt):
        text = path.read_text("utf-8", "replace")
        for address in _deb822_uris(text) if path.suffix == ".sources" else _one_line_uris(text):
            if urlsplit(address).scheme in _SCHEMES and "security" not in address:
                yield address.rstrip("/")


def _apt_files(apt: Path) -> list[Path]:
    parts = apt / "sources.list.d"
    found = [apt / "sources.list", *sorted(parts.glob("*.list")), *sorted(parts.glob("*.sources"))]
    return [path for path in found if path.is_file()]


def _one_line_uris(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if match := _ONE_LINE.match(line):
            yield match[1]


def _deb822_uris(text: str) -> Iterator[str]:
    plain = re.sub(r"^#.*\n?", "", text, flags=re.MULTILINE)
    for stanza in re.split(r"\n[ \t]*\n", plain):
        if re.search(r"^Enabled:\s*(no|false|0)\s*$", stanza, re.IGNORECASE | re.MULTILINE):
            continue
        if match := _URIS.search(stanza):
            yield from match[1].split()
