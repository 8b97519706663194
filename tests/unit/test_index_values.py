"""Names, settings, limits, provenance, and tokens' small rules."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manyloong.errors import InputError, IntegrityError, NotFoundError
from manyloong.index.names import canonical_version, project_name, version_key, wheel_name
from manyloong.index.negotiate import content_encoding, page_type
from manyloong.index.provenance import checked_provenance
from manyloong.index.settings import Settings, format_settings, read_settings
from manyloong.index.signatures import parse_signer
from manyloong.index.tokens import Token

WHEEL = "pkg-1.0-1a-cp312.cp313-abi3-manylinux_2_36_loongarch64.whl"


def test_the_parts_of_a_wheel_name() -> None:
    name = wheel_name("My_Pkg-1.0.0rc1-1a-cp312.cp313-abi3-manylinux_2_36_loongarch64.whl")
    assert (name.project, name.version, name.build) == ("my-pkg", "1.0.0rc1", "1a")
    assert (name.python, name.abi, name.platform) == ("cp312.cp313", "abi3", "manylinux_2_36_loongarch64")


@pytest.mark.parametrize(
    "filename",
    [
        "",
        ".whl",
        "../" + WHEEL,
        "a/" + WHEEL,
        "..\\" + WHEEL,
        WHEEL + "\x00",
        WHEEL + "\n",
        WHEEL.replace("pkg", "p\u0138g"),
        WHEEL.replace("1.0", "\uff11.0"),
        WHEEL.replace("pkg", "p" * 300),
        WHEEL.replace(".whl", ".tar.gz"),
        "pkg-1.0.whl",
        "pkg-notaversion-cp313-cp313-any.whl",
        "-1.0-cp313-cp313-any.whl",
        "pkg-1.0-x-cp313-cp313-any.whl",
    ],
)
def test_tricks_with_file_names(filename: str) -> None:
    with pytest.raises(InputError):
        wheel_name(filename)


@pytest.mark.parametrize(
    "text", ["", "-", "a-", "_a", "a b", "a/b", "..", "\u0430bc", "a\x00", "a" * 300, "a\n"]
)
def test_tricks_with_project_names(text: str) -> None:
    with pytest.raises(InputError):
        project_name(text)


def test_project_names_are_normalised() -> None:
    assert project_name("My.Pkg__x") == "my-pkg-x"
    assert canonical_version("v1.0-1") == "1.0.post1"
    assert version_key("1.0.0") == version_key("1")
    with pytest.raises(InputError):
        canonical_version("one")


@given(st.text(max_size=60))
def test_no_name_breaks_the_parsers(text: str) -> None:
    for parse in (wheel_name, project_name, canonical_version):
        try:
            parse(text)
        except InputError as error:
            assert error.message  # noqa: PT017 -- either outcome is right, no other exception is


@given(st.text(max_size=200))
def test_no_header_breaks_negotiation(text: str) -> None:
    page_type(text)
    assert content_encoding(text) in {"zstd", "gzip", "identity"}


def test_settings_round_trip(tmp_path: Path) -> None:
    policy: Any = {"require_provenance": ("numpy",), "provenance_signers": ("a https://b.example",)}
    settings = Settings(title='a "b" \\ c', upload_limit_mib=5, trusted_root="sigstore", **policy)
    (tmp_path / "index.toml").write_text(format_settings(settings))
    assert read_settings(tmp_path) == settings
    assert settings.provenance_required("numpy")
    assert not settings.provenance_required("pandas")
    assert Settings(require_provenance=("*",)).provenance_required("pandas")


def test_settings_name_every_fault(tmp_path: Path) -> None:
    (tmp_path / "index.toml").write_text('titel = "x"\nfiles = 3\nupload-limit-mib = 0\nfresh-s = true\n')
    with pytest.raises(ExceptionGroup) as caught:
        read_settings(tmp_path)
    errors = [error for error in caught.value.exceptions if isinstance(error, InputError)]
    assert len(errors) == 4
    assert errors[0].hint == "did you mean 'title'?"


def test_no_settings_is_no_index(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="not an index"):
        read_settings(tmp_path)
    (tmp_path / "index.toml").write_text("= broken")
    with pytest.raises(InputError):
        read_settings(tmp_path)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (Settings(require_provenance=("numpy",)), "require-provenance needs trusted-root"),
        (Settings(trusted_root="root.json"), "go together"),
        (Settings(provenance_signers=("a https://b.example",)), "go together"),
    ],
)
def test_a_policy_that_nothing_enforces_is_an_error(tmp_path: Path, settings: Settings, message: str) -> None:
    (tmp_path / "index.toml").write_text(format_settings(settings))
    with pytest.raises(ExceptionGroup) as caught:
        read_settings(tmp_path)
    assert message in str(caught.value.exceptions[0])


@pytest.mark.parametrize("text", ["", "a", "a b", "a http://b.example", "a https://b.example c"])
def test_signers_are_an_identity_and_an_issuer(text: str) -> None:
    with pytest.raises(InputError, match="IDENTITY ISSUER"):
        parse_signer(text)


def test_a_title_cannot_break_the_file() -> None:
    with pytest.raises(InputError):
        format_settings(Settings(title="a\nb"))


def test_tokens_are_for_their_projects() -> None:
    common = {"id": "x", "note": "", "expires_at": "", "revoked_at": ""}
    assert Token(projects=(), **common).permits("anything")
    assert Token(projects=("numpy",), **common).permits("numpy")
    assert not Token(projects=("numpy",), **common).permits("pandas")


def attestation(*, kind: object = "https://slsa.dev/provenance/v1", **change: Any) -> dict[str, Any]:
    subject = {"name": "w.whl", "digest": {"sha256": "ab"}} | change
    statement = {"_type": "https://in-toto.io/Statement/v1", "subject": [subject], "predicateType": kind}
    return {
        "version": 1,
        "verification_material": {"certificate": "x", "transparency_entries": []},
        "envelope": {
            "statement": base64.b64encode(json.dumps(statement).encode()).decode(),
            "signature": "x",
        },
    }


def test_attestations_become_provenance() -> None:
    found = checked_provenance(json.dumps([attestation()]), filename="w.whl", sha256="ab", trust=None)
    assert not found.verified
    document = json.loads(found.text)
    assert document["version"] == 1
    assert document["attestation_bundles"][0]["attestations"] == [attestation()]


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("{", "not JSON"),
        ("[]", "not a list of 1"),
        ("3", "not a list of 1"),
        ("[3]", "not an attestation"),
        (json.dumps([attestation() | {"version": 2}]), "version 1"),
        (json.dumps([attestation() | {"verification_material": 3}]), "verification_material"),
        (json.dumps([attestation() | {"envelope": {}}]), "envelope"),
        (json.dumps([attestation() | {"envelope": {"signature": "x", "statement": "?"}}]), "base64"),
        (
            json.dumps([attestation() | {"envelope": {"signature": "x", "statement": "Mw=="}}]),
            "not an object",
        ),
        (json.dumps([attestation(name="other.whl")]), "is about"),
        (json.dumps([attestation(digest={"sha256": "cd"})]), "sha256"),
        (json.dumps([attestation(digest=3)]), "sha256"),
        (json.dumps([attestation(kind=None)]), "is no URI"),
        (json.dumps([attestation(kind="publish")]), "is no URI"),
        (json.dumps([attestation()] * 9), "1 to 8"),
    ],
)
def test_attestations_about_something_else_are_refused(document: str, message: str) -> None:
    with pytest.raises(IntegrityError, match=message):
        checked_provenance(document, filename="w.whl", sha256="ab", trust=None)
