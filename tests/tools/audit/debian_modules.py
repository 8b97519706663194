"""Real loong64 files from the host's Debian mirror, by hash; and a disassembler for them."""

import os
import tarfile
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from manyloong.config.mirrors import debian_mirrors
from manyloong.config.paths import cache_directory
from manyloong.events import ignore
from manyloong.roots.deb import open_data
from manyloong.store import HttpFetcher, RemoteFile, Store

PINS: dict[str, list[dict[str, Any]]] = tomllib.loads(
    Path(__file__).with_name("debian_modules.toml").read_text("utf-8")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """One shared object of a package."""

    package: str
    version: str
    path: str
    data: bytes


def fetch(rows: Sequence[dict[str, Any]]) -> dict[str, Path]:
    """The packages by name, from the mirrors of the host's own configuration."""
    fetcher = HttpFetcher(Store(cache_directory(os.environ)))
    mirrors = debian_mirrors(os.environ)
    files = [
        RemoteFile(
            name=row["name"],
            urls=tuple(f"{mirror.rstrip('/')}/{row['path']}" for mirror in mirrors),
            sha256=row["sha256"],
            size_bytes=row["size"],
        )
        for row in rows
    ]
    with closing(fetcher):
        found = fetcher.fetch(files, label="Debian packages", listener=ignore)
    return {row["name"]: found[row["sha256"]] for row in rows}


def modules(kind: str = "module") -> Iterator[Module]:
    """Every shared object of the pinned packages of a kind, package by package."""
    paths = fetch(PINS[kind])
    for row in PINS[kind]:
        with (
            open_data(paths[row["name"]], row["name"]) as stream,
            tarfile.open(fileobj=stream, mode="r|") as tar,
        ):
            for member in tar:
                if not (member.isfile() and ".so" in Path(member.name).name):
                    continue
                file = tar.extractfile(member)
                assert file is not None
                yield Module(package=row["name"], version=row["version"], path=member.name, data=file.read())


def disassembler(folder: Path) -> list[str]:
    """The command of objdump for loongarch64, unpacked into a folder with the libraries it needs."""
    for name, path in fetch(PINS["disassembler"]).items():
        with open_data(path, name) as stream, tarfile.open(fileobj=stream, mode="r|") as tar:
            tar.extractall(folder, filter="tar")
    libraries = folder / "usr/lib/x86_64-linux-gnu"
    binary = folder / "usr/bin/loongarch64-linux-gnu-objdump"
    return [str(libraries / "ld-linux-x86-64.so.2"), "--library-path", str(libraries), str(binary)]
