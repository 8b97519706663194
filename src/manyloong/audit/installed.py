"""Distributions already installed: in an environment, or anywhere below a root.

Recording installed projects specification.
"""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from manyloong.audit.facts import ElfFacts, Problem, WheelFacts
from manyloong.audit.metadata import parse_headers, values
from manyloong.audit.names import Tag
from manyloong.audit.read import read_file
from manyloong.audit.record import parse_record
from manyloong.errors import NotFoundError

_TEXT_LIMIT = 64 << 20  # bytes of one metadata file
_SKIPPED = frozenset({"proc", "sys", "dev", "run"})  # not files of the root


def read_installed(root: Path) -> tuple[WheelFacts, ...]:
    """The facts of each distribution with compiled code below ``root``, by path.

    The path of each is its dist-info directory. Raises NotFoundError where there is no dist-info at all.
    """
    folders = tuple(_dist_infos(root))
    if not folders:
        raise NotFoundError(
            f"no installed distribution below {root}",
            hint="give the environment's folder, a site-packages folder, or the root of a system",
        )
    found = (_read(folder) for folder in folders)
    return tuple(one for one in found if one.elves or one.problems)


def _dist_infos(root: Path) -> Iterator[Path]:
    for folder, folders, _ in os.walk(root):
        if folder == str(root):
            folders[:] = [name for name in folders if name not in _SKIPPED]
        folders.sort()
        inside = [name for name in folders if name.endswith(".dist-info")]
        yield from (Path(folder, name) for name in inside)
        folders[:] = [name for name in folders if name not in inside]


def _read(folder: Path) -> WheelFacts:
    facts = WheelFacts(path=str(folder))
    try:
        wheel, metadata, record = (_text(folder / name) for name in ("WHEEL", "METADATA", "RECORD"))
    except OSError as error:
        problem = Problem(rule="ML088", path=folder.name, detail=f"cannot be read: {error.strerror}")
        return replace(facts, problems=(problem,))
    headers = parse_headers(metadata)
    said = values(parse_headers(wheel), "tag")
    elves, problems = _elves(folder.parent, record)
    return replace(
        facts,
        distribution=next(iter(values(headers, "name")), folder.name),
        version=next(iter(values(headers, "version")), ""),
        tags=tuple(tag for one in said if (tag := _tag(one)) is not None),
        wheel_tags=said,
        elves=elves,
        problems=problems,
    )


def _text(path: Path) -> str:
    if not path.exists():
        return ""  # distributions of a system's package manager often lack RECORD or WHEEL
    with path.open("rb") as file:
        return file.read(_TEXT_LIMIT).decode("utf-8", "replace")


def _tag(text: str) -> Tag | None:
    parts = text.split("-")
    return (parts[0], parts[1], parts[2]) if len(parts) == 3 else None


def _elves(base: Path, record: str) -> tuple[tuple[ElfFacts, ...], tuple[Problem, ...]]:
    elves: list[ElfFacts] = []
    problems: list[Problem] = []
    for name in parse_record(record)[0]:
        path = base / name
        try:
            if path.is_file() and not path.is_symlink():
                elves += read_file(path, name=name)
        except OSError as error:
            detail = f"cannot be read: {error.strerror}"
            problems.append(Problem(rule="ML002", path=name, detail=detail))
    return tuple(elves), tuple(problems)
