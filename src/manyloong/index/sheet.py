"""What the web pages show of a wheel, read tolerantly from the documents stored with it; pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson

from manyloong.index.model import Attachment, LocalFile

_LOG_SHOWN = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of an audit."""

    rule: str
    severity: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """How a wheel did with one Python on one CPU model and libc."""

    python: str
    cpu: str
    libc: str
    outcome: str
    imported: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """Something an SBOM names."""

    name: str
    version: str
    license: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A wheel for people."""

    file: LocalFile
    accepted: bool | None  # None: no verdict is stored
    findings: tuple[Finding, ...]
    tests: tuple[Tested, ...]
    components: tuple[Component, ...]
    source: str
    lane: str
    log: str
    provenance: str  # who signed it, in words; "" without any

    @property
    def libc(self) -> str:
        """``glibc 2.36`` or ``musl 1.2``."""
        parts = self.file.name.platform.split(".", maxsplit=1)[0].split("_")
        name = {"manylinux": "glibc", "musllinux": "musl"}.get(parts[0], parts[0])
        return f"{name} {'.'.join(parts[1:3])}"

    @property
    def outcome(self) -> str:
        """All tests in one word."""
        outcomes = {test.outcome for test in self.tests}
        if not outcomes:
            return "not tested"
        return "passed" if outcomes == {"passed"} else next(iter(sorted(outcomes - {"passed"})))


def make_sheet(file: LocalFile, documents: Iterable[Attachment]) -> Sheet:
    """The sheet of a wheel; a document that is not what it should be is left out."""
    by_kind: dict[str, list[Attachment]] = {}
    for document in documents:
        by_kind.setdefault(document.kind, []).append(document)
    record = _first(by_kind.get("record", []))
    verdict = _first(by_kind.get("verdict", []))
    accepted = verdict.get("accepted")
    source = record.get("source")
    return Sheet(
        file=file,
        accepted=accepted if isinstance(accepted, bool) else None,
        findings=tuple(
            Finding(rule=_text(f, "rule"), severity=_text(f, "severity"), message=_text(f, "message"))
            for f in _objects(verdict, "findings")
        ),
        tests=tuple(_tested(report) for report in _objects(record, "tests")),
        components=tuple(
            _component(found)
            for sbom in by_kind.get("sbom", [])
            for found in _objects(_document(sbom.text), "components")
        ),
        source=_source(source) if isinstance(source, dict) else "",
        lane=_text(record, "lane"),
        log="\n".join(log.text for log in by_kind.get("log", []))[-_LOG_SHOWN:],
        provenance=_provenance(_first(by_kind["provenance"])) if "provenance" in by_kind else "",
    )


def _tested(report: dict[str, Any]) -> Tested:
    return Tested(
        python=_text(report, "python"),
        cpu=_text(report, "cpu"),
        libc=_text(report, "libc"),
        outcome=_text(report, "outcome") or "unknown",
        imported=_text(report, "imported"),
    )


def _component(found: dict[str, Any]) -> Component:
    names = []
    for choice in _objects(found, "licenses"):
        inner = choice.get("license")
        if isinstance(choice.get("expression"), str):
            names.append(choice["expression"])
        elif isinstance(inner, dict):
            names.append(_text(inner, "id") or _text(inner, "name"))
    return Component(name=_text(found, "name"), version=_text(found, "version"), license=", ".join(names))


def _provenance(document: dict[str, Any]) -> str:
    """``signed by IDENTITY (ISSUER)``, or that nobody verified who did."""
    publishers = [bundle.get("publisher") for bundle in _objects(document, "attestation_bundles")]
    names = [
        f"{_text(publisher, 'identity')} ({_text(publisher, 'issuer')})"
        for publisher in publishers
        if isinstance(publisher, dict) and publisher.get("kind") == "sigstore"
    ]
    known = names and len(names) == len(publishers)
    return "signed by " + ", ".join(names) if known else "signature not verified"


def _source(source: dict[str, Any]) -> str:
    digest = _text(source, "sha256")
    kind = _text(source, "kind") or "source"
    return f"{kind}, sha256 {digest}" if digest else kind


def _first(found: list[Attachment]) -> dict[str, Any]:
    return _document(found[0].text) if found else {}


def _document(text: str) -> dict[str, Any]:
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return document if isinstance(document, dict) else {}


def _objects(document: dict[str, Any], key: str) -> list[dict[str, Any]]:
    value = document.get(key)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _text(document: dict[str, Any], key: str) -> str:
    value = document.get(key)
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
