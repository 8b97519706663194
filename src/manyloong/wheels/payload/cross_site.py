"""Makes a native CPython answer as the target's of the same version would; loading stays native.

Installed as ``_manyloong_cross.py`` in a build environment's site-packages with a ``.pth`` that imports it,
so it holds in every process of that environment: under ``-I`` and ``-E``, and with any PYTHONPATH. It does
nothing where ``/opt/manyloong/tools/cross.json`` is absent.

What changes: ``os.uname`` (hence ``platform`` and ``sysconfig.get_platform``), ``os.confstr`` for the libc
version (hence ``platform.libc_ver`` and ``packaging.tags``), ``sys.abiflags`` and
``sys.implementation._multiarch``, with them the build-variables module that ``sysconfig`` loads, and the
include paths of every install scheme.
What does not: ``sys.path_importer_cache``, the extension suffixes of the import system, ``sys.platform``.
"""

from __future__ import annotations

import json
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing typing takes longer than all the rest
    from typing import Any

CONFIG = "/opt/manyloong/tools/cross.json"


def _pretend(config: dict[str, Any]) -> None:
    native_uname = os.uname
    native_confstr = os.confstr

    def uname() -> os.uname_result:
        real = native_uname()
        return os.uname_result((*tuple(real)[:4], config["machine"]))

    def confstr(name: str | int) -> str | None:
        if name in ("CS_GNU_LIBC_VERSION", os.confstr_names.get("CS_GNU_LIBC_VERSION")):
            if config["libc_version"] is None:
                raise ValueError("unrecognized configuration name")
            return str(config["libc_version"])
        return native_confstr(name)

    os.uname = uname
    os.confstr = confstr
    sys.implementation._multiarch = config["multiarch"]
    sys.abiflags = config["abiflags"]
    home = config["python_home"]
    sys.path.append(home)  # where the target's build variables are

    import sysconfig

    include = os.path.join(home, "include")
    for scheme in sysconfig._INSTALL_SCHEMES.values():
        scheme["include"] = scheme["platinclude"] = include
    # Somebody may have read the native variables before us.
    if getattr(sysconfig, "_CONFIG_VARS", None) is not None:
        sysconfig._CONFIG_VARS = None
    if getattr(sysconfig, "_CONFIG_VARS_INITIALIZED", False):
        sysconfig._CONFIG_VARS_INITIALIZED = False


def _main() -> None:
    try:
        with open(CONFIG, encoding="utf-8") as file:
            config = json.load(file)
    except OSError:
        return
    _pretend(config)


_main()
