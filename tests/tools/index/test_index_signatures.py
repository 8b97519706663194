"""Attestations signed by a Sigstore instance of our own: who signed what is verified, without network."""

import base64
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from tests.tools.index.local_sigstore import ECDSA, LocalSigstore, new_key, statement

from manyloong.errors import InputError, IntegrityError
from manyloong.index.settings import Settings
from manyloong.index.signatures import SigstoreTrust, open_trust, parse_signer
from manyloong.index.testing import FakeUpstream, accept_all, good_wheel

if TYPE_CHECKING:
    from tests.tools.index.conftest import Bench, MakeBench, StartServer

BUILDER = "builder@example.org"
WORKFLOW = "https://forge.example/wheels/build.yml@refs/heads/main"
ISSUER = "https://accounts.example.org"
SIGNERS = (f"{BUILDER} {ISSUER}", f"{WORKFLOW} {ISSUER}")


@pytest.fixture(scope="module")
def authority() -> LocalSigstore:
    return LocalSigstore()


@pytest.fixture(scope="module")
def trust(authority: LocalSigstore, tmp_path_factory: pytest.TempPathFactory) -> SigstoreTrust:
    path = tmp_path_factory.mktemp("trust") / "trusted_root.json"
    path.write_text(authority.trusted_root())
    return SigstoreTrust(path, tuple(parse_signer(text) for text in SIGNERS))


def signed(
    authority: LocalSigstore, content: bytes = b"x", *, identity: str = BUILDER, issuer: str = ISSUER
) -> dict[str, Any]:
    about = statement(good_wheel()[0], content)
    return authority.attestation(about, identity=identity, issuer=issuer)


@pytest.mark.parametrize("identity", [BUILDER, WORKFLOW])
def test_a_signature_of_a_known_signer_holds(
    authority: LocalSigstore, trust: SigstoreTrust, identity: str
) -> None:
    attestation = signed(authority, identity=identity)
    found = trust.verified(json.dumps(attestation))
    assert found.signer.identity == identity
    assert base64.b64encode(found.statement).decode() == attestation["envelope"]["statement"]


def changed_statement(attestation: dict[str, Any]) -> None:
    text = base64.b64decode(attestation["envelope"]["statement"]).replace(b"example-1.0", b"example-6.6")
    attestation["envelope"]["statement"] = base64.b64encode(text).decode()


def changed_signature(attestation: dict[str, Any]) -> None:
    other = new_key().sign(b"something else", ECDSA)
    attestation["envelope"]["signature"] = base64.b64encode(other).decode()


