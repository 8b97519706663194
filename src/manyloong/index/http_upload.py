"""``/legacy/``: the upload API of twine and uv publish; and documents added to a file later."""

import base64
import binascii
import secrets

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from manyloong.errors import InputError, NotFoundError
from manyloong.index import ledger, shelf
from manyloong.index.database import reading, writing
from manyloong.index.gate import Upload, claimed_name
from manyloong.index.http_errors import status_of
from manyloong.index.intake import Form, read_form, read_text
from manyloong.index.limits import RateLimit
from manyloong.index.model import Attachment, RefusedError, WheelName, format_time
from manyloong.index.names import wheel_name
from manyloong.index.operations import Metrics, logger
from manyloong.index.pages import Pages
from manyloong.index.publish import Gatekeeper, Published, noted_project, publish
from manyloong.index.releases import released_at
from manyloong.index.site import Site
from manyloong.index.tokens import Token, check_token

_AUDITS_AT_ONCE = 2
_DOCUMENT_LIMIT_BYTES = 32 << 20
_KINDS = ("record", "log", "sbom")


class UploadApi:
    """Handlers for POST and PUT."""

    def __init__(self, site: Site, pages: Pages, keeper: Gatekeeper, metrics: Metrics) -> None:
        self.site = site
        self.pages = pages
        self.keeper = keeper
        self.metrics = metrics
        self._failures = RateLimit(site.engine, "failures", site.settings.failures_per_minute)
        self._uploads = RateLimit(site.engine, "uploads", site.settings.uploads_per_minute)
        self._audits = CapacityLimiter(_AUDITS_AT_ONCE)

    async def upload(self, request: Request) -> Response:
        """One wheel. 200 when it is published, also when these bytes were there already."""
        try:
            token = await self._token(request)
            settings = self.site.settings
            async with read_form(
                request,
                limit_bytes=settings.upload_limit_mib << 20,
                silence_s=settings.body_timeout_s,
            ) as form:
                published = await self._take(form, token)
        except (RefusedError, InputError) as error:
            self.metrics.uploads.labels("refused").inc()
            logger.info(
                "upload refused", extra={"data": {"status": status_of(error), "reason": error.message[:500]}}
            )
            raise
        self.metrics.uploads.labels("created" if published.created else "unchanged").inc()
        data = {"file": published.filename, "sha256": published.sha256, "token": token.id}
        logger.info("upload taken", extra={"data": data})
        self.pages.drop(wheel_name(published.filename).project)
        return PlainTextResponse("OK\n")

    async def document(self, request: Request) -> Response:
        """Add or replace a record, log or SBOM of a file that is there."""
        token = await self._token(request)
        filename, kind = request.path_params["filename"], request.path_params["kind"]
        if kind not in _KINDS:
            raise RefusedError(f"no documents of kind {kind[:40]!r}", status=404, hint=", ".join(_KINDS))
        name = _wheel_or_404(filename)
        _must_permit(token, name.project)
        silence_s = self.site.settings.body_timeout_s
        text = await read_text(request, limit_bytes=_DOCUMENT_LIMIT_BYTES, silence_s=silence_s)
        attachment = Attachment(kind=kind, name=f"{kind}.{'txt' if kind == 'log' else 'json'}", text=text)
        await to_thread.run_sync(self._attach, filename, attachment, token)
        return PlainTextResponse("OK\n")

    async def _take(self, form: Form, token: Token) -> Published:
        with self.site.incoming() as folder:
            upload = Upload(fields=form.fields, filename=form.filename, path=folder / secrets.token_hex(8))
            name = claimed_name(upload)
            _must_permit(token, name.project)
            await to_thread.run_sync(self._uploads.take, token.id)
            upload = Upload(fields=form.fields, filename=name.filename, path=folder / name.filename)
            await form.save(upload.path)
            noted = await to_thread.run_sync(noted_project, self.site, name.project)
            there = await to_thread.run_sync(self._has, name.filename)
            # A file that is there gets its answer from its bytes, even after upstream began to ship it.
            released = "" if there else await released_at(self.pages.upstream, noted, name)
            return await to_thread.run_sync(
                lambda: publish(
                    self.site,
                    upload,
                    name=name,
                    released_at=released,
                    actor=token.id,
                    keeper=self.keeper,
                ),
                limiter=self._audits,
            )

    async def _token(self, request: Request) -> Token:
        address = request.client.host if request.client else "?"
        secret = _password(request.headers.get("authorization", ""))
        return await to_thread.run_sync(self._check, secret, address)

    def _check(self, secret: str, address: str) -> Token:
        self._failures.check(address)
        try:
            return self._known_token(secret)
        except RefusedError:
            self._failures.take(address)
            raise

    def _known_token(self, secret: str) -> Token:
        with reading(self.site.engine) as connection:
            return check_token(connection, secret, now=self.keeper.clock())

    def _has(self, filename: str) -> bool:
        with reading(self.site.engine) as connection:
            return shelf.find(connection, filename) is not None

    def _attach(self, filename: str, attachment: Attachment, token: Token) -> None:
        with writing(self.site.engine) as connection:
            if shelf.find(connection, filename) is None:
                raise NotFoundError(f"the index has no file {filename!r}")
            shelf.attach(connection, filename, attachment)
            act = ledger.Act(
                at=format_time(self.keeper.clock()),
                actor=token.id,
                action="document",
                subject=filename,
                detail={"kind": attachment.kind, "name": attachment.name},
            )
            ledger.append(connection, act)


def _wheel_or_404(filename: str) -> WheelName:
    try:
        return wheel_name(filename)
    except InputError as error:
        raise RefusedError(error.message, status=404) from error


def _must_permit(token: Token, project: str) -> None:
    if not token.permits(project):
        raise RefusedError(
            f"the token {token.id} is for {', '.join(token.projects)}, not for {project}", status=403
        )


def _password(header: str) -> str:
    """The token in an Authorization header: Basic with any user name, or Bearer."""
    scheme, _, value = header.strip().partition(" ")
    if scheme.lower() == "bearer" and value.strip():
        return value.strip()
    if scheme.lower() != "basic":
        raise RefusedError(
            "an upload needs a token", status=401, hint="user name __token__, password the token"
        )
    try:
        pair = base64.b64decode(value.strip(), validate=True).decode("utf-8")
    except (binascii.Error, ValueError) as error:
        raise RefusedError("the Authorization header is malformed", status=401) from error
    secret = pair.partition(":")[2]
    if not secret:
        raise RefusedError("the password, a token, is empty", status=401)
    return secret
