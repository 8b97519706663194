"""Whether upstream has the release that an uploaded wheel is of: nobody can take a name by uploading."""

from anyio import to_thread

from manyloong.errors import FetchError
from manyloong.index.merge import is_covered, release_times
from manyloong.index.model import Project, RefusedError, WheelName
from manyloong.index.stored_page import UpstreamReleases
from manyloong.index.upstream import Freshness, Known, Upstream


async def released_at(upstream: Upstream, noted: Project | None, name: WheelName) -> str:
    """When upstream released the version ("" where it does not say, or for a local project).

    Raises RefusedError: 400 where upstream has no such release or ships this wheel itself,
    503 when it cannot be asked.
    """
    if noted and noted.local:
        return ""
    try:
        known = await upstream.known(name.project)
        releases = await to_thread.run_sync(_releases, upstream, name.project)
        if known.freshness is not Freshness.FRESH or not known.found or not releases.has(name.version):
            known = await upstream.refreshed(name.project)
            releases = await to_thread.run_sync(_releases, upstream, name.project)
    except FetchError as error:
        raise RefusedError(
            f"cannot check {name.project} {name.version}: {error.message}", status=503, hint="try again later"
        ) from error
    _check(releases, known, name)
    times = release_times(await to_thread.run_sync(upstream.page, name.project), name.version)
    return times[0][:32] if times else ""


def _releases(upstream: Upstream, project: str) -> UpstreamReleases:
    return upstream.stored(project).releases


def _check(releases: UpstreamReleases, known: Known, name: WheelName) -> None:
    if not known.found:
        raise RefusedError(
            f"upstream has no project {name.project!r}, and it is not declared local",
            hint=f"for a project of your own: manyloong index local {name.project} --root DIR",
        )
    if not releases.has(name.version):
        raise RefusedError(
            f"upstream has no release {name.version} of {name.project}",
            hint="wheels are taken for releases that exist upstream",
        )
    if releases.quarantined:
        raise RefusedError(f"upstream holds {name.project} in quarantine")
    if is_covered(name, releases):
        raise RefusedError(f"upstream ships a wheel that serves all that {name.filename} would")
