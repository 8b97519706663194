"""Errors as HTTP answers: a status and one clear text, never a traceback, in the form that the client reads.

Problem details (RFC 9457) for who asks for JSON, as uv and pip do; a page for browsers; else plain text.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

import orjson
from jinja2 import Environment
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from manyloong.errors import InputError, ManyloongError, NotFoundError
from manyloong.index.model import RefusedError
from manyloong.index.negotiate import PROBLEM_JSON, TEXT_HTML, error_type

# What every page for people says to browsers: nothing but our own style sheet, no scripts at all.
PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What is told of an error."""

    status: int
    message: str
    hint: str
    headers: Mapping[str, str]

    @property
    def text(self) -> str:
        """Message and hint without control characters."""
        whole = self.message + (f"\nhint: {self.hint}" if self.hint else "")
        return "".join(letter for letter in whole if letter == "\n" or letter.isprintable())


def failure_of(error: ManyloongError) -> Failure:
    """The failure that an error of ours is."""
    status = status_of(error)
    headers = {}
    if status in {429, 502, 503}:
        headers["Retry-After"] = "5"
    if status == 401:
        headers["WWW-Authenticate"] = 'Basic realm="manyloong index"'
    return Failure(status=status, message=error.message, hint=error.hint or "", headers=headers)


def status_of(error: ManyloongError) -> int:
    """The HTTP status of an error of ours."""
    if isinstance(error, RefusedError):
        return error.status
    if isinstance(error, NotFoundError):
        return 404
    return 400 if isinstance(error, InputError) else 503


class ErrorPages:
    """Writes failures; ``templates`` has ``error.html``."""

    def __init__(self, templates: Environment) -> None:
        self.templates = templates

    def response(self, failure: Failure, *, accept: str, base: str) -> Response:
        """The answer, in the form that an Accept header prefers."""
        title = HTTPStatus(failure.status).phrase
        headers = {
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "Vary": "Accept",
            **failure.headers,
        }
        kind = error_type(accept)
        if kind == PROBLEM_JSON:
            document = {
                "type": "about:blank",
                "title": title,
                "status": failure.status,
                "detail": failure.text,
            }
            return Response(orjson.dumps(document), failure.status, headers=headers, media_type=PROBLEM_JSON)
        if kind == TEXT_HTML:
            page = self.templates.get_template("error.html")
            html = page.render(base=base, kind=title, lines=failure.text.split("\n"))
            return HTMLResponse(html, failure.status, headers=PAGE_HEADERS | headers)
        return PlainTextResponse(failure.text + "\n", failure.status, headers=headers)

    async def handle(self, request: Request, error: Exception) -> Response:
        """Starlette's handler for errors of ours and for its own (no such path or method)."""
        if isinstance(error, ManyloongError):
            failure = failure_of(error)
        elif isinstance(error, HTTPException):
            headers = dict(error.headers or {})
            failure = Failure(status=error.status_code, message=error.detail, hint="", headers=headers)
        else:
            raise error
        accept = request.headers.get("accept", "")
        return self.response(failure, accept=accept, base=request.scope.get("root_path", ""))
