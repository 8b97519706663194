"""musl for real: modules that a compiler linked, Debian's own libc.so, and the sources of two releases."""

import os
import re
import subprocess
import tarfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from tests.tools.audit.debian_modules import modules

from manyloong.audit import judge, read_facts
from manyloong.audit.elf import read_elf
from manyloong.cli.doors import open_outside
from manyloong.config.mirrors import debian_mirrors
from manyloong.config.paths import cache_directory
from manyloong.errors import FetchError, ManyloongError
from manyloong.events import ignore
from manyloong.roots import ensure_zig
from manyloong.roots.sources import ensure_sources, parse_source
from manyloong.store import HttpFetcher, Store
from manyloong.targets import judged_target, musl_exports, musl_later

pytestmark = pytest.mark.tools

TARGET = judged_target("musllinux_1_2")
MUSL, GLIBC = "loongarch64-linux-musl", "loongarch64-linux-gnu.2.36"
SHARED = ("-dynamic", "-shared", "-fPIC")
OLD = '#include <math.h>\n#include <stdio.h>\nint first(void) { return printf("%f", lgamma(2.5)); }\n'
NEW = (
    "#include <stdio.h>\nint renameat2(int, const char *, int, const char *, unsigned);\n"
    'int first(void) { return puts("") + renameat2(-100, "a", -100, "b", 0); }\n'
)
NEW_ALONE = (
    "int posix_getdents(int, void *, unsigned long, int);\n"
    "int first(void) { return posix_getdents(0, 0, 0, 0); }\n"
)
NOBODY = (
    '#include <stdio.h>\nint nobody_has_it(void);\nint first(void) { return puts("") + nobody_has_it(); }\n'
)
ALONE = "void _start(void) { for (;;) ; }\n"
MAIN = '#include <stdio.h>\nint main(void) { return puts(""); }\n'

Link = Callable[..., Path]
SOURCES = (
    {
        "name": "musl 1.2.5",
        "version": "1.2.5",
        "licence": "MIT",
        "path": "pool/main/m/musl/musl_1.2.5.orig.tar.gz",
        "sha256": "a9a118bbe84d8764da0ea0d28b3ab3fae8477fc7e4085d90102b8596fc7c75e4",
        "size_bytes": 1080786,
    },
    {
        "name": "musl 1.2.6",
        "version": "1.2.6",
        "licence": "MIT",
        "path": "pool/main/m/musl/musl_1.2.6.orig.tar.gz",
        "sha256": "d585fd3b613c66151fc3249e8ed44f77020cb5e6c1e635a616d3f9f82460512a",
        "size_bytes": 1082499,
    },
)
DEBIAN_ONLY = {
    "fts_children",
    "fts_close",
    "fts_open",
    "fts_read",
    "fts_set",
}  # Debian's patch, not upstream's


@pytest.fixture(scope="module")
def link(tmp_path_factory: pytest.TempPathFactory) -> Link:
    """A function that compiles and links one C file with the pinned zig."""
    place = tmp_path_factory.mktemp("musl")
    try:
        outside = open_outside(ignore, offline=False, locked=False)
        doors = outside.doors
        tree = ensure_zig(
            outside.host, store=doors.store, fetcher=doors.fetcher, locate=doors.locate, listener=ignore
        )
    except ManyloongError as error:
        pytest.skip(f"no zig: {error}")
    environment = {**os.environ, "ZIG_GLOBAL_CACHE_DIR": str(place), "ZIG_LOCAL_CACHE_DIR": str(place)}

    def run(name: str, text: str, *flags: str, target: str = MUSL) -> Path:
        source, path = place / f"{name}.c", place / name
        source.write_text(text, "utf-8")
        command = [str(tree / "zig"), "cc", "-target", target, "-O2", *flags, "-o", str(path), str(source)]
        subprocess.run(command, env=environment, check=True, capture_output=True)
        return path

    return run


def findings(path: Path) -> dict[str, str]:
    """Rule to message, against musllinux_1_2."""
    return {one.rule: one.message for one in judge(read_facts(path), TARGET).findings}


