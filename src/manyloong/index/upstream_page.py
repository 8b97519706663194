"""Reads what an upstream index answers for a project into one checked form, whichever format it speaks."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

import orjson

from manyloong.errors import IntegrityError

JSON_TYPE = "application/vnd.pypi.simple.v1+json"
HTML_TYPE = "application/vnd.pypi.simple.v1+html"
ACCEPT = f"{JSON_TYPE}, {HTML_TYPE};q=0.2, text/html;q=0.1"

_REQUIRED = ("filename", "url", "hashes")


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamPage:
    """A project's page upstream; ``document`` is PEP 691 JSON as it came, URLs made absolute."""

    document: dict[str, Any]
    found: bool = True

    @property
    def files(self) -> list[dict[str, Any]]:
        """The file objects, unchanged."""
        files: list[dict[str, Any]] = self.document["files"]
        return files


MISSING = UpstreamPage(document={"files": []}, found=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An HTTP answer of upstream, as far as a page needs it."""

    url: str
    content_type: str
    body: bytes


def parse_page(reply: Reply, *, project: str) -> UpstreamPage:
    """The page of a project; raises IntegrityError when the answer is not one.

    Of a page that is one, file objects without name, http(s) URL or hashes are left out.
    """
    kind = reply.content_type.split(";")[0].strip().lower()
    if kind in {JSON_TYPE, "application/json"}:
        document = _json_document(reply.body, project)
    elif kind in {HTML_TYPE, "text/html"}:
        document = _html_document(reply, project)
    else:
        raise IntegrityError(f"upstream answered {kind or 'no content type'!r} for {project}")
    document["files"] = [entry for entry in document["files"] if _usable(entry, reply.url)]
    document["name"] = project
    if not isinstance(document.get("versions"), list):
        document.pop("versions", None)
    return UpstreamPage(document=document)


def _json_document(body: bytes, project: str) -> dict[str, Any]:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise IntegrityError(f"upstream's page of {project} is not JSON: {error}") from error
    if not isinstance(document, dict) or not isinstance(document.get("files"), list):
        raise IntegrityError(f"upstream's page of {project} is not PEP 691 JSON: no list of files")
    meta = document.get("meta")
    version = meta.get("api-version", "1.0") if isinstance(meta, dict) else None
    if not isinstance(version, str) or version.split(".")[0] != "1":
        raise IntegrityError(f"upstream's page of {project} has api-version {version!r}, known is 1.x")
    return document


def _usable(entry: Any, base: str) -> bool:
    """Whether a file object can be shown; makes its URL absolute on the way."""
    if not isinstance(entry, dict) or not all(key in entry for key in _REQUIRED):
        return False
    filename, url, hashes = (entry[key] for key in _REQUIRED)
    if not isinstance(filename, str) or not isinstance(url, str) or not isinstance(hashes, dict):
        return False
    if not filename or "/" in filename or any(ord(letter) < 32 for letter in filename):
        return False
    if not url.startswith(("https://", "http://")):
        try:
            url = urljoin(base, url)
            if urlsplit(url).scheme not in {"http", "https"}:
                return False
        except ValueError:
            return False
        entry["url"] = url
    return all(isinstance(key, str) and isinstance(value, str) for key, value in hashes.items())


def _html_document(reply: Reply, project: str) -> dict[str, Any]:
    """PEP 503 HTML as PEP 691 JSON; for upstreams that speak nothing newer."""
    from pypi_simple import (  # noqa: PLC0415 -- slow to import, seldom needed
        ProjectPage,
        UnparsableFilenameError,
        UnsupportedRepoVersionError,
    )

    try:
        page = ProjectPage.from_html(project, reply.body, base_url=reply.url)
    except (ValueError, UnsupportedRepoVersionError, UnparsableFilenameError) as error:
        raise IntegrityError(f"upstream's page of {project} is not PEP 503 HTML: {error}") from error
    document: dict[str, Any] = {"meta": {"api-version": page.repository_version or "1.0"}}
    document["files"] = [
        {
            "filename": package.filename,
            "url": package.url,
            "hashes": dict(package.digests),
            **({"requires-python": package.requires_python} if package.requires_python else {}),
            **({"yanked": package.yanked_reason or True} if package.is_yanked else {}),
            **({"core-metadata": package.metadata_digests or True} if package.has_metadata else {}),
            **({"provenance": package.provenance_url} if package.provenance_url else {}),
        }
        for package in page.packages
    ]
    if page.status is not None:
        reason = {"reason": page.status_reason} if page.status_reason else {}
        document["project-status"] = {"status": page.status.value, **reason}
    return document
