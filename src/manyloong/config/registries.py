"""Where Python packages come from: the index that pip and uv are configured to use on this machine.

The first of these that says something wins:

1. ``MANYLOONG_INDEX_URL``
2. ``PIP_INDEX_URL``, ``UV_DEFAULT_INDEX``, ``UV_INDEX_URL``
3. pip's files: ``$PIP_CONFIG_FILE``, the virtual environment's, the user's, the machine's; in each
   ``[install] index-url`` before ``[global] index-url``
4. uv's files: ``$UV_CONFIG_FILE``, else the user's, the machine's: ``[[index]] default = true``,
   then ``index-url``
5. the default of the client library

Order and places follow "Configuration" in pip's user guide and "Configuration files" in uv's.
A URL may hold credentials: pass it to the client, and only ``redacted(url)`` to logs and people.
"""

import configparser
import os
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from manyloong.errors import InputError

_SCHEMES = {"http", "https"}
_ROOT = Path("/")


def python_index_url(
    environ: Mapping[str, str], *, root: Path = _ROOT, prefix: Path = Path(sys.prefix)
) -> str:
    """The one index URL (simple API, no trailing slash) that this machine's Python packages come from.

    ``root`` and ``prefix`` say where the machine's and the virtual environment's files are.
    Raises InputError for a URL that is not http(s) or a configuration file that cannot be read.
    """
    for name in ("MANYLOONG_INDEX_URL", "PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL"):
        if value := environ.get(name, "").strip():
            return _checked_url(_without_uv_name(value) if name == "UV_DEFAULT_INDEX" else value, where=name)
    for path in _pip_files(environ, root=root, prefix=prefix):
        if found := _pip_value(path, "index-url"):
            return _checked_url(found, where=str(path))
    for path in _uv_files(environ, root=root):
        if found := _uv_value(path):
            return _checked_url(found, where=str(path))
    return _default_url()


def python_index_ca(
    environ: Mapping[str, str], *, root: Path = _ROOT, prefix: Path = Path(sys.prefix)
) -> Path | None:
    """The file of certificates to trust for that index, or None for the client's own."""
    for name in ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
        if value := environ.get(name, "").strip():
            return Path(value)
    for path in _pip_files(environ, root=root, prefix=prefix):
        if found := _pip_value(path, "cert"):
            return Path(found)
    return None


def redacted(url: str) -> str:
    """The URL with the user name and password replaced by ``****``, for logs and messages."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "(not a URL)"
    if "@" not in parts.netloc:
        return url
    return urlunsplit(parts._replace(netloc="****@" + parts.netloc.rpartition("@")[2]))


def _default_url() -> str:
    """What the client library has as its constant; read from its text, since importing it is slow."""
    found = find_spec("pypi_simple")
    text = Path(found.origin).read_text("utf-8") if found and found.origin else ""
    if match := re.search(r'^PYPI_SIMPLE_ENDPOINT\b[^=]*=\s*"(https://[^"]+)"$', text, re.MULTILINE):
        return match[1].rstrip("/")
    from pypi_simple import PYPI_SIMPLE_ENDPOINT  # noqa: PLC0415 -- slow to import

    return PYPI_SIMPLE_ENDPOINT.rstrip("/")


def _checked_url(value: str, *, where: str) -> str:
    try:
        parts = urlsplit(value)
        usable = parts.scheme in _SCHEMES and bool(parts.hostname)
        _ = parts.port  # raises ValueError where it is not a number
    except ValueError:
        usable = False
    if not usable:
        raise InputError(
            f"the package index {redacted(value)!r} (from {where}) is not an http or https URL",
            hint="set MANYLOONG_INDEX_URL to the address of a simple index",
        )
    return value.rstrip("/")


def _without_uv_name(value: str) -> str:
    """An index of uv may be written ``name=url``."""
    name, equals, url = value.partition("=")
    return url if equals and "/" not in name and ":" not in name else value


def _home(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("HOME") or Path.home())


def _config_home(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("XDG_CONFIG_HOME") or _home(environ) / ".config")


def _config_dirs(environ: Mapping[str, str], root: Path) -> list[Path]:
    named = [Path(entry) for entry in environ.get("XDG_CONFIG_DIRS", "").split(os.pathsep) if entry]
    return named or [root / "etc/xdg"]


def _pip_files(environ: Mapping[str, str], *, root: Path, prefix: Path) -> Iterator[Path]:
    """Files of pip, the strongest first; PIP_CONFIG_FILE replaces the user's and the null device all."""
    chosen = environ.get("PIP_CONFIG_FILE", "")
    if chosen == os.devnull:
        return
    if chosen:
        yield Path(chosen)
    yield prefix / "pip.conf"
    if not (chosen and Path(chosen).exists()):
        yield _config_home(environ) / "pip/pip.conf"
        yield _home(environ) / ".pip/pip.conf"
    yield root / "etc/pip.conf"
    yield from (path / "pip/pip.conf" for path in reversed(_config_dirs(environ, root)))


def _pip_value(path: Path, key: str) -> str | None:
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(path.read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
    except (OSError, UnicodeDecodeError, configparser.Error) as error:
        raise _unreadable(path, "pip", error) from error
    for section in ("install", "global"):
        if parser.has_section(section):
            values = {name.replace("_", "-"): value for name, value in parser.items(section)}
            if value := (values.get(key) or "").strip():
                return value
    return None


def _uv_files(environ: Mapping[str, str], *, root: Path) -> Iterator[Path]:
    """Files of uv, the strongest first; a project's own uv.toml belongs to that project and is not read."""
    if environ.get("UV_NO_CONFIG"):
        return
    if chosen := environ.get("UV_CONFIG_FILE"):
        yield Path(chosen)
        return
    yield _config_home(environ) / "uv/uv.toml"
    yield from (path / "uv/uv.toml" for path in _config_dirs(environ, root))
    yield root / "etc/uv/uv.toml"


def _uv_value(path: Path) -> str | None:
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise _unreadable(path, "uv", error) from error
    return _uv_index(document)


def _uv_index(document: dict[str, Any]) -> str | None:
    indexes = document.get("index")
    for entry in indexes if isinstance(indexes, list) else []:
        if isinstance(entry, dict) and entry.get("default") is True and isinstance(entry.get("url"), str):
            return str(entry["url"])
    pip = document.get("pip")
    for table in (document, pip if isinstance(pip, dict) else {}):
        if isinstance(table.get("index-url"), str):
            return str(table["index-url"])
    return None


def _unreadable(path: Path, tool: str, error: Exception) -> InputError:
    return InputError(
        f"{tool}'s configuration {path} cannot be read: {error}",
        hint="mend that file, or set MANYLOONG_INDEX_URL",
    )
