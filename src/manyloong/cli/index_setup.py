"""Puts an index's parts together for the verbs: the environment is read here."""

import asyncio
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from manyloong.config.registries import python_index_ca, python_index_url
from manyloong.index.adding import (
    BACKUP_SUFFIX,
    add_wheel,
    parse_backup,
    restore_details,
    wheels_below,
)
from manyloong.index.export import Exported
from manyloong.index.export import export as write_export
from manyloong.index.judging import audited
from manyloong.index.model import utc_now
from manyloong.index.publish import Gatekeeper, Published
from manyloong.index.signatures import open_trust
from manyloong.index.site import Site
from manyloong.index.upstream import Ages, Upstream, open_client


def keeper(site: Site) -> Gatekeeper:
    """The project's auditor, the real clock, and the trust that index.toml names."""
    return Gatekeeper(auditor=audited, clock=utc_now, trust=open_trust(site.settings, site.root))


def upstream_of(site: Site) -> tuple[str, Path | None]:
    """Address and certificates of the upstream index: index.toml first, then pip's and uv's configuration."""
    environ = dict(os.environ)
    if site.settings.upstream:
        environ["MANYLOONG_INDEX_URL"] = site.settings.upstream
    return python_index_url(environ), python_index_ca(environ)


def add_all(site: Site, wheels: Iterable[Path]) -> Iterator[Published]:
    """Add wheels one after the other; the first that is refused ends it."""
    gate = keeper(site)
    with _upstream(site) as (upstream, loop):
        for path in wheels:
            yield loop.run(add_wheel(site, upstream, path, gate))


def import_all(site: Site, folder: Path) -> int:
    """Add every wheel below a folder, with what an export kept of it; the number that was new."""
    created, gate = 0, keeper(site)
    with _upstream(site) as (upstream, loop):
        for path in wheels_below(folder):
            beside = path.with_name(path.name + BACKUP_SUFFIX)
            backup = parse_backup(beside) if beside.is_file() else None
            sent = backup.attestations if backup else ""
            published = loop.run(add_wheel(site, upstream, path, gate, attestations=sent))
            if published.created and backup:
                restore_details(site, published.filename, backup, gate)
            created += published.created
    return created


def export_all(site: Site, destination: Path) -> Exported:
    """Write the static export."""
    with _upstream(site) as (upstream, loop):
        return loop.run(write_export(site, upstream, destination))


@contextmanager
def _upstream(site: Site) -> Iterator[tuple[Upstream, asyncio.Runner]]:
    url, certificates = upstream_of(site)
    ages = Ages(fresh_s=site.settings.fresh_s)
    with asyncio.Runner() as loop:
        upstream = Upstream(open_client(url, ca=certificates), site.engine, ages=ages)
        try:
            yield upstream, loop
        finally:
            loop.run(upstream.close())
