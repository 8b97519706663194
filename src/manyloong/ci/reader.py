"""A project's cibuildwheel options, read by cibuildwheel itself in a process of its own.

``payload/read_options.py`` is the program: it adds the architecture to the installed cibuildwheel as it is
loaded and answers with what holds for each build identifier.
"""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

from manyloong.errors import InputError, ManyloongError
from manyloong.store import Store
from manyloong.targets import Target, known_pythons
from manyloong.wheels.hooks import Variables
from manyloong.wheels.source import Source, unpack_source

_KIND = "cibuildwheel"
PROJECT = "/project"  # where the official images have the sources
FAMILIES = ("manylinux", "musllinux")
OLDEST_MINOR = 8  # a selector may name Pythons that are not here


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildTable:
    """The options of one build identifier."""

    before_all: str
    before_build: str
    before_test: str
    repair_command: str
    test_command: str
    test_requires: tuple[str, ...]
    test_extras: str
    test_sources: tuple[str, ...]
    test_environment: Variables  # as a shell reads it
    test: bool
    settings: tuple[tuple[str, str], ...]
    environment: Variables  # as a shell reads it
    plain: Variables | None  # the same as values, where no shell is needed to know them
    frontend: str
    missing: tuple[tuple[str, tuple[str, ...]], ...] = ()  # option -> files it names, not there


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A project's options for one target."""

    selected: tuple[str, ...]  # identifiers that its selectors name, here or not
    build: str
    skip: str
    builds: tuple[tuple[str, BuildTable], ...]  # for each identifier that can be built here
    origins: tuple[tuple[str, tuple[str, ...]], ...]  # option -> where it is set
    notes: tuple[str, ...]

    def of(self, identifier: str) -> BuildTable:
        """The options of one identifier."""
        return dict(self.builds)[identifier]


def speaks_to_cibuildwheel(pyproject: str, environ: Mapping[str, str]) -> bool:
    """Whether a project or the caller's variables have options of cibuildwheel."""
    return "cibuildwheel" in pyproject or any(name.startswith("CIBW_") for name in environ)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ahead:
    """A reader that works while this process still starts."""

    process: subprocess.Popen[str]
    folder: Path
    target: Target
    pyproject: str  # as it was when it began

    def serves(self, source: Source, target: Target) -> bool:
        """Whether its answer is about these sources as they are."""
        unchanged = self.pyproject == pyproject_text(source.path)
        return source.path.resolve() == self.folder and target == self.target and unchanged


def pyproject_text(folder: Path) -> str:
    """A folder's ``pyproject.toml``; "" where it has none that can be read."""
    try:
        return (folder / "pyproject.toml").read_text("utf-8")
    except (OSError, ValueError):
        return ""


@contextmanager
def reading_ahead(folder: Path, target: Target, environ: Mapping[str, str]) -> Iterator[Ahead | None]:
    """A reader for the folder's options, started at once where it has any; it does not outlive the block."""
    text = pyproject_text(folder)
    if not text or not speaks_to_cibuildwheel(text, environ):
        yield None
        return
    with _started(folder, target, environ) as process:
        try:
            yield Ahead(process=process, folder=folder.resolve(), target=target, pyproject=text)
        finally:
            process.kill()


def read_table(
    source: Source, target: Target, *, environ: Mapping[str, str], store: Store, ahead: Ahead | None = None
) -> Table:
    """The options of some sources for a target; InputError that says what is wrong with them.

    ``ahead``: a reader that may have begun with them.
    """
    key = _key(source, target, environ)
    known = store.get_json(_KIND, key)
    if known is not None and all(environ.get(name) == value for name, value in known["passed"].items()):
        return _table(known)
    if ahead is not None and source.kind == "directory" and ahead.serves(source, target):
        answer = _answer(ahead.process)
    elif source.kind == "directory":
        with _started(source.path, target, environ) as process:
            answer = _answer(process)
    else:
        with store.scratch("options") as place:
            unpack_source(source, place / "src")
            with _started(place / "src", target, environ) as process:
                answer = _answer(process)
    if "error" in answer:
        text = str(answer["error"]).removesuffix(".")
        hint = str(answer["hint"]) or "the options: docs/reference/cibuildwheel.md"
        raise InputError(f"cibuildwheel's options of {source.label}: {text}", hint=hint)
    store.put_json(_KIND, key, answer)
    return _table(answer)


