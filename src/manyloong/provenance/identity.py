"""Provenance that an identity has signed: a Sigstore bundle, verified by Sigstore's library, offline."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from manyloong.errors import HostError, InputError, IntegrityError
from manyloong.provenance.statement import PAYLOAD

if TYPE_CHECKING:
    from sigstore.verify import Verifier


def open_verifier(trusted_root: Path | None, *, option: str, extra: str = "provenance") -> "Verifier":
    """Sigstore's verifier for a trusted root (None: the public instance's).

    HostError without the libraries, which ``extra`` brings; InputError that names ``option``.
    """
    try:
        from sigstore.errors import Error  # noqa: PLC0415 -- an extra; 2 s to import
        from sigstore.models import ClientTrustConfig, TrustedRoot  # noqa: PLC0415
        from sigstore.verify import Verifier  # noqa: PLC0415
    except ImportError as error:
        raise HostError(
            "signatures cannot be verified: the libraries are not installed",
            hint=f"pip install 'manyloong[{extra}]'",
        ) from error
    try:
        known = (
            TrustedRoot.from_file(str(trusted_root))
            if trusted_root
            else ClientTrustConfig.production(offline=True).trusted_root
        )
        return Verifier(trusted_root=known)
    except (OSError, ValueError, Error) as error:
        raise InputError(f"{option}: {trusted_root or 'the public instance'}: {error}") from error


class IdentityTrust:
    """A mail address or URI that an issuer vouches for, under a trusted root (None: the public one)."""

    def __init__(self, identity: str, issuer: str, trusted_root: Path | None = None) -> None:
        self._verifier = open_verifier(trusted_root, option="--trusted-root")
        self._identity = identity
        self._issuer = issuer

    def payload(self, document: dict[str, Any], *, where: str) -> tuple[bytes, str]:
        """As the protocol ``Trust`` says. A bundle must be written as the library writes it."""
        from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm  # noqa: PLC0415
        from cryptography.x509 import ExtensionNotFound  # noqa: PLC0415
        from pydantic import ValidationError  # noqa: PLC0415
        from sigstore.errors import Error  # noqa: PLC0415
        from sigstore.models import Bundle  # noqa: PLC0415
        from sigstore.verify import policy  # noqa: PLC0415

        who = policy.Identity(identity=self._identity, issuer=self._issuer)
        try:
            bundle = Bundle.from_json(json.dumps(document))
            if json.loads(bundle.to_json()) != document:
                raise IntegrityError(f"{where}: is not written as Sigstore bundles are")
            _check_notes(document, where)
            kind, payload = self._verifier.verify_dsse(bundle, who)
        except (Error, ValidationError, ValueError, TypeError, LookupError, AttributeError) as error:
            raise IntegrityError(f"{where}: the signature does not hold: {str(error)[:300]}") from None
        except (ExtensionNotFound, InvalidSignature, UnsupportedAlgorithm) as error:
            raise IntegrityError(f"{where}: the certificate: {error}") from None
        if kind != PAYLOAD:
            raise IntegrityError(f"{where}: the envelope holds {kind[:80]!r}")
        return payload, f"{self._identity} ({self._issuer})"


def _check_notes(document: dict[str, Any], where: str) -> None:
    """The log's signed note names the log before its signature; no signature covers that name."""
    for entry in document["verificationMaterial"]["tlogEntries"]:
        note, _, signatures = entry["inclusionProof"]["checkpoint"]["envelope"].partition("\n\n")
        if not signatures.startswith(f"\u2014 {note.split()[0]} "):
            raise IntegrityError(f"{where}: the log's signed note does not begin its signature with its name")
