"""Errors as HTTP answers: a status and one clear text, never a traceback."""

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from manyloong.errors import InputError, ManyloongError, NotFoundError
from manyloong.index.model import RefusedError


def status_of(error: ManyloongError) -> int:
    """The HTTP status of an error of ours."""
    if isinstance(error, RefusedError):
        return error.status
    if isinstance(error, NotFoundError):
        return 404
    return 400 if isinstance(error, InputError) else 503


def error_response(error: ManyloongError) -> Response:
    """Message and hint as plain text, in ASCII-safe UTF-8 without control characters."""
    text = error.message + (f"\nhint: {error.hint}" if error.hint else "")
    clean = "".join(letter for letter in text if letter == "\n" or letter.isprintable())
    status = status_of(error)
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    if status in {429, 502, 503}:
        headers["Retry-After"] = "5"
    if status == 401:
        headers["WWW-Authenticate"] = 'Basic realm="manyloong index"'
    return PlainTextResponse(clean + "\n", status, headers=headers)


async def handle_error(request: Request, error: Exception) -> Response:
    """Starlette's handler for errors of ours."""
    del request
    if not isinstance(error, ManyloongError):
        raise error
    return error_response(error)
