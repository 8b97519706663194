"""Statements, signatures and what is refused; judged by the public libraries, not by our code alone."""

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from google.protobuf.json_format import ParseDict
from in_toto_attestation.predicates.provenance.v1.provenance_pb2 import Provenance
from in_toto_attestation.v1.resource_descriptor import ResourceDescriptor
from in_toto_attestation.v1.statement import Statement
from in_toto_attestation.v1.statement_pb2 import Statement as StatementMessage
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey
from tests.unit.roots.test_floor import parts
from tests.unit.test_rebuild import NAME, record

from manyloong.config.signing import signing
from manyloong.errors import InputError, IntegrityError, LockError
from manyloong.provenance import (
    KeySigner,
    KeyTrust,
    Subject,
    check_provenance,
    floor_built_from,
    format_statement,
    root_statement,
    said_builder,
    unsigned_statement,
    wheel_statement,
)
from manyloong.record import CrateRecord, RecipeRecord, WheelRecord, format_record
from manyloong.roots import Root
from manyloong.roots.compare import TreeDigests
from manyloong.roots.floor import all_floors, floor_recipes
from manyloong.roots.interpreters import Tree, needed_ports
from manyloong.roots.model import LockedPackage, RootLock, RootSpec
from manyloong.roots.ports import shipped_ports
from manyloong.roots.ports.order import in_order
from manyloong.targets import host
from manyloong.wheels.downloads import Download

WHEEL = b"the wheel"
SUBJECT = Subject(name=NAME, digests={"sha256": hashlib.sha256(WHEEL).hexdigest()})
RECORD = record(
    wheel=WheelRecord(filename=NAME, sha256=SUBJECT.digests["sha256"]),
    build_environment=(WheelRecord(filename="setuptools-80-py3-none-any.whl", sha256="1" * 64),),
    target_copies=(WheelRecord(filename="numpy-2-cp313-cp313-linux.whl", sha256="2" * 64),),
    downloads=(Download(url="https://h/x.tgz", sha256="3" * 64, declared="", origin="given"),),
    crates=(CrateRecord(name="syn", version="2.0.1", sha256="9" * 64, origin="store"),),
    recipe=RecipeRecord(sha256="4" * 64, origins=("x",), ports=(), dispatched=(), skips=(), patches=()),
)
STATEMENT = format_statement(wheel_statement(RECORD))
LOCK = RootLock(
    root="target-x",
    architecture="loong64",
    suite="s",
    date=datetime(2026, 1, 1, tzinfo=UTC),
    recipe=1,
    packages=(LockedPackage(name="a", version="1", path="pool/a_1.deb", sha256="5" * 64, size=1),),
)
DIGESTS = TreeDigests(tree="7" * 64, tar="8" * 64)
SPEC = RootSpec(name="target-x", role="target", architecture="loong64", suite="s", packages=("a",))