def entry(attestation: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = attestation["verification_material"]["transparency_entries"][0]
    return found


def changed_time(attestation: dict[str, Any]) -> None:
    entry(attestation)["integratedTime"] = str(int(entry(attestation)["integratedTime"]) - 60)


def changed_root(attestation: dict[str, Any]) -> None:
    entry(attestation)["inclusionProof"]["rootHash"] = base64.b64encode(bytes(32)).decode()


def changed_body(attestation: dict[str, Any]) -> None:
    entry(attestation)["canonicalizedBody"] = base64.b64encode(b"{}").decode()


def no_log(attestation: dict[str, Any]) -> None:
    attestation["verification_material"]["transparency_entries"] = []


def no_certificate(attestation: dict[str, Any]) -> None:
    attestation["verification_material"]["certificate"] = base64.b64encode(b"no certificate").decode()


def another_certificate(attestation: dict[str, Any]) -> None:
    """Somebody else's certificate, of the same authority, beside this signature."""
    other = LocalSigstore().attestation(b"{}", identity=BUILDER, issuer=ISSUER)
    attestation["verification_material"]["certificate"] = other["verification_material"]["certificate"]


CHANGES = (
    changed_statement,
    changed_signature,
    changed_time,
    changed_root,
    changed_body,
    no_log,
    no_certificate,
    another_certificate,
)


@pytest.mark.parametrize("change", CHANGES)
def test_what_was_changed_after_signing_is_refused(
    authority: LocalSigstore, trust: SigstoreTrust, change: Callable[[dict[str, Any]], None]
) -> None:
    attestation = signed(authority)
    change(attestation)
    with pytest.raises(IntegrityError):
        trust.verified(json.dumps(attestation))


@pytest.mark.parametrize(
    ("identity", "issuer"),
    [("stranger@example.org", ISSUER), (BUILDER, "https://accounts.example.com"), (WORKFLOW + "2", ISSUER)],
)
def test_strangers_are_refused(
    authority: LocalSigstore, trust: SigstoreTrust, identity: str, issuer: str
) -> None:
    with pytest.raises(IntegrityError, match="does not hold"):
        trust.verified(json.dumps(signed(authority, identity=identity, issuer=issuer)))


def test_another_authority_is_refused(trust: SigstoreTrust) -> None:
    with pytest.raises(IntegrityError, match="does not hold"):
        trust.verified(json.dumps(signed(LocalSigstore())))


def test_each_key_of_the_authority_counts(authority: LocalSigstore, trust: SigstoreTrust) -> None:
    """A log or a certificate log that is not the trusted one is noticed, also below the right root."""
    for stolen in ("ct_key", "log_key"):
        other = LocalSigstore(ca_key=authority.ca_key, ct_key=authority.ct_key, log_key=authority.log_key)
        other.root = authority.root
        setattr(other, stolen, new_key())
        with pytest.raises(IntegrityError, match="does not hold"):
            trust.verified(json.dumps(signed(other)))


def test_the_public_root_comes_with_the_library(tmp_path: Path) -> None:
    settings = Settings(trusted_root="sigstore", provenance_signers=SIGNERS)
    trust = open_trust(settings, tmp_path)
    assert trust is not None
    with pytest.raises(IntegrityError, match="does not hold"):
        trust.verified(json.dumps(signed(LocalSigstore())))


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff", b'{"mediaType": "x"}'])
def test_a_trusted_root_that_is_none_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "root.json").write_bytes(content)
    for name in ("root.json", "missing.json"):
        with pytest.raises(InputError, match=r"trusted-root: .*json"):
            open_trust(Settings(trusted_root=name, provenance_signers=SIGNERS), tmp_path)


@pytest.fixture
def guarded(make_bench: "MakeBench", authority: LocalSigstore, tmp_path: Path) -> "Iterator[Bench]":
    """An index that takes the project only with a signature of the builder."""
    path = tmp_path / "trusted_root.json"
    path.write_text(authority.trusted_root())
    settings: dict[str, Any] = {"require_provenance": ("example",), "trusted_root": str(path)}
    with make_bench(provenance_signers=SIGNERS, auditor=accept_all, **settings) as bench:
        bench.upstream.project("example", ["1.0"])
        bench.upstream.project("other", ["1.0"])
        yield bench


def test_uploads_with_a_verified_signature(guarded: "Bench", authority: LocalSigstore) -> None:
    filename, content = good_wheel()
    attestation = signed(authority, content)
    answer = guarded.upload(filename, content, attestations=json.dumps([attestation]))
    assert answer.status_code == 200, answer.text
    shown = guarded.page("example").json()["files"][-1]
    address = guarded.client.base_url.join("/simple/example/").join(shown["provenance"])
    document = guarded.client.get(address).json()
    (bundle,) = document["attestation_bundles"]
    assert bundle["attestations"] == [attestation]
    assert bundle["publisher"] == {
        "kind": "sigstore",
        "identity": BUILDER,
        "issuer": ISSUER,
        "claims": None,
    }
    assert f"signed by {BUILDER}" in guarded.client.get(f"/project/example/{filename}").text


