"""Compiled standard libraries: under emulation, compiling at import costs seconds in every process.

Made by a native CPython of the same minor version, since bytecode does not depend on the architecture.
``unchecked-hash`` (PEP 552) keeps times out of the files; one process with a fixed hash seed compiles in a
fixed order, since what marshal writes depends on what the process did before.
"""

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from manyloong.errors import HostError
from manyloong.sandbox import Bind, Command, Runner

_NOT_COMPILED = {"__pycache__", "idlelib", "lib2to3", "pydoc_data", "test", "tests", "turtledemo"}
_PARALLEL = 3


def compile_stdlib(tree: Path, *, native: Path, runner: Runner, scratch: Path) -> None:
    """Compile every CPython's standard library below ``tree`` by the programs of the root ``native``."""
    libraries = sorted(path for path in (tree / "usr/lib").glob("python3.*") if (path / "os.py").is_file())

    def compile_one(library: Path) -> None:
        _compile(library, native=native, runner=runner, scratch=scratch)

    with ThreadPoolExecutor(_PARALLEL, thread_name_prefix="bytecode") as pool:
        for _ in pool.map(compile_one, libraries):
            pass


def _compile(library: Path, *, native: Path, runner: Runner, scratch: Path) -> None:
    python = library.name
    theirs = native / "usr/lib" / python
    left = [source for source in _sources(library) if not _copied(source, library, theirs)]
    if not left:
        return
    work = scratch / python
    work.mkdir()
    names = [f"/build/{source.relative_to(library)}\n" for source in left]
    (work / "list").write_text("".join(names), "utf-8")
    options = ("--invalidation-mode", "unchecked-hash", "-s", "/build", "-p", f"/usr/lib/{python}")
    done = runner.run(
        Command(
            argv=(f"/usr/bin/{python}", "-m", "compileall", "-q", *options, "-i", "/io/list"),
            root=native,
            log=scratch / f"{python}.log",
            binds=(
                Bind(source=library, target="/build", writable=True),
                Bind(source=work, target="/io"),
            ),
            environment=(("PATH", "/usr/bin"), ("LC_ALL", "C.UTF-8"), ("PYTHONHASHSEED", "0")),
        )
    )
    if not done.succeeded:
        text = f"compiling the standard library of {python} failed: {done.last_lines()}"
        raise HostError(text, hint="manyloong doctor")


def _sources(library: Path) -> Iterator[Path]:
    for path in sorted(library.rglob("*.py")):
        if path.is_file() and not _NOT_COMPILED.intersection(path.relative_to(library).parts):
            yield path


def _copied(source: Path, library: Path, theirs: Path) -> bool:
    """Whether the bytecode of an equal file of the native root could be taken."""
    if library == theirs:
        return False
    other = theirs / source.relative_to(library)
    compiled = _bytecode(other, library.name)
    if not compiled.is_file() or other.read_bytes() != source.read_bytes():
        return False
    mine = _bytecode(source, library.name)
    mine.parent.mkdir(exist_ok=True)
    shutil.copyfile(compiled, mine)
    return True


def _bytecode(source: Path, python: str) -> Path:
    """Where ``python3.13`` looks for the bytecode of a module; PEP 3147."""
    tag = "cpython-" + python.removeprefix("python").replace(".", "")
    return source.parent / "__pycache__" / f"{source.stem}.{tag}.pyc"