def test_a_module_with_symbols_of_the_floor(link: Link) -> None:
    path = link("old.so", OLD, *SHARED)
    (elf,) = read_facts(path).elves
    assert elf.needed == ("libc.so",)
    assert {one.name for one in elf.undefined} >= {"lgamma", "printf"}
    assert findings(path) == {}


@pytest.mark.parametrize(("text", "symbol"), [(NEW, "renameat2"), (NEW_ALONE, "posix_getdents")])
def test_a_module_with_a_symbol_of_a_later_musl(link: Link, text: str, symbol: str) -> None:
    """With libc named as needed or not: it is loaded either way, and the oldest one lacks the symbol."""
    found = findings(link(f"{symbol}.so", text, *SHARED, "-Wl,--allow-shlib-undefined"))
    assert set(found) == {"ML046"}
    assert symbol in found["ML046"]
    assert "1.2.6" in found["ML046"]


def test_a_module_with_a_symbol_nobody_provides(link: Link) -> None:
    found = findings(link("nobody.so", NOBODY, *SHARED, "-Wl,--allow-shlib-undefined"))
    assert set(found) == {"ML045"}
    assert "nobody_has_it" in found["ML045"]


def test_a_module_of_the_other_libc(link: Link) -> None:
    found = findings(link("glibc.so", OLD, "-shared", "-fPIC", target=GLIBC))
    assert set(found) == {"ML044"}
    assert "libc.so.6" in found["ML044"]


def test_a_module_with_a_libc_of_another_name(link: Link) -> None:
    """A libc that was built with a soname of its own: no system has a file of that name."""
    fake = link("libc.musl-x.so", "int puts(const char *s) { return !s; }\n", "-shared", "-fPIC", "-nostdlib")
    text = "int puts(const char *);\nint first(void) { return puts(0); }\n"
    found = findings(link("renamed.so", text, "-shared", "-fPIC", "-nostdlib", str(fake)))
    assert "ML043" in found
    assert "libc.musl-x.so" in found["ML043"]


def test_programs(link: Link) -> None:
    alone = link("alone", ALONE, "-static", "-nostdlib")
    (elf,) = read_facts(alone).elves
    assert (elf.file_type, elf.interpreter, elf.needed) == (2, "", ())
    assert findings(alone) == {"ML066": "alone: linked for the address 0x1000000"}
    dynamic = link("program", MAIN, "-dynamic", "-pie")
    (elf,) = read_facts(dynamic).elves
    assert elf.interpreter == TARGET.interpreter
    assert findings(dynamic) == {}


def test_the_real_libc_exports_what_the_table_says() -> None:
    try:
        (libc,) = (one for one in modules("musl") if one.path.endswith("/libc.so"))
    except FetchError as error:
        pytest.skip(f"no Debian mirror: {error}")
    elf = read_elf(libc.data, path="libc.so")
    assert libc.version.startswith("1.2.6")
    assert elf.exported - DEBIAN_ONLY == musl_exports() | set(musl_later())
    assert elf.exported >= DEBIAN_ONLY


def test_the_sources_have_the_names_of_the_table() -> None:
    """Every exported name stands in the sources of 1.2.5; those of 1.2.6 only in the sources of that."""
    sources = tuple(parse_source(row, where=str(row["name"])) for row in SOURCES)
    fetcher = HttpFetcher(Store(cache_directory(os.environ)))
    try:
        with closing(fetcher):
            paths = ensure_sources(
                sources, fetcher=fetcher, mirrors=debian_mirrors(os.environ), listener=ignore
            )
    except FetchError as error:
        pytest.skip(f"no source mirror: {error}")
    first, second = (words(paths[str(row["name"])]) for row in SOURCES)
    assert musl_exports() - first == set()
    assert set(musl_later()) - second == set()
    assert {name for name in musl_later() if name in first} <= {"__getauxval"}  # there, but hidden


def words(archive: Path) -> set[str]:
    """Every identifier in the code of an archive; pasted ones of its macros included."""
    found: set[str] = set()
    with tarfile.open(archive) as tar:
        for member in tar:
            if member.name.endswith((".c", ".h", ".s", ".S", ".in", ".sh", ".ver")) or "crt" in member.name:
                file = tar.extractfile(member)
                found.update(re.findall(r"\w+", file.read().decode("utf-8", "replace") if file else ""))
    return found
