"""Reads ports from their files: one TOML each, ours and the user's; every fault names the file and the key.

A port's file is NAME.toml::

    summary = "Deflate compression"
    version = "1.3.2"
    licence = "Zlib"                       # SPDX expression
    cpe = "zlib:zlib"                      # vendor:product
    source = { path = "pool/...", sha256 = "...", size_bytes = 1295859, urls = ["https://..."] }
    system = "autotools"
    options = ["--without-tests"]
    sonames = ["libz.so.1"]
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, cast

from manyloong.errors import InputError
from manyloong.roots.ports.model import LAYERS, SYSTEMS, Check, Patch, Port, System, Variant
from manyloong.roots.ports.order import checked_set
from manyloong.roots.sources import PinnedSource, parse_source
from manyloong.targets import all_targets

_TEXTS = ("summary", "version", "licence", "system")
_OPTIONAL_TEXTS = ("debian", "cpe", "subdirectory")
_LISTS = (
    "members", "options", "depends", "before", "steps", "after", "sonames", "pkg_config", "keep",
    "known_by", "licence_files", "external", "layers",
)  # fmt: skip
_TABLES = ("source", "extra", "environment", "check", "patches", "libc")
_VARIANT = ("options", "before", "environment")  # of a table libc.NAME
KEYS = (*_TEXTS, *_OPTIONAL_TEXTS, *_LISTS, *_TABLES)
_TAKEN = ("src", "dest", "obj", "meson", "build.sh", "check.sh", "change.patch")  # in a build's folder
_NAME = re.compile(r"[a-z0-9][a-z0-9+._-]*")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_STATUS = re.compile(r"^Upstream-Status: *(\S.*)$", re.MULTILINE)


def shipped_ports() -> dict[str, Port]:
    """The ports of this package, by name; read once in a process."""
    return dict(_shipped())


@cache
def _shipped() -> dict[str, Port]:
    return _read_folder(files("manyloong").joinpath("ports"), ours=True)


def read_ports(folder: Path) -> dict[str, Port]:
    """The ports of a user's folder, by name; InputError for a folder that is none, or holds no port."""
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder with ports", hint="it holds one NAME.toml a port")
    found = _read_folder(cast("Traversable", folder), ours=False)
    if not found:
        raise InputError(f"{folder} holds no port", hint="it holds one NAME.toml a port")
    return found


def all_ports(folders: Sequence[Path] = ()) -> dict[str, Port]:
    """Ours and those of the user's folders, which win, checked as a whole."""
    found = shipped_ports()
    for folder in folders:
        found |= read_ports(folder)
    return checked_set(found)


