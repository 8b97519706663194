"""The environment that helper programs of ours (uv, patchelf) get: what the network needs, and no more."""

import sys
from collections.abc import Mapping
from pathlib import Path

_PASSED = (
    "HOME", "CARGO_HOME", "LANG", "LC_ALL", "TMPDIR", "NETRC",
    "SSL_CERT_FILE", "SSL_CERT_DIR",
    "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY",
    "http_proxy", "https_proxy", "all_proxy", "no_proxy",
)  # fmt: skip


def program_environment(environ: Mapping[str, str], *, cache: Path) -> dict[str, str]:
    """A small environment with this installation's own programs first on PATH."""
    kept = {name: environ[name] for name in _PASSED if name in environ}
    own = str(Path(sys.executable).parent)
    return {
        **kept,
        "PATH": f"{own}:{environ.get('PATH', '/usr/bin:/bin')}",
        "UV_CACHE_DIR": str(cache / "uv"),
        "UV_NO_PROGRESS": "1",
    }
