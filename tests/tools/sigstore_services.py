"""The services of a Sigstore instance of our own, on loopback: one that certifies, and one that logs.

They speak what the public instance's do: Fulcio's ``/api/v2/signingCert``, Rekor's ``/api/v1/log/entries``.
"""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from tests.tools.index.local_sigstore import SINCE, LocalSigstore, pem

ISSUER = "https://accounts.example.org"
_KEY = "only the issuer knows this, in thirty-two bytes or more"


def identity_token(identity: str, *, key: str = _KEY) -> str:
    """What a service of CI gives a job to say who it is."""
    now = int(datetime.now(UTC).timestamp())
    claims = {"iss": ISSUER, "sub": identity, "aud": "sigstore", "iat": now, "exp": now + 600}
    return jwt.encode(claims, key, algorithm="HS256")


@dataclass(kw_only=True)
class Services:
    """Both, with their keys; ``faults`` by path: the status that the first requests get."""

    authority: LocalSigstore = field(default_factory=LocalSigstore)
    url: str = ""
    faults: dict[str, list[int]] = field(default_factory=dict)

    def trust_config(self) -> str:
        """Where a client finds them, and what it believes."""
        service = {"url": self.url, "majorApiVersion": 1, "operator": "local", "validFor": {"start": SINCE}}
        document = {
            "mediaType": "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json",
            "trustedRoot": json.loads(self.authority.trusted_root()),
            "signingConfig": {
                "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
                "caUrls": [service],
                "rekorTlogUrls": [service],
                "rekorTlogConfig": {"selector": "ANY"},
            },
        }
        return json.dumps(document)

    def certified(self, body: dict[str, Any], token: str) -> dict[str, Any]:
        """A certificate for whom the token names; jwt.InvalidTokenError for one that is not the issuer's."""
        claims = jwt.decode(token, _KEY, algorithms=["HS256"], audience="sigstore", issuer=ISSUER)
        request = x509.load_pem_x509_csr(base64.b64decode(body["certificateSigningRequest"]))
        key = request.public_key()
        assert request.is_signature_valid
        assert isinstance(key, ec.EllipticCurvePublicKey)
        chain = (self.authority.leaf(key, claims["sub"], claims["iss"]), self.authority.root)
        texts = [pem(certificate).decode() for certificate in chain]
        return {"signedCertificateEmbeddedSct": {"chain": {"certificates": texts}}}

    def logged(self, body: dict[str, Any]) -> dict[str, Any]:
        """The entry of a signed statement, as the log's first version writes it."""
        proposed = body["spec"]["proposedContent"]
        envelope = json.loads(proposed["envelope"])
        entry = self.authority.entry(
            base64.b64decode(envelope["payload"]),
            base64.b64decode(envelope["signatures"][0]["sig"]),
            base64.b64decode(proposed["verifiers"][0]),
        )
        proof = entry["inclusionProof"]
        answer = {
            "body": entry["canonicalizedBody"],
            "integratedTime": int(entry["integratedTime"]),
            "logID": base64.b64decode(entry["logId"]["keyId"]).hex(),
            "logIndex": int(entry["logIndex"]),
            "verification": {
                "signedEntryTimestamp": entry["inclusionPromise"]["signedEntryTimestamp"],
                "inclusionProof": {
                    "logIndex": 0,
                    "treeSize": 1,
                    "hashes": [],
                    "rootHash": base64.b64decode(proof["rootHash"]).hex(),
                    "checkpoint": proof["checkpoint"]["envelope"],
                },
            },
        }
        return {"0" * 64: answer}


@contextmanager
def serving_sigstore() -> Iterator[Services]:
    """Running services; stopped at exit."""
    services = Services()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            faults = services.faults.get(self.path, [])
            try:
                self._answer(faults.pop(0) if faults else 201, body)
            except jwt.InvalidTokenError as error:
                self._send(401, {"code": 16, "message": str(error)})

        def _answer(self, status: int, body: dict[str, Any]) -> None:
            if status != 201:
                self._send(status, {"code": 13, "message": "told to"})
            elif self.path == "/api/v2/signingCert":
                token = self.headers["Authorization"].removeprefix("Bearer ")
                self._send(status, services.certified(body, token))
            elif self.path == "/api/v1/log/entries":
                self._send(status, services.logged(body))
            else:
                self._send(404, {"code": 5, "message": "no such service"})

        def _send(self, status: int, document: dict[str, Any]) -> None:
            data = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    services.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield services
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
