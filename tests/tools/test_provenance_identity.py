"""Provenance signed by an identity of a Sigstore instance of our own, verified by Sigstore's library."""

import json
from pathlib import Path

import pytest
from pypi_attestations import Attestation
from tests.tools.index.local_sigstore import LocalSigstore
from tests.unit.test_provenance import STATEMENT, SUBJECT

from manyloong.errors import HostError, InputError, IntegrityError
from manyloong.provenance import IdentityTrust, SigstoreSigner, check_provenance

BUILDER, ISSUER = "builder@example.org", "https://accounts.example.org"


@pytest.fixture(scope="module")
def bundle_and_root(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, Path]:
    authority = LocalSigstore()
    root = tmp_path_factory.mktemp("trust") / "trusted_root.json"
    root.write_text(authority.trusted_root())
    attestation = authority.attestation(STATEMENT, identity=BUILDER, issuer=ISSUER)
    bundle = Attestation.model_validate_json(json.dumps(attestation)).to_bundle()
    return bundle.to_json().encode(), root


def test_an_identitys_signature_holds(bundle_and_root: tuple[bytes, Path]) -> None:
    data, root = bundle_and_root
    checked = check_provenance(data, SUBJECT, IdentityTrust(BUILDER, ISSUER, root), where="here")
    assert checked.signer == f"{BUILDER} ({ISSUER})"


def test_another_identity_is_refused(bundle_and_root: tuple[bytes, Path]) -> None:
    data, root = bundle_and_root
    for who in (("other@example.org", ISSUER), (BUILDER, "https://other.example.org")):
        with pytest.raises(IntegrityError, match="here: the signature does not hold"):
            check_provenance(data, SUBJECT, IdentityTrust(*who, root), where="here")


def test_flipped_bytes_are_refused(bundle_and_root: tuple[bytes, Path]) -> None:
    data, root = bundle_and_root
    trust = IdentityTrust(BUILDER, ISSUER, root)
    kept = []
    for at in range(0, len(data), 41):
        flipped = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        try:
            check_provenance(flipped, SUBJECT, trust, where="here")
        except IntegrityError:
            continue
        kept.append((at, data[at - 20 : at + 5]))
    assert not kept


def test_a_process_without_an_identity_signs_nothing(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="no Sigstore identity"):
        SigstoreSigner()
    with pytest.raises(InputError, match="trusted-root"):
        IdentityTrust(BUILDER, ISSUER, tmp_path / "gone.json")