def _read_folder(folder: Traversable, *, ours: bool) -> dict[str, Port]:
    patches = folder.joinpath("patches")
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".toml"))
    found = {}
    for file in names:
        name = file.removesuffix(".toml")
        where = file if ours else str(folder.joinpath(file))
        try:
            document = tomllib.loads(folder.joinpath(file).read_text("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise InputError(f"{where} is not valid TOML: {error}", hint="correct that line") from error
        port = parse_port(document, name=name, where=where, patches=patches)
        found[name] = port
    return found


def parse_port(
    document: Mapping[str, Any], *, name: str, where: str, patches: Traversable | None = None
) -> Port:
    """A port from its table; InputError that names file and key for anything that is not right."""
    if not _NAME.fullmatch(name):
        raise InputError(f"{where}: not a port's name: {name!r}", hint="small letters, digits, + . _ -")
    _check_keys(document, KEYS, where)
    texts = {key: _text(document, key, where) for key in _TEXTS}
    texts |= {key: _text(document, key, where, default="") for key in _OPTIONAL_TEXTS}
    lists = {key: _texts(document, key, where) for key in _LISTS}
    common = {"name": name, "version": texts["version"], "licence": texts["licence"]}
    return Port(
        **common,
        summary=texts["summary"],
        source=parse_source(common | _table(document, "source", where), where=where),
        system=_system(texts["system"], lists["steps"], where),
        debian=texts["debian"] or name,
        cpe=texts["cpe"],
        subdirectory=texts["subdirectory"],
        extra=_extra(document, where),
        environment=_environment(document, where),
        patches=tuple(_patch(file, patches, where) for file in _texts(document, "patches", where)),
        check=_check(document, where),
        members=lists["members"],
        options=lists["options"],
        depends=lists["depends"],
        before=lists["before"],
        steps=lists["steps"],
        after=lists["after"],
        sonames=lists["sonames"],
        pkg_config=lists["pkg_config"],
        known_by=lists["known_by"],
        keep=lists["keep"],
        licence_files=lists["licence_files"],
        external=lists["external"],
        layers=_layers(lists["layers"], where),
        variants=_variants(document, where),
    )


def _variants(document: Mapping[str, Any], where: str) -> tuple[Variant, ...]:
    table = _table(document, "libc", where) if "libc" in document else {}
    _check_keys(table, sorted({row.libc for row in all_targets()}), f"{where}: libc")
    found = []
    for libc in sorted(table):
        row, inner = _table(table, libc, f"{where}: libc"), f"{where}: libc.{libc}"
        _check_keys(row, _VARIANT, inner)
        found.append(
            Variant(
                libc=libc,
                options=_texts(row, "options", inner),
                before=_texts(row, "before", inner),
                environment=_environment(row, inner),
            )
        )
    return tuple(found)


def _layers(names: tuple[str, ...], where: str) -> tuple[str, ...]:
    for name in names:
        if name not in LAYERS:
            raise InputError(f"{where}: unknown layer {name!r}", hint=f"one of: {', '.join(LAYERS)}")
    return names


def _system(name: str, steps: tuple[str, ...], where: str) -> System:
    if name not in SYSTEMS:
        near = get_close_matches(name, SYSTEMS, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"one of: {', '.join(SYSTEMS)}"
        raise InputError(f"{where}: unknown system {name!r}", hint=hint)
    if (name == "custom") != bool(steps):
        raise InputError(f"{where}: steps are given by, and only by, a custom system")
    return cast("System", name)


def _check_keys(table: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    for key in table:
        if key not in known:
            near = get_close_matches(key, known, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(known))}"
            raise InputError(f"{where}: unknown key {key!r}", hint=hint)


def _text(table: Mapping[str, Any], key: str, where: str, default: str | None = None) -> str:
    value = table.get(key, default)
    if value is None:
        raise InputError(f"{where}: {key} is missing")
    if not isinstance(value, str) or "\0" in value:
        raise InputError(f"{where}: {key} is not a string: {value!r}")
    return value


def _texts(table: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise InputError(f"{where}: {key} is not a list of strings: {value!r}")
    return tuple(value)


def _table(table: Mapping[str, Any], key: str, where: str) -> dict[str, Any]:
    value = table.get(key)
    if not isinstance(value, dict):
        raise InputError(f"{where}: {key} is {'missing' if value is None else 'not a table'}")
    return value


def _extra(document: Mapping[str, Any], where: str) -> tuple[PinnedSource, ...]:
    rows = document.get("extra", [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InputError(f"{where}: extra is not a list of tables")
    sources = tuple(parse_source(row, where=f"{where}: extra") for row in rows)
    taken = list(_TAKEN)
    for source in sources:
        if source.name in taken or "/" in source.name:
            raise InputError(
                f"{where}: extra: {source.name!r} is no name for a folder beside the sources",
                hint=f"another than {', '.join(taken)}",
            )
        taken.append(source.name)
    return sources


def _environment(document: Mapping[str, Any], where: str) -> tuple[tuple[str, str], ...]:
    table = _table(document, "environment", where) if "environment" in document else {}
    for name in table:
        if not _VARIABLE.fullmatch(name):
            raise InputError(
                f"{where}: environment: not the name of a variable: {name!r}", hint="letters, digits and _"
            )
    return tuple(sorted((name, _text(table, name, f"{where}: environment")) for name in table))


def _check(document: Mapping[str, Any], where: str) -> Check | None:
    if "check" not in document:
        return None
    table = _table(document, "check", where)
    inner = f"{where}: check"
    _check_keys(table, ("steps", "expect"), inner)
    steps, expect = _texts(table, "steps", inner), _text(table, "expect", inner)
    try:
        re.compile(expect)
    except re.error as error:
        raise InputError(f"{inner}: expect is not a regular expression: {error}") from error
    if not steps or not expect:
        raise InputError(f"{inner}: steps and expect may not be empty")
    return Check(steps=steps, expect=expect)


def _patch(file: str, folder: Traversable | None, where: str) -> Patch:
    path = folder.joinpath(file) if folder is not None and "/" not in file else None
    if path is None or not path.is_file():
        raise InputError(f"{where}: there is no patch patches/{file}")
    text = path.read_text("utf-8")
    status = _STATUS.search(text)
    if status is None:
        raise InputError(
            f"{where}: patches/{file} has no line 'Upstream-Status:'",
            hint="say in its head where it stands: Submitted [where], Backport [commit], Inappropriate [why]",
        )
    return Patch(name=file, status=status[1].strip(), text=text)
