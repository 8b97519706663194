"""Content negotiation of RFC 9110 and PEP 691, as far as an index needs it; pure."""

from manyloong.index.upstream_page import HTML_TYPE, JSON_TYPE

TEXT_HTML = "text/html"
TEXT_PLAIN = "text/plain"
PROBLEM_JSON = "application/problem+json"
_ALIASES = {
    "application/vnd.pypi.simple.latest+json": JSON_TYPE,
    "application/vnd.pypi.simple.latest+html": HTML_TYPE,
}
# Among equals the first is sent: browsers and old tools get HTML, as PyPI does it.
_OFFERED = (TEXT_HTML, JSON_TYPE, HTML_TYPE)
_ERRORS = {
    PROBLEM_JSON: PROBLEM_JSON,
    "application/json": PROBLEM_JSON,
    JSON_TYPE: PROBLEM_JSON,
    TEXT_HTML: TEXT_HTML,
    TEXT_PLAIN: TEXT_PLAIN,
}
_WILD = {"*/*": _OFFERED, "text/*": (TEXT_HTML,), "application/*": (JSON_TYPE, HTML_TYPE)}


def page_type(accept: str) -> str | None:
    """The content type to answer an Accept header with; None when nothing offered is acceptable."""
    if not accept.strip():
        return TEXT_HTML
    best, best_rank = None, (0.0, 0)
    for name, quality in _weighted(accept):
        precise = 0 if name in _WILD else 1
        for kind in _WILD.get(name, (_ALIASES.get(name, name),)):
            if kind in _OFFERED and quality > 0 and (quality, precise) > best_rank:
                best, best_rank = kind, (quality, precise)
    return best


def error_type(accept: str) -> str:
    """The form of an error: what is named and weighs most; plain text where nothing of it is named."""
    best, best_quality = TEXT_PLAIN, 0.0
    for name, quality in _weighted(accept):
        kind = _ERRORS.get(_ALIASES.get(name, name))
        if kind and quality > best_quality:
            best, best_quality = kind, quality
    return best


def content_encoding(accept_encoding: str) -> str:
    """``zstd``, ``gzip`` or ``identity``."""
    weights = dict(_weighted(accept_encoding))
    for name in ("zstd", "gzip"):
        if weights.get(name, 0.0) > 0:
            return name
    return "gzip" if weights.get("*", 0.0) > 0 else "identity"


def matches(if_none_match: str, etag: str) -> bool:
    """Whether an If-None-Match header names an entity tag, compared weakly."""
    if if_none_match.strip() == "*":
        return True
    return etag.removeprefix("W/") in {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}


def _weighted(header: str) -> list[tuple[str, float]]:
    """The items of a header with their ``q``, at most 32 of them; what is malformed weighs nothing."""
    found = []
    for item in header.split(",")[:32]:
        name, *parameters = (part.strip() for part in item.split(";"))
        quality = 1.0
        for parameter in parameters:
            if parameter.lower().startswith("q="):
                try:
                    quality = float(parameter[2:])
                except ValueError:
                    quality = 0.0
        if name and 0.0 <= quality <= 1.0:
            found.append((name.lower(), quality))
    return found
