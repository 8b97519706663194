"""Who signs, opened from the environment."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from manyloong.config.signing import signing
from manyloong.provenance import KeySigner, Signer, SigstoreSigner
from manyloong.wheels.doors import Doors


def configured_signer(environ: Mapping[str, str], key: Path | None = None) -> Signer | None:
    """The signer of the command line, else of the environment; None where there is none."""
    found = signing(environ)
    if key is not None or found.key is not None:
        return KeySigner(key or found.key or Path())
    return SigstoreSigner(found.trust_config) if found.sigstore else None


def signing_doors(doors: Doors, environ: Mapping[str, str]) -> Doors:
    """The doors of a build whose provenance is signed, where that is configured."""
    signer = configured_signer(environ)
    return replace(doors, signer=signer.sign if signer else None, builder=signing(environ).builder)
