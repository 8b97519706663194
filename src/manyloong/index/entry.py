"""The PEP 691 file object of a wheel of ours; pure. Addresses are relative, so it is true under any host."""

from typing import Any
from urllib.parse import quote

import orjson

from manyloong.index.model import WheelName, blob_key


def file_entry(  # noqa: PLR0913 -- one argument a field
    *,
    name: WheelName,
    sha256: str,
    size_bytes: int,
    metadata_sha256: str,
    requires_python: str,
    uploaded_at: str,
    released_at: str,
    has_provenance: bool,
    yanked: str | bool,
) -> str:
    """The file object as JSON text.

    ``upload-time`` is when *this* file appeared here, so that cooldowns (``exclude-newer``) hold for it; when
    upstream released the version is in ``_manyloong``, a key that PEP 691 leaves to the index.
    """
    entry: dict[str, Any] = {
        "filename": name.filename,
        "url": "../../files/" + quote(blob_key(sha256, name.filename)),
        "hashes": {"sha256": sha256},
        "size": size_bytes,
        "upload-time": uploaded_at,
        "yanked": yanked,
        "core-metadata": {"sha256": metadata_sha256},
        "data-dist-info-metadata": {"sha256": metadata_sha256},
        "provenance": "../../" + provenance_path(name) if has_provenance else None,
        "_manyloong": {"rebuilt": uploaded_at, "released": released_at or None},
    }
    if requires_python:
        entry["requires-python"] = requires_python
    return orjson.dumps(entry).decode()


def provenance_path(name: WheelName) -> str:
    """Where the Integrity API of PEP 740 has a file's provenance, below the index's root."""
    return f"integrity/{quote(name.project)}/{quote(name.version)}/{quote(name.filename)}/provenance"
