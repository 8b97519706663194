"""The compilers' own libraries, which wheels carry where a platform has none: described as ports are.

On musl that is the C++ library, and the unwinder under the name of GCC's. Their description and licence texts
are a tree of the store with a port's layout; what builds the libraries is the toolchain's business.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from manyloong.roots.libstdcxx import gcc_source
from manyloong.roots.ports import DESCRIPTION, LICENCES
from manyloong.roots.zig import locked_zig
from manyloong.store import Store
from manyloong.targets import Host

KIND = "runtime"
CXX = "libstdc++"  # whose sources are asked for by that name
_UNWINDER = "lib/libunwind/LICENSE.TXT"  # below zig's tree


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeLibrary:
    """A library of the toolchain; ``sha256`` is of its source archive, "" where it comes inside another."""

    name: str
    version: str
    licence: str  # SPDX expression
    purl: str
    cpe: str  # VENDOR:PRODUCT, or ""
    sha256: str
    sonames: tuple[str, ...]
    texts: Mapping[str, str]  # of its licence, by file name

    def document(self) -> dict[str, object]:
        """As a port's description is written."""
        return {
            "name": self.name,
            "version": self.version,
            "licence": self.licence,
            "purl": self.purl,
            "cpe": self.cpe,
            "sha256": self.sha256,
            "sonames": list(self.sonames),
        }


def runtime_libraries(zig: Path, host: Host) -> tuple[RuntimeLibrary, ...]:
    """Those of a toolchain; ``zig`` is its tree, which brings the unwinder's source and licence."""
    source, locked = gcc_source(), locked_zig(host)
    texts = files("manyloong.wheels").joinpath("licences")
    return (
        RuntimeLibrary(
            name=CXX,
            version=source.version,
            licence=source.licence,
            purl=f"pkg:generic/gcc@{source.version}",
            cpe="gnu:gcc",
            sha256=source.sha256,
            sonames=("libstdc++.so.6",),
            texts={name: texts.joinpath(name).read_text("utf-8") for name in ("COPYING3", "COPYING.RUNTIME")},
        ),
        RuntimeLibrary(
            name=f"{locked.project}-libunwind",  # LLVM's; which release it is of, the compiler does not say
            version=locked.version,
            licence="Apache-2.0 WITH LLVM-exception",
            purl=f"pkg:pypi/{locked.project}@{locked.version}",
            cpe="",
            sha256="",
            sonames=("libgcc_s.so.1",),
            texts={"LICENSE.TXT": (zig / _UNWINDER).read_text("utf-8")},
        ),
    )


def ensure_runtime(libraries: tuple[RuntimeLibrary, ...], *, store: Store) -> Path:
    """Their descriptions and licence texts as a tree, whose name is the digest of all of it."""
    documents = [library.document() | {"texts": dict(library.texts)} for library in libraries]
    key = hashlib.sha256(json.dumps(documents, sort_keys=True).encode()).hexdigest()

    def fill(tree: Path) -> None:
        (tree / DESCRIPTION).mkdir(parents=True)
        for library in libraries:
            text = json.dumps(library.document(), indent=1, sort_keys=True) + "\n"
            (tree / DESCRIPTION / f"{library.name}.json").write_text(text, "utf-8")
            folder = tree / LICENCES / library.name
            folder.mkdir(parents=True)
            for name, licence in library.texts.items():
                (folder / name).write_text(licence, "utf-8")

    return store.tree(KIND, key, fill)
