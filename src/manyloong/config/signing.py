"""Who signs provenance, as this machine is configured."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from manyloong.errors import InputError

KEY = "MANYLOONG_SIGNING_KEY"
BUILDER = "MANYLOONG_BUILDER_ID"
TRUST_CONFIG = "MANYLOONG_SIGSTORE_TRUST_CONFIG"
SIGSTORE = "sigstore"  # instead of a file: the identity of this process


@dataclass(frozen=True, slots=True, kw_only=True)
class Signing:
    """A key's file, or a Sigstore identity, or neither; and the URI of the builder."""

    key: Path | None
    sigstore: bool
    trust_config: Path | None
    builder: str


def signing(environ: Mapping[str, str]) -> Signing:
    """What the environment says; InputError for a builder that is no URI."""
    named = environ.get(KEY, "")
    builder = environ.get(BUILDER, "")
    if builder and (not urlsplit(builder).scheme or " " in builder):
        raise InputError(
            f"{BUILDER}={builder!r} is no URI", hint="such as https://ci.example.org/wheels or urn:example:me"
        )
    trust = environ.get(TRUST_CONFIG, "")
    return Signing(
        key=Path(named).expanduser() if named and named != SIGSTORE else None,
        sigstore=named == SIGSTORE,
        trust_config=Path(trust).expanduser() if trust else None,
        builder=builder,
    )
