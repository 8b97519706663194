"""``index.toml``: what an index is configured to be; docs/reference/index.md explains each key."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from manyloong.errors import InputError, NotFoundError

FILE_NAME = "index.toml"
EVERY_PROJECT = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The keys of ``index.toml`` (with ``-`` for ``_``) and their defaults."""

    title: str = "loongarch64 wheels"
    upstream: str = ""  # empty: what pip or uv are configured to use on this machine
    database: str = "sqlite:///index.sqlite3"  # relative to the index
    files: str = "files"  # a folder of the index, or s3://bucket/prefix
    require_provenance: tuple[str, ...] = ()  # project names, or "*"
    trusted_root: str = ""  # Sigstore's trusted_root.json (relative to the index), or "sigstore"
    provenance_signers: tuple[str, ...] = ()  # "IDENTITY ISSUER", those whose attestations are taken
    upload_limit_mib: int = 1024
    uploads_per_minute: int = 120  # for a token
    failures_per_minute: int = 20  # wrong tokens, for a client address
    body_timeout_s: int = 60  # the longest a client may send nothing
    fresh_s: int = 600  # an upstream page is taken as it is for so long

    def provenance_required(self, project: str) -> bool:
        """Whether wheels of a project (normalised name) are taken only with provenance."""
        return EVERY_PROJECT in self.require_provenance or project in self.require_provenance


def read_settings(root: Path) -> Settings:
    """The settings of the index in a folder; raises NotFoundError, or InputError for each wrong key."""
    path = root / FILE_NAME
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotFoundError(
            f"{root} is not an index", hint=f"make one: manyloong index init {root}"
        ) from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path}: {error}") from error
    known = {field.name.replace("_", "-"): field for field in fields(Settings)}
    faults: list[Exception] = []
    values: dict[str, Any] = {}
    for key, value in document.items():
        if key not in known:
            near = get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(known)}"
            faults.append(InputError(f"{path}: unknown key {key!r}", hint=hint))
        elif fault := _fault(known[key].default, value):
            faults.append(InputError(f"{path}: {key} must be {fault}, not {value!r}"))
        else:
            values[known[key].name] = tuple(value) if isinstance(value, list) else value
    if not faults:
        faults = list(_inconsistencies(path, Settings(**values)))
    if faults:
        raise ExceptionGroup("index.toml", faults)
    return Settings(**values)


def _inconsistencies(path: Path, settings: Settings) -> Iterator[InputError]:
    """A policy that nothing could enforce is not one."""
    if settings.require_provenance and not settings.trusted_root:
        yield InputError(
            f"{path}: require-provenance needs trusted-root: else nobody verifies the signatures",
            hint='trusted-root = "trusted_root.json", or "sigstore" for the public instance',
        )
    if bool(settings.trusted_root) != bool(settings.provenance_signers):
        yield InputError(
            f"{path}: trusted-root and provenance-signers go together",
            hint='such as provenance-signers = ["builder@example.org https://accounts.example.org"]',
        )


def format_settings(settings: Settings) -> str:
    """A file that says the same as these settings, with every key in it."""
    head = "# An index of manyloong. Each key is explained in docs/reference/index.md."
    lines = [f"{f.name.replace('_', '-')} = {_toml(getattr(settings, f.name))}" for f in fields(Settings)]
    return "\n".join([head, *lines, ""])


def _fault(default: object, value: object) -> str:
    if isinstance(default, tuple):
        right = isinstance(value, list) and all(isinstance(item, str) for item in value)
        return "" if right else "a list of names"
    if isinstance(default, int):
        return "" if type(value) is int and value > 0 else "a whole number above 0"
    return "" if isinstance(value, str) else "text"


def _toml(value: object) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    if isinstance(value, int):
        return str(value)
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in escaped):
        raise InputError(f"{value!r} holds a control character")
    return f'"{escaped}"'
