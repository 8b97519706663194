"""The upload gate: what a wheel must be before the index takes it. Nothing here writes.

Every refusal names the value that is wrong and says what would be right.
"""

import hashlib
import hmac
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson
from packaging.metadata import InvalidMetadata, Metadata

from manyloong.errors import InputError, IntegrityError, ManyloongError
from manyloong.index.model import Attachment, Auditor, NewFile, RefusedError, Verdict, WheelName
from manyloong.index.names import project_name, version_key, wheel_name
from manyloong.index.provenance import checked_provenance
from manyloong.index.signatures import Trust
from manyloong.targets import judged_targets

_METADATA_LIMIT_BYTES = 8 << 20
_SBOM_LIMIT_BYTES = 16 << 20
_DIGESTS = {"md5_digest": "md5", "sha256_digest": "sha256", "blake2_256_digest": "blake2_256"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """An upload as it came: form fields as text, the wheel on disk under a name of ours."""

    fields: Mapping[str, str]
    filename: str
    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Digests:
    """Hashes of the uploaded bytes, in hex."""

    md5: str
    sha256: str
    blake2_256: str
    size_bytes: int


def claimed_name(upload: Upload) -> WheelName:
    """The file's name, when the form and it agree on a wheel for our platforms; raises RefusedError."""
    fields = upload.fields
    if fields.get(":action") != "file_upload":
        raise RefusedError(f":action is {fields.get(':action', '')[:40]!r}, only file_upload is known")
    if fields.get("protocol_version", "1") != "1":
        raise RefusedError("protocol_version must be 1")
    if fields.get("filetype", "bdist_wheel") != "bdist_wheel":
        raise RefusedError("only wheels are taken here", hint="sources live upstream")
    try:
        name = wheel_name(upload.filename)
        claimed = project_name(fields.get("name", ""))
    except InputError as error:
        raise RefusedError(error.message, hint=error.hint) from error
    if claimed != name.project:
        raise RefusedError(f"the form says project {claimed!r}, the file name {name.project!r}")
    if "version" not in fields or version_key(fields["version"]) != version_key(name.version):
        raise RefusedError(
            f"the form says version {fields.get('version', '')[:80]!r}, the file name {name.version!r}"
        )
    _check_platform(name)
    return name


def _check_platform(name: WheelName) -> None:
    architectures = sorted({target.architecture.name for target in judged_targets()})
    tags = name.platform.split(".")
    if not all(any(tag.endswith("_" + arch) for arch in architectures) for tag in tags):
        raise RefusedError(
            f"platform tag {name.platform!r}: only wheels for {', '.join(architectures)} are taken",
            hint="files for other platforms come from upstream",
        )
    if not all(tag.startswith(("manylinux_", "musllinux_")) for tag in tags):
        raise RefusedError(
            f"platform tag {name.platform!r} promises no libc version",
            hint="`manyloong build` repairs what it builds; else auditwheel repair, on loongarch64",
        )


def measured(path: Path) -> Digests:
    """The hashes of a file, read once."""
    hashes = (
        hashlib.md5(usedforsecurity=False),
        hashlib.sha256(),
        hashlib.blake2b(digest_size=32),
    )
    size = 0
    with path.open("rb") as stream:
        while piece := stream.read(1 << 20):
            size += len(piece)
            for digest in hashes:
                digest.update(piece)
    md5, sha256, blake2 = (digest.hexdigest() for digest in hashes)
    return Digests(md5=md5, sha256=sha256, blake2_256=blake2, size_bytes=size)


def check_digests(fields: Mapping[str, str], digests: Digests) -> None:
    """Compare with what the client sent, of which there must be one; raises RefusedError."""
    sent = {field: fields[field] for field in _DIGESTS if fields.get(field)}
    if not sent:
        raise RefusedError("no digest was sent", hint=f"send one of {', '.join(_DIGESTS)}")
    for field, value in sent.items():
        found = getattr(digests, _DIGESTS[field])
        if not hmac.compare_digest(value.strip().lower().encode(), found.encode()):
            raise RefusedError(f"{field}: the uploaded bytes have {found}, not {value[:80]}")


def examined(
    upload: Upload,
    *,
    name: WheelName,
    digests: Digests,
    auditor: Auditor,
    trust: Trust | None,
    provenance_required: bool,
    released_at: str,
) -> NewFile:
    """Open and audit the wheel; raises RefusedError with every finding that stands against it."""
    raw, sboms = _documents(upload.path, name)
    metadata = _parsed_metadata(raw, name)
    verdict = _verdict(upload.path, name, auditor)
    attachments = [Attachment(kind="verdict", name="verdict.json", text=_json(verdict.to_json())), *sboms]
    statements = upload.fields.get("attestations", "")
    if statements:
        try:
            found = checked_provenance(statements, filename=name.filename, sha256=digests.sha256, trust=trust)
        except IntegrityError as error:
            raise RefusedError(error.message) from error
        attachments.append(Attachment(kind="provenance", name="provenance.json", text=found.text))
    if provenance_required and not (statements and found.verified):
        raise RefusedError(
            f"this index takes {name.project} only with provenance, and {name.filename} came with none",
            hint="upload with attestations: twine upload --attestations ...",
        )
    return NewFile(
        name=name,
        sha256=digests.sha256,
        size_bytes=digests.size_bytes,
        metadata=raw,
        requires_python=str(metadata.requires_python or ""),
        summary=metadata.summary or "",
        released_at=released_at,
        attachments=tuple(attachments),
    )


def _verdict(path: Path, name: WheelName, auditor: Auditor) -> Verdict:
    try:
        verdict = auditor(path, name.platform)
    except ManyloongError as error:
        raise RefusedError(f"audit of {name.filename}: {error.message}", hint=error.hint) from error
    if not verdict.accepted:
        lines = [f"{finding.rule}: {finding.message}" for finding in verdict.findings][:50]
        raise RefusedError("\n".join([f"the audit does not accept {name.filename}:", *lines]))
    return verdict


# What zipfile raises for archives that are damaged, or made to be. ValueError: a name not in its encoding.
_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    NotImplementedError,
    RuntimeError,
    EOFError,
    OSError,
    ValueError,
)


