"""``/files/`` and ``/integrity/``: our wheels, their metadata (PEP 658) and their provenance (PEP 740)."""

from anyio import to_thread
from starlette.concurrency import iterate_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response, StreamingResponse

from manyloong.index import shelf
from manyloong.index.database import reading
from manyloong.index.model import Attachment, LocalFile, RefusedError, State, blob_key
from manyloong.index.names import version_key
from manyloong.index.negotiate import matches
from manyloong.index.site import Site

_FOREVER = "public, max-age=31536000, immutable"
_INTEGRITY = "application/vnd.pypi.integrity.v1+json"


class FilesApi:
    """Handlers for GET and HEAD."""

    def __init__(self, site: Site) -> None:
        self.site = site

    async def file(self, request: Request) -> Response:
        """A wheel, or with ``.metadata`` its METADATA."""
        part = request.path_params
        asked = part["filename"]
        filename = asked.removesuffix(".metadata")
        file = await to_thread.run_sync(self._file, filename)
        if file is None or file.sha256 != part["first"] + part["second"] + part["rest"]:
            raise RefusedError("no such file", status=404)
        if file.state is State.QUARANTINED:
            raise RefusedError(f"{filename} is in quarantine", status=403)
        is_metadata = asked != filename
        etag = f'"{file.sha256}{".metadata" if is_metadata else ""}"'
        headers = {"ETag": etag, "Cache-Control": _FOREVER, "X-Content-Type-Options": "nosniff"}
        if matches(request.headers.get("if-none-match", ""), etag):
            return Response(status_code=304, headers=headers)
        kind = "text/plain; charset=UTF-8" if is_metadata else "application/octet-stream"
        return await self._bytes(blob_key(file.sha256, asked), kind, headers)

    async def provenance(self, request: Request) -> Response:
        """The provenance object of a file, or 404."""
        part = request.path_params
        file = await to_thread.run_sync(self._file, part["filename"])
        same = file is not None and (
            file.name.project == part["project"]
            and version_key(file.name.version) == version_key(part["version"])
        )
        found = await to_thread.run_sync(self._documents, part["filename"]) if same else ()
        for document in found:
            if document.kind == "provenance":
                return Response(document.text, media_type=_INTEGRITY)
        raise RefusedError("no provenance", status=404)

    async def _bytes(self, key: str, kind: str, headers: dict[str, str]) -> Response:
        size = await to_thread.run_sync(self.site.blobs.size, key)
        if size is None:
            raise RefusedError("the bytes of this file are missing", status=503)
        path = self.site.blobs.path(key)
        if path is not None:
            return FileResponse(path, media_type=kind, headers=headers)
        body = iterate_in_threadpool(self.site.blobs.chunks(key))
        return StreamingResponse(body, media_type=kind, headers={**headers, "Content-Length": str(size)})

    def _file(self, filename: str) -> LocalFile | None:
        if not filename.isascii() or "\x00" in filename:
            return None
        with reading(self.site.engine) as connection:
            return shelf.find(connection, filename)

    def _documents(self, filename: str) -> tuple[Attachment, ...]:
        with reading(self.site.engine) as connection:
            return shelf.documents(connection, filename)
