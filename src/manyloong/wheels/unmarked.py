"""Wheels that say they are for every machine, and hold machine code of one."""

import struct
import zipfile
from pathlib import Path

from manyloong.errors import BuildError
from manyloong.targets import Target

_MAGIC = b"\x7fELF"
_MACHINE = slice(18, 20)  # e_machine of an ELF header


def check_pure(wheel: Path, target: Target, *, label: str) -> None:
    """BuildError where a wheel for every machine (``none-any``) holds code for the target.

    Its tag says that it runs everywhere: an index would give it to every machine, and no audit would see it.
    """
    machine = struct.pack("<H", target.architecture.elf_machine)
    with zipfile.ZipFile(wheel) as archive:
        for name in sorted(archive.namelist()):
            with archive.open(name) as stream:
                start = stream.read(_MACHINE.stop)
            if start.startswith(_MAGIC) and start[_MACHINE] == machine:
                raise BuildError(
                    f"{label} makes {wheel.name}, a wheel for every machine, and {name} in it is code for "
                    f"{target.architecture.name}",
                    hint="its build has to say that it is for one platform (setuptools: a Distribution "
                    "whose has_ext_modules() is true); a recipe's patch can",
                )