def _key(source: Source, target: Target, environ: Mapping[str, str]) -> str:
    program = [files("manyloong.ci.payload").joinpath(name).read_text("utf-8") for name in _PROGRAM]
    document = {
        "source": source.sha256,
        "cibuildwheel": version("cibuildwheel"),
        "program": program,
        "request": {**_request(target, {}), "variables": _variables(environ)},
    }
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


_PROGRAM = ("added.py", "read_options.py")


def _variables(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in sorted(environ.items()) if name.startswith("CIBW_")}


def _request(target: Target, environ: Mapping[str, str]) -> dict[str, Any]:
    name = target.architecture.name
    here = [row.tag for row in known_pythons()]
    newest = max(int(tag.removesuffix("t")[3:]) for tag in here)
    older = [f"cp3{minor}" for minor in range(OLDEST_MINOR, newest)]
    tags = [*(tag for tag in older if tag not in here), *here]
    pythons = [[tag, f"3.{tag.removesuffix('t')[3:]}", python_folder(tag)] for tag in tags]
    image = target.tag.removesuffix(f"_{name}")
    addition = {
        "name": name,
        "oci": target.architecture.oci,
        "images": {target.family: {image: target.tag}},
        "pythons": dict.fromkeys(FAMILIES, pythons),
    }
    return {
        "addition": addition,
        "environment": dict(environ),
        "family": target.family,
        "identifiers": [f"{tag}-{target.family}_{name}" for tag in here],
        "project": PROJECT,
    }


def python_folder(tag: str) -> str:
    """Where the official images have a Python."""
    return f"/opt/python/{tag.removesuffix('t')}-{tag}"


def _started(folder: Path, target: Target, environ: Mapping[str, str]) -> subprocess.Popen[str]:
    """The reader at work in a folder; it has its request."""
    own = str(Path(__file__).parents[2])
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "manyloong.ci.payload.read_options"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env={"PATH": os.defpath, "LANG": "C.UTF-8", "PYTHONPATH": own},
    )
    assert process.stdin is not None  # noqa: S101 - it is a pipe
    process.stdin.write(json.dumps(_request(target, environ)))
    process.stdin.close()
    process.stdin = None  # or communicate() would flush it
    return process


def _answer(process: subprocess.Popen[str]) -> dict[str, Any]:
    said, wrong = process.communicate()
    try:
        answer = json.loads(said)
    except ValueError:
        last = wrong.strip().splitlines()[-1:] or [f"exit status {process.returncode}"]
        raise ManyloongError(f"cibuildwheel's options could not be read: {last[0]}") from None
    return dict(answer)


def _pairs(rows: Sequence[Sequence[str]]) -> Variables:
    return tuple((str(name), str(value)) for name, value in rows)


def _table(answer: Mapping[str, Any]) -> Table:
    return Table(
        selected=tuple(answer["selected"]),
        build=answer["build"],
        skip=answer["skip"],
        builds=tuple((name, _build(row)) for name, row in sorted(answer["builds"].items())),
        origins=tuple((name, tuple(rows)) for name, rows in sorted(answer["set"].items())),
        notes=tuple(answer["notes"]),
    )


def _build(row: Mapping[str, Any]) -> BuildTable:
    words = [*row["config-settings"], *row["frontend"]["settings"]]
    settings = [word.partition("=") for word in words]
    return BuildTable(
        before_all=row["before-all"],
        before_build=row["before-build"],
        before_test=row["before-test"],
        repair_command=row["repair-wheel-command"],
        test_command=row["test-command"].strip(),
        test_requires=tuple(row["test-requires"]),
        test_extras=row["test-extras"],
        test_sources=tuple(row["test-sources"]),
        test_environment=_pairs(row["test-environment"]),
        test=row["test"],
        settings=tuple((key, value) for key, _, value in settings),
        environment=_pairs(row["environment"]),
        plain=None if row["plain"] is None else tuple(row["plain"].items()),
        frontend=" ".join((row["frontend"]["name"], *row["frontend"]["args"])),
        missing=tuple((option, tuple(names)) for option, names in row["missing"].items()),
    )
