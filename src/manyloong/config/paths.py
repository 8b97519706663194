"""Where things are kept on this machine."""

from collections.abc import Mapping
from pathlib import Path

import platformdirs

from manyloong.errors import InputError

APPLICATION = "manyloong"


def cache_directory(environ: Mapping[str, str]) -> Path:
    """The cache: ``MANYLOONG_CACHE_DIR``, else the user's cache directory (``XDG_CACHE_HOME``)."""
    named = environ.get("MANYLOONG_CACHE_DIR")
    if named:
        path = Path(named).expanduser()
        if not path.is_absolute():
            raise InputError(
                f"MANYLOONG_CACHE_DIR is not an absolute path: {named!r}", hint="give the whole path"
            )
        return path
    return _user_directory(environ, "XDG_CACHE_HOME", platformdirs.user_cache_path(APPLICATION))


def config_file(environ: Mapping[str, str]) -> Path:
    """The user's configuration file; it need not exist."""
    default = platformdirs.user_config_path(APPLICATION)
    return _user_directory(environ, "XDG_CONFIG_HOME", default) / "config.toml"


def _user_directory(environ: Mapping[str, str], variable: str, default: Path) -> Path:
    base = environ.get(variable, "")
    return Path(base) / APPLICATION if base.startswith("/") else default
