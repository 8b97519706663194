"""A Sigstore instance of our own, in memory: certificate authority, certificate log, transparency log.

It signs what the public instance would, and writes the ``trusted_root.json`` that names its keys.
"""

import base64
import hashlib
import json
import struct
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import rfc8785
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from pypi_attestations import AttestationType

STATEMENT = "application/vnd.in-toto+json"
ISSUER_OID = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.1")
SCT_OID = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
ECDSA = ec.ECDSA(hashes.SHA256())
SINCE = "2020-01-01T00:00:00Z"


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def der(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def key_id(key: ec.EllipticCurvePrivateKey) -> bytes:
    return hashlib.sha256(der(key.public_key())).digest()


def pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def b64(content: bytes) -> str:
    return base64.b64encode(content).decode()


@dataclass(slots=True, kw_only=True)
class LocalSigstore:
    """Three keys and a root certificate."""

    ca_key: ec.EllipticCurvePrivateKey = field(default_factory=new_key)
    ct_key: ec.EllipticCurvePrivateKey = field(default_factory=new_key)
    log_key: ec.EllipticCurvePrivateKey = field(default_factory=new_key)
    now: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))

    def __post_init__(self) -> None:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "local authority")])
        usage = x509.KeyUsage(
            digital_signature=False,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=True,
            crl_sign=True,
            encipher_only=False,
            decipher_only=False,
        )
        self.root = (
            self._certificate(name, self.ca_key.public_key(), name, days=3650)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .sign(self.ca_key, hashes.SHA256())
        )

    root: x509.Certificate = field(init=False)

    def trusted_root(self) -> str:
        """What a client believes."""
        authority = {
            "subject": {"organization": "local", "commonName": "local authority"},
            "uri": "https://ca.example",
            "certChain": {"certificates": [{"rawBytes": b64(self.root.public_bytes(_DER))}]},
            "validFor": {"start": SINCE},
        }
        document = {
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [self._log(self.log_key, "https://log.example")],
            "certificateAuthorities": [authority],
            "ctlogs": [self._log(self.ct_key, "https://ct.example")],
        }
        return json.dumps(document)

    def attestation(self, statement: bytes, *, identity: str, issuer: str) -> dict[str, Any]:
        """A PEP 740 attestation object about a statement."""
        key = new_key()
        certificate = self.leaf(key.public_key(), identity, issuer)
        head = f"DSSEv1 {len(STATEMENT)} {STATEMENT} {len(statement)} ".encode()
        signature = key.sign(head + statement, ECDSA)
        return {
            "version": 1,
            "verification_material": {
                "certificate": b64(certificate.public_bytes(_DER)),
                "transparency_entries": [self.entry(statement, signature, pem(certificate))],
            },
            "envelope": {"statement": b64(statement), "signature": b64(signature)},
        }

    def _certificate(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, issuer: x509.Name, *, days: float
    ) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.now - timedelta(minutes=5))
            .not_valid_after(self.now + timedelta(days=days))
        )

    def leaf(self, key: ec.EllipticCurvePublicKey, identity: str, issuer: str) -> x509.Certificate:
        """A signing certificate for ten minutes, with the certificate log's receipt inside."""
        usage = x509.KeyUsage(
            digital_signature=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=False,
            crl_sign=False,
            encipher_only=False,
            decipher_only=False,
        )
        purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING])
        where = x509.UniformResourceIdentifier(identity) if "://" in identity else x509.RFC822Name(identity)
        ca = self.ca_key.public_key()
        builder = (
            self._certificate(x509.Name([]), key, self.root.subject, days=10 / 1440)
            .add_extension(usage, critical=True)
            .add_extension(purpose, critical=False)
            .add_extension(x509.SubjectAlternativeName([where]), critical=True)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca), critical=False)
            .add_extension(x509.UnrecognizedExtension(ISSUER_OID, issuer.encode()), critical=False)
        )
        plain = builder.sign(self.ca_key, hashes.SHA256()).tbs_certificate_bytes
        receipts = x509.UnrecognizedExtension(SCT_OID, self._receipts(plain))
        return builder.add_extension(receipts, critical=False).sign(self.ca_key, hashes.SHA256())

    def _receipts(self, plain: bytes) -> bytes:
        """The list of signed certificate timestamps (RFC 6962) as the extension holds it."""
        at = struct.pack("!Q", int(self.now.timestamp() * 1000))
        issuer = hashlib.sha256(der(self.ca_key.public_key())).digest()
        entry = b"\x00\x01" + issuer + len(plain).to_bytes(3, "big") + plain
        signature = self.ct_key.sign(b"\x00\x00" + at + entry + b"\x00\x00", ECDSA)
        receipt = b"\x00" + key_id(self.ct_key) + at + b"\x00\x00"
        receipt += b"\x04\x03" + struct.pack("!H", len(signature)) + signature
        listed = struct.pack("!H", len(receipt)) + receipt
        content = struct.pack("!H", len(listed)) + listed
        size = len(content)
        return (b"\x04" + (bytes([size]) if size < 128 else b"\x81" + bytes([size]))) + content

    def entry(self, statement: bytes, signature: bytes, verifier: bytes) -> dict[str, Any]:
        """The transparency log's entry: the only leaf of its tree, so that its hash is the root's."""
        spec: dict[str, Any] = {
            "signatures": [{"signature": b64(signature), "verifier": b64(verifier)}],
            "envelopeHash": {"algorithm": "sha256", "value": "0" * 64},
            "payloadHash": {"algorithm": "sha256", "value": hashlib.sha256(statement).hexdigest()},
        }
        body = rfc8785.dumps({"apiVersion": "0.0.1", "kind": "dsse", "spec": spec})
        root = hashlib.sha256(b"\x00" + body).digest()
        at, log = int(self.now.timestamp()), key_id(self.log_key)
        promise: dict[str, Any] = {"body": b64(body), "integratedTime": at, "logID": log.hex(), "logIndex": 0}
        note = f"log.example - 1\n1\n{b64(root)}\n"
        seal = b64(log[:4] + self.log_key.sign(note.encode(), ECDSA))
        return {
            "logIndex": "0",
            "logId": {"keyId": b64(log)},
            "kindVersion": {"kind": "dsse", "version": "0.0.1"},
            "integratedTime": str(at),
            "inclusionPromise": {
                "signedEntryTimestamp": b64(self.log_key.sign(rfc8785.dumps(promise), ECDSA))
            },
            "inclusionProof": {
                "logIndex": "0",
                "rootHash": b64(root),
                "treeSize": "1",
                "hashes": [],
                "checkpoint": {"envelope": f"{note}\n\u2014 log.example {seal}\n"},
            },
            "canonicalizedBody": b64(body),
        }

    def _log(self, key: ec.EllipticCurvePrivateKey, url: str) -> dict[str, Any]:
        return {
            "baseUrl": url,
            "hashAlgorithm": "SHA2_256",
            "publicKey": {
                "rawBytes": b64(der(key.public_key())),
                "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                "validFor": {"start": SINCE},
            },
            "logId": {"keyId": b64(key_id(key))},
        }


_DER = serialization.Encoding.DER


def statement(filename: str, content: bytes, **changes: Any) -> bytes:
    """An in-toto statement about a wheel, as publishers make it."""
    document = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": filename, "digest": {"sha256": hashlib.sha256(content).hexdigest()}}],
        "predicateType": AttestationType.PYPI_PUBLISH_V1.value,
        "predicate": None,
    }
    return json.dumps(document | changes).encode()