def _documents(path: Path, name: WheelName) -> tuple[bytes, list[Attachment]]:
    """METADATA and the SBOMs (PEP 770) of a wheel."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            roots = {entry.split("/", 1)[0] for entry in names if ".dist-info/" in entry}
            if len(roots) != 1:
                raise RefusedError(f"{name.filename} has {len(roots)} .dist-info folders, one is needed")
            root = roots.pop()
            raw = _member(archive, f"{root}/METADATA", _METADATA_LIMIT_BYTES)
            inside = [
                entry for entry in names if entry.startswith(f"{root}/sboms/") and entry.endswith(".json")
            ]
            sboms = [
                Attachment(
                    kind="sbom",
                    name=entry.rpartition("/")[2][:255],
                    text=_member(archive, entry, _SBOM_LIMIT_BYTES).decode("utf-8", "replace"),
                )
                for entry in sorted(inside)[:20]
            ]
    except _UNREADABLE as error:
        raise RefusedError(f"{name.filename} is not a readable ZIP archive: {error}") from error
    return raw, [Attachment(kind=s.kind, name=s.name, text=s.text.replace("\x00", "")) for s in sboms]


def _member(archive: zipfile.ZipFile, entry: str, limit: int) -> bytes:
    """A member's bytes, never more than the limit whatever the archive says."""
    try:
        with archive.open(entry) as stream:
            content = stream.read(limit + 1)
    except KeyError as error:
        raise RefusedError(f"the wheel has no {entry}") from error
    if len(content) > limit:
        raise RefusedError(f"{entry} is larger than {limit >> 20} MiB")
    return content


def _parsed_metadata(raw: bytes, name: WheelName) -> Metadata:
    try:
        metadata = Metadata.from_email(raw, validate=True)
    except (ExceptionGroup, InvalidMetadata, UnicodeDecodeError, ValueError) as error:
        raise RefusedError("METADATA is not valid:\n" + "\n".join(_messages(error)[:20])) from error
    if project_name(metadata.name) != name.project:
        raise RefusedError(f"METADATA says Name {metadata.name!r}, the file name {name.project!r}")
    if version_key(str(metadata.version)) != version_key(name.version):
        raise RefusedError(f"METADATA says Version {metadata.version}, the file name {name.version}")
    return metadata


def _messages(error: BaseException) -> list[str]:
    if isinstance(error, BaseExceptionGroup):
        return [line for inner in error.exceptions for line in _messages(inner)]
    return [str(error)]


def _json(document: object) -> str:
    return document if isinstance(document, str) else orjson.dumps(document).decode()
