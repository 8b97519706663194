"""Pages for people: rendered on the server, readable without JavaScript, in light and dark."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files as resources
from typing import Any, TypeVar

from anyio import to_thread
from jinja2 import Environment, PackageLoader, StrictUndefined
from packaging.version import Version
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from manyloong.errors import InputError, NotFoundError
from manyloong.index import shelf
from manyloong.index.database import reading
from manyloong.index.http_errors import PAGE_HEADERS
from manyloong.index.merge import merged_page
from manyloong.index.model import LocalFile, State
from manyloong.index.names import project_name, wheel_name
from manyloong.index.settings import Settings
from manyloong.index.sheet import Sheet, make_sheet
from manyloong.index.site import Site
from manyloong.index.statistics import Statistics, statistics
from manyloong.index.upstream import Upstream

_RECENT = 20
_FOUND = 100
_STYLE = resources("manyloong.index").joinpath("static/style.css")

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """The wheels of one version."""

    version: str
    wheels: tuple[Sheet, ...]


class Web:
    """Handlers of the pages."""

    def __init__(self, site: Site, upstream: Upstream) -> None:
        self.site = site
        self.upstream = upstream
        self.templates = page_templates(site.settings)

    async def home(self, request: Request) -> Response:
        """Search, recent builds, what there is."""
        recent, figures = await to_thread.run_sync(self._home)
        return self._page(request, "home.html", recent=recent, figures=figures)

    async def search(self, request: Request) -> Response:
        """Projects whose name holds the words."""
        words = request.query_params.get("q", "")[:200]
        found = await to_thread.run_sync(self._search, words)
        return self._page(request, "search.html", words=words, found=found, most=_FOUND)

    async def project(self, request: Request) -> Response:
        """Releases and wheels of a project."""
        name = _known(project_name, request.path_params["project"])
        releases, local, replaced = await to_thread.run_sync(self._project, name)
        context = {"project": name, "releases": releases, "local": local, "replaced": replaced}
        return self._page(request, "project.html", index_url=_index_url(request), **context)

    async def wheel(self, request: Request) -> Response:
        """All that is known of one wheel."""
        name = _known(wheel_name, request.path_params["filename"])
        sheet = await to_thread.run_sync(self._sheet, name.filename)
        if sheet.file.name.project != request.path_params["project"]:
            raise NotFoundError(f"no such wheel of {request.path_params['project'][:80]!r}")
        return self._page(request, "wheel.html", sheet=sheet, index_url=_index_url(request))

    async def statistics(self, request: Request) -> Response:
        """Numbers."""
        figures = await to_thread.run_sync(self._statistics)
        return self._page(request, "statistics.html", figures=figures)

    async def style(self, _: Request) -> Response:
        """The one style sheet."""
        headers = {"Cache-Control": "public, max-age=3600", "X-Content-Type-Options": "nosniff"}
        return Response(_STYLE.read_text("utf-8"), media_type="text/css", headers=headers)

    def _page(self, request: Request, template: str, **context: Any) -> Response:
        base = request.scope.get("root_path", "")
        html = self.templates.get_template(template).render(base=base, **context)
        return HTMLResponse(html, headers=PAGE_HEADERS)

    def _home(self) -> tuple[list[Sheet], Statistics]:
        with reading(self.site.engine) as connection:
            newest = shelf.recent(connection, _RECENT)
            sheets = [make_sheet(f, shelf.documents(connection, f.name.filename)) for f in newest]
            return sheets, statistics(connection)

    def _search(self, words: str) -> list[str]:
        with reading(self.site.engine) as connection:
            return shelf.search(connection, words, limit=_FOUND)

    def _project(self, name: str) -> tuple[list[Release], bool, tuple[str, ...]]:
        with reading(self.site.engine) as connection:
            known = shelf.project(connection, name)
            files = shelf.of_project(connection, name)
            if known is None:
                raise NotFoundError(
                    f"this index has no wheels of {name!r}", hint="upstream's own are at /simple/"
                )
            shown = [file for file in files if file.state is not State.QUARANTINED]
            sheets = [make_sheet(file, shelf.documents(connection, file.name.filename)) for file in shown]
        lines = [file.line for file in shown]
        replaced = (
            () if known.local else merged_page(upstream=self.upstream.stored(name), ours=lines).replaced
        )
        versions = sorted({sheet.file.name.version for sheet in sheets}, key=Version, reverse=True)
        releases = [
            Release(version=version, wheels=tuple(s for s in sheets if s.file.name.version == version))
            for version in versions
        ]
        return releases, known.local, replaced

    def _sheet(self, filename: str) -> Sheet:
        with reading(self.site.engine) as connection:
            file: LocalFile | None = shelf.find(connection, filename)
            if file is None or file.state is State.QUARANTINED:
                raise NotFoundError(f"no such wheel: {filename}")
            return make_sheet(file, shelf.documents(connection, filename))

    def _statistics(self) -> Statistics:
        with reading(self.site.engine) as connection:
            return statistics(connection)


def page_templates(settings: Settings) -> Environment:
    """The templates; every value is escaped, a missing one is an error."""
    environment = Environment(
        loader=PackageLoader("manyloong.index"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["title"] = settings.title
    environment.filters["size"] = format_size
    environment.filters["day"] = lambda text: text[:10] or "unknown"
    return environment


def format_size(size_bytes: int) -> str:
    """``1.2 MB`` and the like, powers of 1000."""
    number = float(size_bytes)
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"


def _index_url(request: Request) -> str:
    """The address people put after --index-url, as this request reached us."""
    return f"{request.url.scheme}://{request.url.netloc}{request.scope.get('root_path', '')}/simple/"


def _known(parse: Callable[[str], T], text: str) -> T:
    try:
        return parse(text)
    except InputError as error:
        raise NotFoundError(error.message) from error
