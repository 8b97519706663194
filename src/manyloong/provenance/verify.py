"""Whether a provenance file is about a thing, and who says so. Signatures are checked by a public library.

No byte of a signed file may change unseen: what a signature does not cover (the key's id, the spelling of
base64) must be exactly what the library writes.
"""

import binascii
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from manyloong.errors import HostError, InputError, IntegrityError
from manyloong.provenance.statement import PAYLOAD, PREDICATE, STATEMENT, format_statement

_LIMIT_BYTES = 16 << 20
_AGAIN = "get the file again from where the wheel comes from"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is checked: a file's or tar's name, and its digests by algorithm."""

    name: str
    digests: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A statement that is about the subject, and who signed it ("" for nobody)."""

    statement: dict[str, Any]
    signer: str

    @property
    def byproducts(self) -> dict[str, str]:
        """Name -> SHA-256 of what the build left besides."""
        try:
            rows = self.statement["predicate"]["runDetails"].get("byproducts", [])
            return {str(row["name"]): str(row["digest"]["sha256"]) for row in rows}
        except (KeyError, TypeError, AttributeError):
            return {}


class Trust(Protocol):
    """Somebody who is believed."""

    def payload(self, document: dict[str, Any], *, where: str) -> tuple[bytes, str]:
        """The signed bytes and the signer; IntegrityError where the signature does not hold."""
        ...


class KeyTrust:
    """A public key in a PEM file (a private one will do): its DSSE signatures are believed."""

    def __init__(self, key: Path) -> None:
        try:
            from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 -- an extra
            from securesystemslib.signer import SSlibKey  # noqa: PLC0415
        except ImportError as error:
            raise HostError(
                "signatures cannot be verified: the libraries are not installed",
                hint="pip install 'manyloong[provenance]'",
            ) from error
        try:
            self._key: Any = SSlibKey.from_crypto(_public_key(key.read_bytes()))
        except OSError as error:
            raise InputError(f"the key {key}: {error.strerror}", hint="name a PEM file: --key FILE") from None
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise InputError(f"{key} is no public key: {error}", hint="name a PEM file: --key FILE") from None

    def payload(self, document: dict[str, Any], *, where: str) -> tuple[bytes, str]:
        """As the protocol says: the envelope must have one signature, of this key."""
        from securesystemslib.dsse import Envelope  # noqa: PLC0415
        from securesystemslib.exceptions import VerificationError  # noqa: PLC0415

        written = json.dumps(document, sort_keys=True)
        try:
            envelope = Envelope.from_dict(json.loads(written))
            plain = json.dumps(envelope.to_dict(), sort_keys=True) == written
            envelope.verify([self._key], 1)
        except VerificationError as error:
            raise IntegrityError(
                f"{where}: the signature does not hold, or is of another key than {self._key.keyid[:16]}: "
                f"{error}",
                hint=_AGAIN,
            ) from None
        except (KeyError, ValueError, TypeError, AttributeError, binascii.Error) as error:
            raise IntegrityError(f"{where}: no DSSE envelope: {error}", hint=_AGAIN) from None
        if not plain or len(envelope.signatures) != 1:
            raise IntegrityError(f"{where}: has parts that the signature does not cover", hint=_AGAIN)
        if envelope.payload_type != PAYLOAD:
            raise IntegrityError(f"{where}: the envelope holds {envelope.payload_type[:80]!r}")
        return envelope.payload, f"key {self._key.keyid}"


def _public_key(data: bytes) -> Any:
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
        load_pem_private_key,
        load_pem_public_key,
    )

    if b"PRIVATE KEY" in data:
        return load_pem_private_key(data, password=None).public_key()
    return load_pem_public_key(data)


def check_provenance(data: bytes, subject: Subject, trust: Trust, *, where: str) -> Checked:
    """The statement that somebody believed made about the subject; raises IntegrityError."""
    payload, signer = trust.payload(_document(data, where), where=where)
    statement = _document(payload, where)
    check_statement(statement, subject, where=where)
    return Checked(statement=statement, signer=signer)


def unsigned_statement(data: bytes, subject: Subject, expected: dict[str, Any], *, where: str) -> Checked:
    """A statement that nobody signed: byte for byte what follows from a record; only as good as that is."""
    statement = _document(data, where)
    if "_type" not in statement:
        raise IntegrityError(
            f"{where} is signed, or no statement", hint="name the key that signed it: --key FILE"
        )
    check_statement(statement, subject, where=where)
    if data != format_statement(expected) + b"\n":
        raise IntegrityError(f"{where} does not say what the build record says", hint=_AGAIN)
    return Checked(statement=statement, signer="")


def said_builder(data: bytes) -> str:
    """Who built, as a statement that is not checked yet says; "" where it does not."""
    try:
        return str(json.loads(data)["predicate"]["runDetails"]["builder"]["id"])
    except (ValueError, RecursionError, KeyError, TypeError):
        return ""


def _document(data: bytes, where: str) -> dict[str, Any]:
    if len(data) > _LIMIT_BYTES:
        raise IntegrityError(f"{where}: more than {_LIMIT_BYTES >> 20} MiB")
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise IntegrityError(f"{where}: not JSON: {error}", hint=_AGAIN) from None
    if not isinstance(document, dict):
        raise IntegrityError(f"{where}: not a JSON object", hint=_AGAIN)
    return document


def check_statement(statement: dict[str, Any], subject: Subject, *, where: str) -> None:
    """IntegrityError where a statement is not of the known form, or about something else."""
    subjects = statement.get("subject")
    if statement.get("_type") != STATEMENT or not isinstance(subjects, list) or len(subjects) != 1:
        raise IntegrityError(f"{where}: not an in-toto statement v1 about one thing", hint=_AGAIN)
    predicate = statement.get("predicate")
    if statement.get("predicateType") != PREDICATE or not isinstance(predicate, dict):
        kind = str(statement.get("predicateType"))[:200]
        raise IntegrityError(f"{where}: predicate type {kind!r}, expected {PREDICATE}", hint=_AGAIN)
    row = subjects[0] if isinstance(subjects[0], dict) else {}
    if row.get("name") != subject.name:
        raise IntegrityError(f"{where}: is about {str(row.get('name'))[:200]!r}, not {subject.name}")
    digest = row.get("digest")
    said = {name: digest.get(name) if isinstance(digest, dict) else None for name in subject.digests}
    for name, found in subject.digests.items():
        if said[name] != found:
            raise IntegrityError(
                f"{subject.name} is not what {where} is about: its {name} is {found}, not {said[name]}",
                hint="the file was changed, or is of another build; get it again",
            )