def test_uploads_that_policy_refuses(guarded: "Bench", authority: LocalSigstore) -> None:
    filename, content = good_wheel()
    stranger = signed(authority, content, identity="stranger@example.org")
    about_other_bytes = signed(authority, b"other bytes")
    about_other_file = authority.attestation(
        statement("example-2.0-py3-none-any.whl", content), identity=BUILDER, issuer=ISSUER
    )
    two_files = statement(filename, content, subject=[{"name": filename}, {"name": "x"}])
    about_two = authority.attestation(two_files, identity=BUILDER, issuer=ISSUER)
    odd = authority.attestation(
        statement(filename, content, predicateType="https://x.example/y"), identity=BUILDER, issuer=ISSUER
    )
    tampered = signed(authority, content)
    changed_signature(tampered)
    cases = {
        "only with provenance": None,
        "the signature does not hold": [stranger],
        "not that of the uploaded": [about_other_bytes],
        "is about 'example-2.0-py3-none-any.whl'": [about_other_file],
        "about one file": [about_two],
        "predicate type 'https://x.example/y'": [odd],
        "attestations[1]: the signature does not hold": [signed(authority, content), tampered],
        "not an attestation object (PEP 740)": [{**signed(authority, content), "verification_material": {}}],
    }
    for message, attestations in cases.items():
        sent = {} if attestations is None else {"attestations": json.dumps(attestations)}
        answer = guarded.upload(filename, content, **sent)
        assert answer.status_code == 400, message
        assert message in answer.text
    assert list(guarded.site.blobs.listing()) == []
    assert guarded.upload(*good_wheel("other")).status_code == 200  # no policy for this one


def test_without_a_trusted_root_signatures_are_not_claimed(small: "Bench") -> None:
    small.upstream.project("example", ["1.0"])
    filename, content = good_wheel()
    attestation = signed(LocalSigstore(), content, identity="anyone@example.org")
    assert small.upload(filename, content, attestations=json.dumps([attestation])).status_code == 200
    address = f"/integrity/example/1.0/{filename}/provenance"
    (bundle,) = small.client.get(address).json()["attestation_bundles"]
    assert bundle["publisher"]["kind"] == "unverified"
    assert "signature not verified" in small.client.get(f"/project/example/{filename}").text


def test_twine_with_attestations(
    start_server: "StartServer", upstream: FakeUpstream, authority: LocalSigstore, tmp_path: Path
) -> None:
    """End to end: the real client sends the file beside the wheel, the real server verifies it."""
    upstream.project("example", ["1.0"])
    filename, content = good_wheel()
    wheel = tmp_path / filename
    wheel.write_bytes(content)
    with start_server() as server:
        root = server.root
        token = server.manyloong("token", "create").splitlines()[-1]
    (root / "trusted_root.json").write_text(authority.trusted_root())
    text = (root / "index.toml").read_text()
    text = text.replace("require-provenance = []", 'require-provenance = ["*"]')
    text = text.replace('trusted-root = ""', 'trusted-root = "trusted_root.json"')
    text = text.replace("provenance-signers = []", f"provenance-signers = {json.dumps(SIGNERS)}")
    (root / "index.toml").write_text(text)
    beside = wheel.with_name(wheel.name + ".publish.attestation")
    with start_server(root) as server:
        command = [sys.executable, "-m", "twine", "upload", "--non-interactive", "--verbose"]
        command += ["--disable-progress-bar", "--repository-url", f"{server.url}/legacy/", "-u", "__token__"]

        def twine(*more: str) -> "subprocess.CompletedProcess[str]":
            whole = [*command, "-p", token, *more, str(wheel)]
            return subprocess.run(whole, capture_output=True, text=True, timeout=120, check=False)

        done = twine()
        assert done.returncode != 0
        assert "only with provenance" in done.stdout
        beside.write_text(json.dumps(signed(authority, content, identity="stranger@example.org")))
        done = twine("--attestations", str(beside))
        assert done.returncode != 0
        assert "does not hold" in done.stdout
        beside.write_text(json.dumps(signed(authority, content)))
        done = twine("--attestations", str(beside))
        assert done.returncode == 0, done.stdout + done.stderr
        address = f"{server.url}/integrity/example/1.0/{filename}/provenance"
        document = httpx.get(address, trust_env=False).json()
        assert document["attestation_bundles"][0]["publisher"]["identity"] == BUILDER
