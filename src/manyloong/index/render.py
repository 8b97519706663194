"""Writes a merged page as PEP 691 JSON or PEP 503 HTML; pure, and the same bytes for the same page."""

from collections.abc import Iterable
from html import escape
from typing import Any

import orjson


def project_html(content: bytes) -> bytes:
    """The page as HTML, from its JSON."""
    document = orjson.loads(content)
    name = _attribute(document["name"])
    lines = [*_head(document.get("meta"), title=f"Links for {name}")]
    status = document.get("project-status")
    if isinstance(status, dict) and isinstance(status.get("status"), str):
        lines.append(f'<meta name="pypi:project-status" content="{_attribute(status["status"])}">')
        if isinstance(status.get("reason"), str):
            lines.append(f'<meta name="pypi:project-status-reason" content="{_attribute(status["reason"])}">')
    lines += ["</head>", "<body>", f"<h1>Links for {name}</h1>"]
    lines += [_anchor(entry) for entry in document["files"]]
    lines += ["</body>", "</html>", ""]
    return "\n".join(lines).encode("utf-8", "replace")


def root_json(names: Iterable[str], *, api_version: str) -> bytes:
    """The list of projects as JSON."""
    projects = [{"name": name} for name in names]
    return orjson.dumps({"meta": {"api-version": api_version}, "projects": projects})


def root_html(names: Iterable[str], *, api_version: str) -> bytes:
    """The list of projects as HTML."""
    lines = [*_head({"api-version": api_version}, title="Simple index"), "</head>", "<body>"]
    lines += [root_anchor(name) for name in names]
    lines += ["</body>", "</html>", ""]
    return "\n".join(lines).encode()


def root_anchor(name: str) -> str:
    """One line of the list of projects."""
    return f'<a href="{_attribute(name)}/">{_attribute(name)}</a><br>'


def _head(meta: object, *, title: str) -> list[str]:
    version = meta.get("api-version", "1.0") if isinstance(meta, dict) else "1.0"
    return [
        "<!DOCTYPE html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta name="pypi:repository-version" content="{_attribute(version)}">',
        f"<title>{title}</title>",
    ]


def _anchor(entry: dict[str, Any]) -> str:
    url = entry["url"]
    digests = entry["hashes"]
    if digests:
        name = "sha256" if "sha256" in digests else next(iter(digests))
        url = f"{url.split('#', 1)[0]}#{name}={digests[name]}"
    attributes = [f'href="{_attribute(url)}"']
    if isinstance(entry.get("requires-python"), str):
        attributes.append(f'data-requires-python="{_attribute(entry["requires-python"])}"')
    attributes += _metadata_attributes(entry)
    yanked = entry.get("yanked")
    if yanked:
        attributes.append(f'data-yanked="{_attribute(yanked if isinstance(yanked, str) else "")}"')
    if isinstance(entry.get("provenance"), str):
        attributes.append(f'data-provenance="{_attribute(entry["provenance"])}"')
    if isinstance(entry.get("gpg-sig"), bool):
        attributes.append(f'data-gpg-sig="{str(entry["gpg-sig"]).lower()}"')
    return f"<a {' '.join(attributes)}>{_attribute(entry['filename'])}</a><br>"


def _metadata_attributes(entry: dict[str, Any]) -> list[str]:
    """PEP 714: the new name and the old one, both with the same value."""
    for key in ("core-metadata", "data-dist-info-metadata", "dist-info-metadata"):
        value = entry.get(key)
        if value:
            digest = value.get("sha256") if isinstance(value, dict) else None
            text = _attribute(f"sha256={digest}" if digest else "true")
            return [f'data-dist-info-metadata="{text}"', f'data-core-metadata="{text}"']
    return []


def _attribute(value: object) -> str:
    return escape(str(value), quote=True)
