"""Build identifiers split over the jobs of a CI service."""

from collections.abc import Sequence
from dataclasses import dataclass

from manyloong.errors import InputError
from manyloong.wheels.identifier import Identifier


@dataclass(frozen=True, slots=True, kw_only=True)
class CiJob:
    """One job: its words for ``manyloong build`` (``--python`` and ``--platform``)."""

    name: str
    python: str
    platform: str
    identifiers: tuple[str, ...]


def split_identifiers(identifiers: Sequence[Identifier], *, jobs: int | None) -> tuple[CiJob, ...]:
    """A job for each identifier, or at most ``jobs`` of them, as equal as they can be.

    A job has one platform, so there is at least one for each. InputError where ``jobs`` are too few.
    """
    platforms = list(dict.fromkeys(one.target.tag for one in identifiers))
    if jobs is not None and jobs < len(platforms):
        raise InputError(
            f"--jobs {jobs}: {len(platforms)} platforms need a job each", hint=f"--jobs {len(platforms)}"
        )
    found: list[CiJob] = []
    for number, platform in enumerate(platforms):
        own = [one for one in identifiers if one.target.tag == platform]
        shares = len(own)
        if jobs is not None:
            shares = min(len(own), jobs // len(platforms) + (number < jobs % len(platforms)))
        found += [_job(own[start::shares], platform) for start in range(shares)]
    return tuple(found)


def _job(identifiers: Sequence[Identifier], platform: str) -> CiJob:
    names = tuple(str(one) for one in identifiers)
    pythons = ",".join(one.python.tag for one in identifiers)
    return CiJob(name=" ".join(names), python=pythons, platform=platform, identifiers=names)
