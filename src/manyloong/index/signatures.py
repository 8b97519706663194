"""Who signed an attestation: Sigstore's verification (PEP 740) against a trusted root, without network.

The libraries are an extra (``manyloong[provenance]``) and are loaded only where an index has a trusted root.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from manyloong.errors import InputError, IntegrityError
from manyloong.index.settings import Settings

PUBLIC_ROOT = "sigstore"  # the public instance, with the root that the library brings along


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """An identity (mail address or URI) and the OpenID issuer that vouches for it."""

    identity: str
    issuer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A statement whose signature holds, the bytes that were signed, and by whom."""

    statement: bytes
    signer: Signer


class Trust(Protocol):
    """Verifies attestations."""

    @property
    def predicates(self) -> tuple[str, ...]:
        """The predicate types of statements that are accepted (PEP 740)."""

    def verified(self, attestation: str) -> Signed:
        """What was signed by one of the signers; raises IntegrityError with what does not hold."""


def open_trust(settings: Settings, root: Path) -> Trust | None:
    """The trust of an index; None where it has no trusted root. Raises InputError or HostError."""
    if not settings.trusted_root:
        return None
    signers = tuple(parse_signer(text) for text in settings.provenance_signers)
    address = settings.trusted_root
    return SigstoreTrust(None if address == PUBLIC_ROOT else root / address, signers)


def parse_signer(text: str) -> Signer:
    """Reads ``IDENTITY ISSUER``; raises InputError."""
    identity, _, issuer = text.partition(" ")
    if not identity or not issuer.startswith("https://") or " " in issuer:
        raise InputError(
            f"provenance-signers: {text!r} is not IDENTITY ISSUER",
            hint="such as 'builder@example.org https://accounts.example.org'",
        )
    return Signer(identity=identity, issuer=issuer)


class SigstoreTrust:
    """A certificate authority, a certificate log and a transparency log, and the signers they may name."""

    def __init__(self, trusted_root: Path | None, signers: tuple[Signer, ...]) -> None:
        from manyloong.provenance.identity import open_verifier  # noqa: PLC0415 -- see above

        self.verifier = open_verifier(trusted_root, option="trusted-root", extra="index,provenance")
        self.signers = signers

    @property
    def predicates(self) -> tuple[str, ...]:
        """Those that the library knows."""
        from pypi_attestations import AttestationType  # noqa: PLC0415

        return tuple(kind.value for kind in AttestationType)

    def verified(self, attestation: str) -> Signed:
        """The first of the signers whose signature this is."""
        from pydantic import ValidationError  # noqa: PLC0415
        from pypi_attestations import Attestation, AttestationError  # noqa: PLC0415

        try:
            bundle = Attestation.model_validate_json(attestation).to_bundle()
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise IntegrityError(f"not an attestation object (PEP 740): {where}: {first['msg']}") from error
        except (AttestationError, ValueError) as error:
            raise IntegrityError(f"not an attestation object (PEP 740): {error}") from error
        refused = ""
        for signer in self.signers:
            try:
                return Signed(statement=self._payload(bundle, signer), signer=signer)
            except IntegrityError as error:
                refused = refused or error.message
        raise IntegrityError(f"the signature does not hold: {refused}")

    def _payload(self, bundle: Any, signer: Signer) -> bytes:
        from sigstore.errors import Error  # noqa: PLC0415
        from sigstore.verify import policy  # noqa: PLC0415

        who = policy.Identity(identity=signer.identity, issuer=signer.issuer)
        try:
            kind, payload = self.verifier.verify_dsse(bundle, who)
        except (Error, ValueError, TypeError, KeyError) as error:
            raise IntegrityError(str(error)[:500]) from error
        except _certificate_errors() as error:
            raise IntegrityError(f"the certificate: {error}") from error
        if kind != "application/vnd.in-toto+json":
            raise IntegrityError(f"the envelope holds {kind[:80]!r}")
        return payload


def _certificate_errors() -> tuple[type[Exception], ...]:
    """What reading a certificate that was made to be odd may raise besides."""
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm  # noqa: PLC0415
    from cryptography.x509 import ExtensionNotFound  # noqa: PLC0415

    return (ExtensionNotFound, InvalidSignature, UnsupportedAlgorithm, AttributeError)
