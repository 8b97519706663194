"""The way in: a path to facts, whatever lies there."""

import os
import stat
from collections.abc import Iterator
from mmap import ACCESS_READ, mmap
from pathlib import Path

from manyloong.audit.elf import read_elf
from manyloong.audit.facts import ElfFacts, Facts, Problem
from manyloong.audit.image import MAGIC
from manyloong.audit.names import SHARED
from manyloong.audit.objects import AR_MAGIC, read_objects
from manyloong.audit.wheel import read_wheel
from manyloong.errors import InputError, NotFoundError


def read_facts(path: Path) -> Facts:
    """The facts of a wheel (``WheelFacts``), a directory or an ELF file.

    Raises NotFoundError where nothing lies, InputError where the file is none of these. Faults inside are
    facts.
    """
    if not path.exists():
        raise NotFoundError(f"no such file or directory: {path}", hint="check the path")
    if path.is_dir():
        return _read_tree(path)
    if not path.is_file():
        raise InputError(
            f"neither a file nor a directory: {path}", hint="give a wheel, a folder or an ELF file"
        )
    if path.name.endswith(".whl"):
        return read_wheel(path)
    elves = tuple(read_file(path, name=path.name))
    if not elves:
        raise InputError(
            f"neither a wheel nor an ELF file: {path}",
            hint="wheels end in .whl; ELF files start with the bytes 7f 45 4c 46",
        )
    return Facts(path=str(path), elves=elves)


def _read_tree(root: Path) -> Facts:
    elves: list[ElfFacts] = []
    problems: list[Problem] = []
    for folder, folders, files in os.walk(root):
        folders.sort()
        for name in sorted(files):
            path = Path(folder, name)
            relative = path.relative_to(root).as_posix()
            try:
                elves += read_file(path, name=relative)
            except OSError as error:
                detail = f"cannot be read: {error.strerror}"
                problems.append(Problem(rule="ML002", path=relative, detail=detail))
    return Facts(path=str(root), elves=tuple(elves), problems=tuple(problems))


def read_file(path: Path, *, name: str) -> Iterator[ElfFacts]:
    """Facts of one ELF file or static library; nothing for other files, links and devices."""
    status = path.lstat() if name != path.name else path.stat()
    if not stat.S_ISREG(status.st_mode):
        return
    shared = SHARED.search(path.name) is not None
    with path.open("rb") as file:
        start = file.read(8)
        if start.startswith(MAGIC):
            with mmap(file.fileno(), 0, access=ACCESS_READ) as data:
                yield read_elf(data, path=name)
        elif start == AR_MAGIC:
            with mmap(file.fileno(), 0, access=ACCESS_READ) as data:
                yield from read_objects(data, path=name)
        elif shared and not start.startswith((b"/*", b"INPUT", b"GROUP", b"OUTPUT")):  # GNU ld scripts
            problem = "not an ELF file" if start else "the file is empty"
            yield ElfFacts(path=name, size_bytes=status.st_size, problem=problem)
