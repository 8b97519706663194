"""Rounds of a build that downloads: what it asks for in vain is had, and the build begins again.

Most builds need one round. A build whose sources speak of downloads runs behind a gate that answers what was
had before; what it asks for beyond that is noted. The addresses of a release are remembered, so that its next
build has all of them from the start.
"""

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from manyloong.errors import BuildError, ManyloongError
from manyloong.events import Noted
from manyloong.wheels.backend import NETWORK_SIGNS, Workplace
from manyloong.wheels.declared import Declaration, declarations, find_declaration, parse_digest
from manyloong.wheels.doors import Doors
from manyloong.wheels.downloads import Download, Had, SourceNeededError, ensure_download
from manyloong.wheels.gate import asked
from manyloong.wheels.gateway import ORIGIN as INDEX
from manyloong.wheels.job import Job

_KIND = "downloads"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """What a round is served, and the addresses that were looked for so far."""

    had: tuple[Had, ...] = ()
    tried: frozenset[str] = frozenset()
    gated: bool = False  # although nothing in the sources spoke of downloads


def first_stock(job: Job, doors: Doors) -> Stock:
    """What earlier builds of the same sources asked for."""
    known = doors.store.get_json(_KIND, job.source.sha256) or {"asked": []}
    had: list[Had] = []
    for entry in known["asked"]:
        declaration = _remembered(entry["url"], entry["declared"])
        try:
            one = ensure_download(
                entry["url"], declaration, job.options.sources, label=job.source.label, doors=doors
            )
        except SourceNeededError:
            continue  # it will be asked for again, if it is still needed
        had.append(one)
    return Stock(had=tuple(had), tried=frozenset(one.download.url for one in had), gated=bool(had))


def _remembered(url: str, declared: str) -> Declaration | None:
    digest = parse_digest(declared.rpartition(":")[2])
    return Declaration(url=re.compile(re.escape(url)), literal=len(url), digest=digest) if digest else None


def remember(job: Job, served: Sequence[Download], doors: Doors) -> None:
    """Keep the addresses of a build that succeeded."""
    fixed = [one for one in served if one.origin != INDEX]
    entries = [{"url": one.url, "declared": one.declared} for one in fixed]
    if entries:
        doors.store.put_json(_KIND, job.source.sha256, {"asked": entries})


def next_stock(job: Job, stock: Stock, workplace: Workplace, error: BuildError, *, doors: Doors) -> Stock:
    """What the next round is served; the round's own error, or SourceNeededError, where no round helps."""
    refused = [url for url, served in asked(workplace) if not served and url not in stock.tried]
    if not refused:
        if stock.gated or not _wanted_network(workplace.log):
            raise error
        return replace(stock, gated=True)
    had: list[Had] = []
    missing: list[SourceNeededError] = []
    for url in refused:
        declaration = find_declaration(url, workplace.source)
        try:
            one = ensure_download(url, declaration, job.options.sources, label=job.source.label, doors=doors)
        except SourceNeededError as needed:
            missing.append(needed)
        else:
            had.append(one)
    if not had:
        first = missing[0]
        hooked = "; or let the project's hooks reach the network: --network-hooks"
        hint = f"{first.hint}{hooked}" if job.options.hooks.runs else first.hint
        raise SourceNeededError(f"{first.message}\n{error.message}", hint=hint) from error
    doors.listener(Noted(text=f"{job.source.label} {_had_text(had)}; the build begins again"))
    others = _declared_besides(job, workplace.source, stock.tried | frozenset(refused), doors)
    tried = stock.tried | frozenset(refused) | frozenset(one.download.url for one in others)
    return Stock(had=(*stock.had, *had, *others), tried=tried, gated=True)


def _declared_besides(job: Job, sources: Path, tried: frozenset[str], doors: Doors) -> list[Had]:
    """What the sources declare by a certain address and can be had: saves a round for each of them."""
    found: dict[str, Had] = {}
    for one in declarations(sources):
        if one.address.startswith("http") and one.address not in tried | found.keys():
            with suppress(ManyloongError):
                found[one.address] = ensure_download(
                    one.address, one, job.options.sources, label=job.source.label, doors=doors
                )
    return list(found.values())


def _had_text(had: Sequence[Had]) -> str:
    addresses = ", ".join(one.download.url for one in had)
    return f"downloads {addresses}, had by hash"


def _wanted_network(log: Path) -> bool:
    text = log.read_text("utf-8", "replace") if log.is_file() else ""
    return any(sign in text for sign in NETWORK_SIGNS)