def key_file(folder: Path, key: Any) -> tuple[Path, Path]:
    """Private and public PEM files."""
    private, public = folder / "private.pem", folder / "public.pem"
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    public.write_bytes(
        key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    return private, public


def validated(document: dict[str, Any]) -> Any:
    """The statement and its predicate as the public library reads them, strictly."""
    message = ParseDict(document, StatementMessage())
    Statement.copy_from_pb(message).validate()
    predicate = ParseDict(document["predicate"], Provenance())
    for row in predicate.build_definition.resolved_dependencies:
        ResourceDescriptor.copy_from_pb(row).validate()
    return predicate


def test_a_wheels_statement_is_one_by_the_public_library() -> None:
    predicate = validated(json.loads(STATEMENT))
    rows = predicate.build_definition.resolved_dependencies
    found = {row.name or row.uri: dict(row.digest) for row in rows}
    assert found["demo==1.0"] == {"sha256": "a" * 64}
    assert found["setuptools-80-py3-none-any.whl"] == {"sha256": "1" * 64}
    assert found["numpy-2-cp313-cp313-linux.whl"] == {"sha256": "2" * 64}
    assert found["https://h/x.tgz"] == {"sha256": "3" * 64}
    assert found["syn-2.0.1.crate"] == {"sha256": "9" * 64}
    assert found["toolchain"] == {"manyloongId": "d" * 64}
    assert predicate.run_details.builder.id == "urn:manyloong:builder:local"
    named = validated(wheel_statement(replace(RECORD, builder="https://ci.example.org")))
    assert named.run_details.builder.id == "https://ci.example.org"


def test_a_roots_statement_names_every_package(tmp_path: Path) -> None:
    root = Root(name="target-x", id="6" * 64, path=tmp_path)
    document = root_statement(root, DIGESTS, locked=(LOCK, SPEC))
    predicate = validated(document)
    rows = {row.name: dict(row.digest) for row in predicate.build_definition.resolved_dependencies}
    assert rows["a_1.deb"] == {"sha256": "5" * 64}
    assert document["subject"][0]["digest"] == {"sha256": "8" * 64, "manyloongTree": "7" * 64}
    with pytest.raises(LockError, match="a: 1 -> 2"):
        root_statement(replace(root, drift=("a: 1 -> 2",)), DIGESTS, locked=(LOCK, SPEC))


def test_a_floor_roots_statement_names_every_source_patch_and_step(tmp_path: Path) -> None:
    (floor,) = (one for one in all_floors() if one.name == "floor-2_36-loong64")
    made = replace(parts(tmp_path), ports=Tree(id="p" * 64, path=tmp_path))
    root = Root(name=floor.name, id="6" * 64, path=tmp_path)
    built = floor_built_from(floor, made, host("x86_64"))
    document = root_statement(root, DIGESTS, locked=None, built=built, builder="urn:x:y")
    predicate = validated(document)
    rows = {row.name: dict(row.digest) for row in predicate.build_definition.resolved_dependencies}
    ports = in_order(needed_ports(), shipped_ports())
    for source in (*floor.sources, *(one.source for one in ports)):
        assert rows[f"{source.name} {source.version}"] == {"sha256": source.sha256}
    for port in ports:
        for patch in port.patches:
            assert rows[patch.name] == {"sha256": hashlib.sha256(patch.text.encode()).hexdigest()}
    assert rows["build"] == {"manyloongId": "build" * 8}
    assert any(name.startswith("ziglang-") for name in rows)
    inside = document["predicate"]["buildDefinition"]["internalParameters"]
    assert [step["name"] for step in inside["steps"] if "port" in step] == [port.label for port in ports]
    assert {step["id"] for step in inside["steps"] if "id" in step} == {
        recipe.key() for recipe in floor_recipes(floor, made)
    }
    assert predicate.run_details.builder.id == "urn:x:y"


def test_who_built_is_read_of_any_statement() -> None:
    assert said_builder(STATEMENT) == "urn:manyloong:builder:local"
    assert [said_builder(data) for data in (b"", b"[]", b"{}", b'{"predicate": 1}')] == [""] * 4


@pytest.mark.parametrize(
    "key",
    [
        ed25519.Ed25519PrivateKey.generate(),
        ec.generate_private_key(ec.SECP256R1()),
        rsa.generate_private_key(65537, 2048),
    ],
    ids=["ed25519", "ecdsa", "rsa"],
)
def test_a_signature_holds_for_the_public_library_and_for_us(tmp_path: Path, key: Any) -> None:
    private, public = key_file(tmp_path, key)
    data = KeySigner(private).sign(STATEMENT)
    theirs = Envelope.from_dict(json.loads(data))
    theirs.verify([SSlibKey.from_crypto(key.public_key())], 1)
    assert theirs.payload == STATEMENT
    for trusted in (private, public):
        checked = check_provenance(data, SUBJECT, KeyTrust(trusted), where="here")
        sha256 = hashlib.sha256(format_record(RECORD)).hexdigest()
        assert checked.byproducts == {f"{NAME}.record.json": sha256}


def test_every_flipped_byte_is_refused(tmp_path: Path) -> None:
    private, public = key_file(tmp_path, ed25519.Ed25519PrivateKey.generate())
    data, trust = KeySigner(private).sign(STATEMENT).rstrip(), KeyTrust(public)
    for at in range(0, len(data), 3):
        for bit in (1, 0x20):
            flipped = data[:at] + bytes([data[at] ^ bit]) + data[at + 1 :]
            with pytest.raises(IntegrityError, match="here"):
                check_provenance(flipped, SUBJECT, trust, where="here")


def test_another_key_and_another_wheel_are_refused(tmp_path: Path) -> None:
    private, _ = key_file(tmp_path, ed25519.Ed25519PrivateKey.generate())
    data, trust = KeySigner(private).sign(STATEMENT), KeyTrust(private)
    for changed in (
        replace(SUBJECT, name="other.whl"),
        replace(SUBJECT, digests={"sha256": "0" * 64}),
        replace(SUBJECT, digests={"md5": "0"}),
    ):
        with pytest.raises(IntegrityError, match=r"here|other\.whl"):
            check_provenance(data, changed, trust, where="here")
    other, _ = key_file(tmp_path, ed25519.Ed25519PrivateKey.generate())
    with pytest.raises(IntegrityError, match="of another key"):
        check_provenance(data, SUBJECT, KeyTrust(other), where="here")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b'{"signatures": 1}',
        b'{"payload": 1, "payloadType": "x", "signatures": []}',
        b"\xff",
    ],
)
def test_what_is_no_provenance_is_refused(tmp_path: Path, data: bytes) -> None:
    _, public = key_file(tmp_path, ed25519.Ed25519PrivateKey.generate())
    with pytest.raises(IntegrityError, match="here"):
        check_provenance(data, SUBJECT, KeyTrust(public), where="here")
    with pytest.raises(IntegrityError, match="here"):
        unsigned_statement(data, SUBJECT, wheel_statement(RECORD), where="here")


def test_an_unsigned_statement_must_say_what_the_record_says() -> None:
    expected, data = wheel_statement(RECORD), STATEMENT + b"\n"
    assert unsigned_statement(data, SUBJECT, expected, where="here").signer == ""
    for at in range(0, len(data) - 1, 3):
        with pytest.raises(IntegrityError, match="here"):
            unsigned_statement(
                data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :], SUBJECT, expected, where="here"
            )


def test_keys_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "k").write_bytes(b"no key")
    for key in (tmp_path / "k", tmp_path / "gone"):
        with pytest.raises(InputError) as caught:
            KeySigner(key)
        assert caught.value.hint
        with pytest.raises(InputError):
            KeyTrust(key)


def test_who_signs_is_configured() -> None:
    assert signing({}).key is None
    found = signing({"MANYLOONG_SIGNING_KEY": "/k.pem", "MANYLOONG_BUILDER_ID": "urn:x:y"})
    assert (found.key, found.builder, found.sigstore) == (Path("/k.pem"), "urn:x:y", False)
    assert signing({"MANYLOONG_SIGNING_KEY": "sigstore"}).sigstore
    with pytest.raises(InputError, match="MANYLOONG_BUILDER_ID"):
        signing({"MANYLOONG_BUILDER_ID": "me"})
