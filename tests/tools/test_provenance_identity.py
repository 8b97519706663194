"""Provenance signed by an identity of a Sigstore instance of our own, verified by Sigstore's library."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pypi_attestations import Attestation
from tests.system.manyloong_cli import manyloong
from tests.tools.index.local_sigstore import LocalSigstore
from tests.tools.sigstore_services import Services, identity_token, serving_sigstore
from tests.unit.test_provenance import RECORD, STATEMENT, SUBJECT, WHEEL

from manyloong.errors import FetchError, HostError, InputError, IntegrityError
from manyloong.provenance import IdentityTrust, SigstoreSigner, check_provenance, provenance_path
from manyloong.record import format_record, record_path

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


@pytest.fixture
def services() -> Iterator[Services]:
    with serving_sigstore() as running:
        yield running


@pytest.fixture
def trust_config(services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that names the services; this process is then a job of CI that may say who it is."""
    path = tmp_path / "trust.json"
    path.write_text(services.trust_config())
    monkeypatch.setenv("GITLAB_CI", "true")
    monkeypatch.setenv("SIGSTORE_ID_TOKEN", identity_token(BUILDER))
    return path


def test_what_a_jobs_identity_signs_is_believed(
    services: Services, trust_config: Path, tmp_path: Path
) -> None:
    data = SigstoreSigner(trust_config).sign(STATEMENT)
    root = tmp_path / "trusted_root.json"
    root.write_text(services.authority.trusted_root())
    checked = check_provenance(data, SUBJECT, IdentityTrust(BUILDER, ISSUER, root), where="here")
    assert checked.signer == f"{BUILDER} ({ISSUER})"
    with pytest.raises(IntegrityError, match="here: the signature does not hold"):
        check_provenance(data, SUBJECT, IdentityTrust("other@example.org", ISSUER, root), where="here")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/v2/signingCert", 403),
        ("/api/v2/signingCert", 500),
        ("/api/v1/log/entries", 409),
        ("/api/v1/log/entries", 503),
    ],
)
def test_a_service_that_refuses_is_an_error_with_a_hint(
    services: Services, trust_config: Path, path: str, status: int
) -> None:
    services.faults[path] = [status]
    with pytest.raises(FetchError, match="Sigstore did not sign") as caught:
        SigstoreSigner(trust_config).sign(STATEMENT)
    assert caught.value.hint


def test_an_identity_that_nobody_vouches_for_signs_nothing(
    trust_config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = identity_token(BUILDER, key="not the issuer's, of thirty-two bytes or more")
    monkeypatch.setenv("SIGSTORE_ID_TOKEN", token)
    with pytest.raises(FetchError, match="Sigstore did not sign"):
        SigstoreSigner(trust_config).sign(STATEMENT)


def test_services_that_do_not_answer_sign_nothing(services: Services, trust_config: Path) -> None:
    trust_config.write_text(services.trust_config().replace(services.url, "http://127.0.0.1:9"))
    with pytest.raises(FetchError, match="Sigstore did not sign"):
        SigstoreSigner(trust_config).sign(STATEMENT)


def test_a_wheel_is_signed_and_verified_by_the_verbs(
    services: Services, trust_config: Path, tmp_path: Path
) -> None:
    wheel, root = tmp_path / SUBJECT.name, tmp_path / "trusted_root.json"
    wheel.write_bytes(WHEEL)
    record_path(wheel).write_bytes(format_record(RECORD))
    root.write_text(services.authority.trusted_root())
    as_told = {"MANYLOONG_SIGNING_KEY": "sigstore", "MANYLOONG_SIGSTORE_TRUST_CONFIG": str(trust_config)}
    ran = manyloong("provenance", wheel, variables=as_told)
    assert (ran.returncode, ran.stdout) == (0, f"{provenance_path(wheel)}: signed\n"), ran.stderr
    words = ("verify", wheel, "--identity", BUILDER, "--issuer", ISSUER, "--trusted-root", root)
    ran = manyloong(*words)
    assert ran.returncode == 0, ran.stderr
    assert f"{BUILDER} ({ISSUER})" in ran.stdout
    assert _theirs(wheel, trust_config).returncode == 0, _theirs(wheel, trust_config).stderr
    wheel.write_bytes(b"another")
    assert _theirs(wheel, trust_config).returncode != 0
    ran = manyloong(*words)
    assert ran.returncode == 5
    assert wheel.name in ran.stderr
    assert "Traceback" not in ran.stderr


def _theirs(wheel: Path, trust_config: Path) -> "subprocess.CompletedProcess[str]":
    """What Sigstore's own program says of a wheel and the file beside it."""
    who = ("--cert-identity", BUILDER, "--cert-oidc-issuer", ISSUER, "--offline")
    words = ("--trust-config", trust_config, "verify", "identity", "--bundle", provenance_path(wheel), *who)
    command = [sys.executable, "-m", "sigstore", *map(str, (*words, wheel))]
    return subprocess.run(command, capture_output=True, text=True, check=False)
