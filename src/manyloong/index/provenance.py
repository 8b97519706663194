"""Attestations that come with an upload, and the provenance object (PEP 740) made of them.

Each must have the right shape and be about exactly this file. With a trusted root its signature is verified
too, what is looked at is the statement that was signed, and that must be of a known kind. Without one it is
passed on as unverified.
"""

import base64
import binascii
from dataclasses import dataclass
from typing import Any

import orjson

from manyloong.errors import IntegrityError
from manyloong.index.signatures import Trust

STATEMENT = "https://in-toto.io/Statement/v1"
_LIMIT_BYTES = 1 << 20
_MOST = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """The provenance object as JSON, and whether every signature in it was verified."""

    text: str
    verified: bool


def checked_provenance(text: str, *, filename: str, sha256: str, trust: Trust | None) -> Provenance:
    """The provenance of the ``attestations`` field of an upload; raises IntegrityError."""
    if len(text) > _LIMIT_BYTES:
        raise IntegrityError(f"attestations: more than {_LIMIT_BYTES >> 20} MiB")
    try:
        attestations = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise IntegrityError(f"attestations: not JSON: {error}") from error
    if not isinstance(attestations, list) or not 1 <= len(attestations) <= _MOST:
        raise IntegrityError(f"attestations: not a list of 1 to {_MOST} attestation objects (PEP 740)")
    bundles: dict[str, dict[str, Any]] = {}
    for number, attestation in enumerate(attestations):
        where = f"attestations[{number}]"
        statement, publisher = _statement(attestation, trust, where=where)
        _check_subject(statement, where=where, filename=filename, sha256=sha256)
        _check_kind(statement, trust, where=where)
        key = orjson.dumps(publisher).decode()
        bundle = bundles.setdefault(key, {"publisher": publisher, "attestations": []})
        bundle["attestations"].append(attestation)
    document = {"version": 1, "attestation_bundles": list(bundles.values())}
    return Provenance(text=orjson.dumps(document).decode(), verified=trust is not None)


def _statement(attestation: Any, trust: Trust | None, *, where: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The statement, and the publisher as the provenance object names it."""
    signed = _shaped(attestation, where)
    publisher: dict[str, Any] = {"kind": "unverified", "claims": None}
    if trust is not None:
        try:
            verified = trust.verified(orjson.dumps(attestation).decode())
        except IntegrityError as error:
            raise IntegrityError(f"{where}: {error.message}") from error
        signed = verified.statement
        who = {"identity": verified.signer.identity, "issuer": verified.signer.issuer}
        publisher = {"kind": "sigstore", **who, "claims": None}
    try:
        document = orjson.loads(signed)
    except orjson.JSONDecodeError as error:
        raise IntegrityError(f"{where}: the statement is not base64 of JSON") from error
    if not isinstance(document, dict):
        raise IntegrityError(f"{where}: the statement is not an object")
    return document, publisher


def _shaped(attestation: Any, where: str) -> bytes:
    """The bytes of the statement in an attestation object that has the parts it must have."""
    if not isinstance(attestation, dict) or attestation.get("version") != 1:
        raise IntegrityError(f"{where}: not an attestation object of version 1 (PEP 740)")
    if not isinstance(attestation.get("verification_material"), dict):
        raise IntegrityError(f"{where}: no verification_material")
    envelope = attestation.get("envelope")
    if not isinstance(envelope, dict) or not isinstance(envelope.get("signature"), str):
        raise IntegrityError(f"{where}: no signed envelope")
    try:
        return base64.b64decode(envelope.get("statement") or "", validate=True)
    except (TypeError, ValueError, binascii.Error) as error:
        raise IntegrityError(f"{where}: the statement is not base64 of JSON") from error


def _check_subject(statement: dict[str, Any], *, where: str, filename: str, sha256: str) -> None:
    subjects = statement.get("subject")
    if statement.get("_type") != STATEMENT or not isinstance(subjects, list) or len(subjects) != 1:
        raise IntegrityError(f"{where}: not an in-toto statement v1 about one file")
    subject = subjects[0] if isinstance(subjects[0], dict) else {}
    digest = subject.get("digest")
    if subject.get("name") != filename:
        raise IntegrityError(f"{where}: is about {str(subject.get('name'))[:200]!r}, not {filename}")
    if not isinstance(digest, dict) or digest.get("sha256") != sha256:
        raise IntegrityError(f"{where}: its sha256 is not that of the uploaded {filename}")


def _check_kind(statement: dict[str, Any], trust: Trust | None, *, where: str) -> None:
    """The type of the predicate: a URI, and one that the verifying library knows where there is one."""
    kind = statement.get("predicateType")
    if not isinstance(kind, str) or not kind.startswith("https://"):
        raise IntegrityError(f"{where}: predicate type {str(kind)[:200]!r} is no URI")
    if trust is not None and kind not in trust.predicates:
        known = ", ".join(trust.predicates)
        raise IntegrityError(f"{where}: predicate type {kind[:200]!r}, known are {known}")
