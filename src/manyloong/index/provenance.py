"""Attestations that come with an upload, and the provenance object (PEP 740) made of them.

What needs no one else is checked: the shape, and that each statement is about exactly this file.
The signatures are for clients to verify against an identity they trust; the index passes them on unchanged.
"""

import base64
import binascii
from typing import Any

import orjson

from manyloong.errors import IntegrityError

_STATEMENT = "https://in-toto.io/Statement/v1"
_LIMIT_BYTES = 1 << 20
_MOST = 8


def checked_provenance(text: str, *, filename: str, sha256: str) -> str:
    """The provenance object as JSON for the ``attestations`` field of an upload; raises IntegrityError."""
    if len(text) > _LIMIT_BYTES:
        raise IntegrityError(f"attestations: more than {_LIMIT_BYTES >> 20} MiB")
    try:
        attestations = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise IntegrityError(f"attestations: not JSON: {error}") from error
    if not isinstance(attestations, list) or not 1 <= len(attestations) <= _MOST:
        raise IntegrityError(f"attestations: not a list of 1 to {_MOST} attestation objects (PEP 740)")
    for number, attestation in enumerate(attestations):
        _check(attestation, where=f"attestations[{number}]", filename=filename, sha256=sha256)
    bundle = {"publisher": {"kind": "manyloong"}, "attestations": attestations}
    return orjson.dumps({"version": 1, "attestation_bundles": [bundle]}).decode()


def _check(attestation: Any, *, where: str, filename: str, sha256: str) -> None:
    if not isinstance(attestation, dict) or attestation.get("version") != 1:
        raise IntegrityError(f"{where}: not an attestation object of version 1 (PEP 740)")
    if not isinstance(attestation.get("verification_material"), dict):
        raise IntegrityError(f"{where}: no verification_material")
    envelope = attestation.get("envelope")
    if not isinstance(envelope, dict) or not isinstance(envelope.get("signature"), str):
        raise IntegrityError(f"{where}: no signed envelope")
    statement = _statement(envelope.get("statement"), where)
    subjects = statement.get("subject")
    if statement.get("_type") != _STATEMENT or not isinstance(subjects, list) or len(subjects) != 1:
        raise IntegrityError(f"{where}: not an in-toto statement v1 about one file")
    subject = subjects[0] if isinstance(subjects[0], dict) else {}
    digest = subject.get("digest")
    if subject.get("name") != filename:
        raise IntegrityError(f"{where}: is about {str(subject.get('name'))[:200]!r}, not {filename}")
    if not isinstance(digest, dict) or digest.get("sha256") != sha256:
        raise IntegrityError(f"{where}: its sha256 is not that of the uploaded {filename}")


def _statement(text: Any, where: str) -> dict[str, Any]:
    try:
        document = orjson.loads(base64.b64decode(text, validate=True))
    except (TypeError, ValueError, binascii.Error) as error:
        raise IntegrityError(f"{where}: the statement is not base64 of JSON") from error
    if not isinstance(document, dict):
        raise IntegrityError(f"{where}: the statement is not an object")
    return document
