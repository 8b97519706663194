"""Signing a statement: with a key of one's own (DSSE), or with an identity (Sigstore).

The libraries are those of the extra ``manyloong[provenance]``; they are loaded when something is signed.
"""

import json
from pathlib import Path
from typing import Any, Protocol

from manyloong.errors import FetchError, HostError, InputError
from manyloong.provenance.statement import PAYLOAD

_NEEDED = "pip install 'manyloong[provenance]'"
_MAKE = "make one: openssl genpkey -algorithm ed25519 -out KEY.pem"


class Signer(Protocol):
    """Turns a statement into a file that says who made it."""

    def sign(self, statement: bytes) -> bytes:
        """The signed statement as JSON."""
        ...


class KeySigner:
    """A private key in a PEM file without a password: ed25519, ECDSA or RSA. Makes DSSE envelopes."""

    def __init__(self, key: Path) -> None:
        try:
            from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 -- an extra; see above
            from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415
            from securesystemslib.signer import CryptoSigner  # noqa: PLC0415
        except ImportError as error:
            raise HostError("nothing can be signed: the libraries are not installed", hint=_NEEDED) from error
        try:
            self._signer: Any = CryptoSigner(load_pem_private_key(key.read_bytes(), password=None))
        except OSError as error:
            raise InputError(f"the signing key {key}: {error.strerror}", hint=_MAKE) from None
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise InputError(f"{key} is no private key that can sign: {error}", hint=_MAKE) from None

    def sign(self, statement: bytes) -> bytes:
        """A DSSE envelope with one signature, without spaces."""
        from securesystemslib.dsse import Envelope  # noqa: PLC0415

        envelope = Envelope(statement, PAYLOAD, {})
        envelope.sign(self._signer)
        return json.dumps(envelope.to_dict(), sort_keys=True, separators=(",", ":")).encode() + b"\n"


class SigstoreSigner:
    """The identity of this process at an OpenID provider (on CI: the workflow). Makes Sigstore bundles.

    Asks the public service, or the one that a client trust configuration names.
    """

    def __init__(self, trust_config: Path | None = None) -> None:
        try:
            from sigstore.models import ClientTrustConfig  # noqa: PLC0415 -- 2 s to import
        except ImportError as error:
            raise HostError("nothing can be signed: the libraries are not installed", hint=_NEEDED) from error
        self._token = _identity_token()
        try:
            text = trust_config.read_text("utf-8") if trust_config else None
            self._trust = ClientTrustConfig.from_json(text) if text else ClientTrustConfig.production()
        except (OSError, ValueError) as error:
            raise InputError(f"the Sigstore trust configuration {trust_config}: {error}") from error
        except Exception as error:
            raise FetchError(f"Sigstore's trust root cannot be had: {error}") from error

    def sign(self, statement: bytes) -> bytes:
        """A Sigstore bundle (version 0.3) as JSON."""
        from sigstore.dsse import Statement  # noqa: PLC0415
        from sigstore.sign import SigningContext  # noqa: PLC0415

        try:
            with SigningContext.from_trust_config(self._trust).signer(self._token) as signer:
                return signer.sign_dsse(Statement(statement)).to_json().encode() + b"\n"
        except Exception as error:  # the services' errors have no class in common, and some no words
            said = str(error) or str(error.__cause__ or type(error).__name__)
            raise FetchError(f"Sigstore did not sign: {said}", hint="sign with a key instead") from error


def _identity_token() -> Any:
    """Who this process is, as its surroundings vouch for it; HostError where they do not."""
    from sigstore import oidc  # noqa: PLC0415

    try:
        found = oidc.detect_credential()
        token = oidc.IdentityToken(found) if found else None
    except oidc.IdentityError as error:
        raise HostError(f"this process has no usable Sigstore identity: {error}") from error
    if token is None:
        raise HostError(
            "this process has no Sigstore identity: no OpenID credential was found",
            hint="on CI, permit the job an id token; elsewhere sign with a key",
        )
    return token
