"""Looks something up in a package's sources: the line that has a word, the headers that a file includes."""

import re
from collections.abc import Iterator
from pathlib import Path

_FILE_BYTES = 1 << 20
# Files that say how a package is compiled.
_SCRIPTS = (
    "*.py", "CMakeLists.txt", "*.cmake", "meson.build", "meson.options", "meson_options.txt", "Makefile*",
    "*.mk", "*.am", "configure", "configure.ac", "*.m4", "*.toml", "*.cfg", "*.gyp", "*.gypi", "*.sh", "*.in",
)  # fmt: skip


def find_in_sources(sources: Path, word: str, *, most: int = 3) -> tuple[str, ...]:
    """Where a word is in the files that say how a package is compiled: ``path:line``, shortest path first."""
    pattern = re.compile(rf"(?<![\w-]){re.escape(word)}(?![\w=-])")
    return tuple(_matches(sources, pattern, most))


def _matches(sources: Path, pattern: re.Pattern[str], most: int) -> Iterator[str]:
    files = (path for glob in _SCRIPTS for path in sources.rglob(glob) if path.is_file())
    for path in sorted(set(files), key=lambda path: (len(path.parts), str(path))):
        if path.stat().st_size > _FILE_BYTES:
            continue
        for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), 1):
            if pattern.search(line):
                yield f"{path.relative_to(sources)}:{number}"
                most -= 1
                break
        if not most:
            return


def included_in(sources: Path, name: str) -> tuple[str, ...]:
    """What a file of the sources includes; nothing of a file elsewhere."""
    path = (sources / re.sub(r"^(?:\.\./)+", "", name)).resolve()
    if not path.is_relative_to(sources.resolve()) or not path.is_file() or path.stat().st_size > _FILE_BYTES:
        return ()
    return tuple(re.findall(r'(?m)^\s*#\s*include\s*[<"]([^>"\n]+)[>"]', path.read_text("utf-8", "replace")))
