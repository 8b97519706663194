"""The client-side guard: a ``_manylinux`` module by which today's pip refuses wheels below the floor.

PEP 600, "Package installers".
"""

from pathlib import Path

from manyloong.errors import InputError
from manyloong.store import write_whole
from manyloong.targets import judged_targets, policy

FILE_NAME = "_manylinux.py"
_MARK = "# written by manyloong spec guard"

_TEXT = '''"""Refuses manylinux wheels that are older than the architecture (PEP 600, "Package installers").

pip asks this module before it takes a manylinux wheel. Without it, it takes manylinux_2_17 to manylinux_2_35
wheels of the architectures below, although no glibc that old exists for them: such wheels are for another
platform with the same name. linux_* and musllinux wheels never reach this module.
"""

{mark}
FLOORS = {floors!r}  # architecture: oldest glibc


def manylinux_compatible(major, minor, arch):
    """False below the floor; None, which means "decide yourself", for everything else."""
    floor = FLOORS.get(arch)
    return False if floor is not None and (major, minor) < floor else None
'''


def guard_text() -> str:
    """The module's source, made from the specification."""
    floors = {
        row.architecture.name: policy(row).min_floor for row in judged_targets() if row.family == "manylinux"
    }
    return _TEXT.format(mark=_MARK, floors=floors)


def install_guard(folder: Path) -> Path:
    """Write the module into a folder of ``sys.path``; the path it has there.

    Raises InputError where the folder does not exist, or holds another ``_manylinux`` module.
    """
    if not folder.is_dir():
        raise InputError(f"no such folder: {folder}", hint="give a folder of the interpreter's sys.path")
    path = folder / FILE_NAME
    if path.exists() and _MARK not in path.read_text("utf-8", "replace"):
        raise InputError(f"{path} is another module", hint="add its answer to that module by hand")
    write_whole(path, guard_text().encode())
    return path
