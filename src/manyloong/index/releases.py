"""Whether upstream has the release that an uploaded wheel is of: nobody can take a name by uploading."""

from anyio import to_thread

from manyloong.errors import FetchError
from manyloong.index.merge import has_version, is_quarantined, release_times, upstream_covers
from manyloong.index.model import Project, RefusedError, WheelName
from manyloong.index.upstream import Freshness, Known, Upstream
from manyloong.index.upstream_page import UpstreamPage


async def released_at(upstream: Upstream, noted: Project | None, name: WheelName) -> str:
    """When upstream released the version ("" where it does not say, or for a local project).

    Raises RefusedError: 400 where upstream has no such release or ships this wheel itself,
    503 when it cannot be asked.
    """
    if noted and noted.local:
        return ""
    try:
        known = await upstream.known(name.project)
        page = await _page(upstream, known, name.project)
        if known.freshness is not Freshness.FRESH or not has_version(page, name.version):
            known = await upstream.refreshed(name.project)
            page = await _page(upstream, known, name.project)
    except FetchError as error:
        raise RefusedError(
            f"cannot check {name.project} {name.version}: {error.message}", status=503, hint="try again later"
        ) from error
    return _checked(page, known, name)


async def _page(upstream: Upstream, known: Known, project: str) -> UpstreamPage:
    if not known.found:
        return UpstreamPage(document={"files": []}, found=False)
    return await to_thread.run_sync(upstream.page, project)


def _checked(page: UpstreamPage, known: Known, name: WheelName) -> str:
    if not known.found:
        raise RefusedError(
            f"upstream has no project {name.project!r}, and it is not declared local",
            hint=f"for a project of your own: manyloong index local {name.project} --root DIR",
        )
    if not has_version(page, name.version):
        raise RefusedError(
            f"upstream has no release {name.version} of {name.project}",
            hint="wheels are taken for releases that exist upstream",
        )
    if is_quarantined(page):
        raise RefusedError(f"upstream holds {name.project} in quarantine")
    if upstream_covers(page, name):
        raise RefusedError(f"upstream ships a wheel that serves all that {name.filename} would")
    times = release_times(page, name.version)
    return times[0][:32] if times else ""
