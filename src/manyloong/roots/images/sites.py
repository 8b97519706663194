"""The site-packages of an image's environments: locked wheels, unpacked, with bytecode.

Bytecode is made by the build machine's CPython of the same minor version, as that of the standard library is
(``roots/bytecode.py``): under emulation, compiling at import costs seconds in every process.
"""

import hashlib
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path

from manyloong.errors import HostError
from manyloong.roots.model import Root
from manyloong.sandbox import Bind, Command, Runner
from manyloong.store import Store
from manyloong.store.normalise import normalise_tree
from manyloong.targets import Python

RECIPE = 1  # bump when the same wheels would give another tree
TOOLS = "opt/_internal/tools"
_EPOCH = 315532800  # 1980-01-01, the first that zip archives can say


def ensure_site(
    home: str,
    python: Python,
    wheels: Sequence[Path],
    *,
    native: Root,
    store: Store,
    runner: Runner,
    binds: tuple[Bind, ...] = (),
) -> Path:
    """The tree of an environment's site-packages; ``home`` is where in the image the environment is.

    ``binds`` bring the build machine's interpreter, where its root has none of that version.
    """
    hashes = [hashlib.sha256(wheel.read_bytes()).hexdigest() for wheel in wheels]
    document = {"recipe": RECIPE, "home": home, "python": python.tag, "wheels": hashes, "root": native.id}
    key = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
    place = f"/{home}/lib/{python.name}/site-packages"

    def build(tree: Path) -> None:
        for wheel in wheels:
            _unpack(wheel, tree)
        with store.scratch("site") as folder:
            _compile(tree, place, python, folder, native=native, runner=runner, binds=binds)
        normalise_tree(tree, epoch=_EPOCH)

    return store.tree("image-site", key, build)


def _unpack(wheel: Path, tree: Path) -> None:
    """A wheel of pure Python, as an installer lays it out; it was checked by its hash."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tree)
    for info in tree.glob("*.dist-info"):
        (info / "INSTALLER").write_text("pip\n", "utf-8")


def _compile(
    tree: Path,
    place: str,
    python: Python,
    folder: Path,
    *,
    native: Root,
    runner: Runner,
    binds: tuple[Bind, ...],
) -> None:
    names = sorted(f"/build/{path.relative_to(tree)}\n" for path in tree.rglob("*.py"))
    work = folder / "io"
    work.mkdir()
    (work / "list").write_text("".join(names), "utf-8")
    options = ("--invalidation-mode", "unchecked-hash", "-s", "/build", "-p", place)
    done = runner.run(
        Command(
            argv=(python.native_executable, "-m", "compileall", "-q", *options, "-i", "/io/list"),
            root=native.path,
            log=folder / "log",
            binds=(
                *binds,
                Bind(source=tree, target="/build", writable=True),
                Bind(source=work, target="/io"),
            ),
            environment=(("PATH", "/usr/bin"), ("LC_ALL", "C.UTF-8"), ("PYTHONHASHSEED", "0")),
        )
    )
    if not done.succeeded:
        text = f"compiling {place} for {python.tag} failed: {done.last_lines()}"
        raise HostError(text, hint="manyloong doctor")
