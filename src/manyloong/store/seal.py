"""A JSON document that carries the SHA-256 of its own bytes: none of them can change unseen.

The seal is a key of the outermost object; the digest is that of the same text with an empty seal.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

_KEYS = {"document", "seal"}
_SEAL = re.compile(rb'^  "seal": "([0-9a-f]*)"', re.MULTILINE)


def seal_text(document: Mapping[str, Any]) -> bytes:
    """The document as indented JSON with sorted keys, sealed."""
    text = json.dumps({**document, "seal": ""}, indent=2, sort_keys=True, ensure_ascii=False)
    data = text.encode("utf-8", "surrogatepass") + b"\n"
    digest = hashlib.sha256(data).hexdigest().encode()
    return _SEAL.sub(b'  "seal": "' + digest + b'"', data, count=1)


def seal_of(data: bytes) -> str | None:
    """The seal that a text says it has; None where it has none."""
    found = _SEAL.search(data)
    return found.group(1).decode() if found else None


def seal_holds(data: bytes) -> bool:
    """Whether the text has a seal, and it is that of its bytes."""
    empty = _SEAL.sub(b'  "seal": ""', data, count=1)
    return hashlib.sha256(empty).hexdigest() == seal_of(data)


def sealed_document(document: Any) -> bytes:
    """Any JSON document in an object of two keys, the other of which is the SHA-256 of its canonical text."""
    return json.dumps({"document": document, "seal": _digest(document)}, sort_keys=True).encode()


def unsealed_document(data: bytes) -> Any:
    """The document; ValueError where it is no JSON or the seal does not hold."""
    found = json.loads(data)
    if not isinstance(found, dict) or found.keys() != _KEYS or _digest(found["document"]) != found["seal"]:
        raise ValueError("its seal does not hold")
    return found["document"]


def _digest(document: Any) -> str:
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
