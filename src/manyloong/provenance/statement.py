"""The statement about a wheel: in-toto Statement v1 with the predicate SLSA provenance v1.

All of it is taken from the build record, so the same record gives the same bytes. Roots and tools are named
by the id that this project gives them, under a digest algorithm of its own; every file by SHA-256.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from manyloong.record import SUFFIX, BuildRecord, WheelRecord, format_record

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://slsa.dev/provenance/v1"
PAYLOAD = "application/vnd.in-toto+json"
WHEEL = "urn:manyloong:build:wheel:v1"
PART = "manyloongId"  # digest algorithm: SHA-256 of the canonical description of a root, tool or port
LOCAL = "urn:manyloong:builder:local"
FILE_SUFFIX = ".provenance.json"


def provenance_path(wheel: Path) -> Path:
    """Where the provenance of a wheel file is."""
    return wheel.with_name(wheel.name + FILE_SUFFIX)


def format_statement(statement: dict[str, Any]) -> bytes:
    """The statement as it is signed: JSON with sorted keys and nothing between them."""
    return json.dumps(statement, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def statement_of(
    subject: dict[str, Any], definition: dict[str, Any], details: dict[str, Any]
) -> dict[str, Any]:
    """A statement about one thing: how it was made, and by what."""
    return {
        "_type": STATEMENT,
        "subject": [subject],
        "predicateType": PREDICATE,
        "predicate": {"buildDefinition": definition, "runDetails": details},
    }


def wheel_statement(record: BuildRecord) -> dict[str, Any]:
    """The statement about the wheel of a record."""
    name = record.wheel.filename
    definition = {
        "buildType": WHEEL,
        "externalParameters": _asked(record),
        "internalParameters": {
            "host": record.host,
            "identifier": record.identifier,
            "requirements": list(record.requirements),
            "variables": record.variables,
            "commands": list(record.commands),
            "droppedFlags": list(record.dropped_flags),
            "translatedFlags": list(record.translated_flags),
            "lockDrift": list(record.lock_drift),
        },
        "resolvedDependencies": list(_dependencies(record)),
    }
    kept = {"name": name + SUFFIX, "digest": {"sha256": hashlib.sha256(format_record(record)).hexdigest()}}
    details = {
        "builder": {"id": record.builder or LOCAL, "version": {"manyloong": record.manyloong}},
        "metadata": {"invocationId": record.job},
        "byproducts": [kept],
    }
    return statement_of({"name": name, "digest": {"sha256": record.wheel.sha256}}, definition, details)


def _asked(record: BuildRecord) -> dict[str, Any]:
    options = record.options
    return {
        "source": record.source.location,
        "platform": record.platform,
        "lane": record.lane,
        "configSettings": {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in (options.config_settings if options else {}).items()
        },
        "environment": options.environment if options else {},
        "recipe": list(record.recipe.origins) if record.recipe else [],
    }


def _dependencies(record: BuildRecord) -> Iterator[dict[str, Any]]:
    """Every input by digest, sources first."""
    source = record.source
    yield {"name": source.location, "digest": {"sha256": source.sha256}, "annotations": {"role": "source"}}
    yield from _wheels(record.build_environment, "build requirement")
    yield from _wheels(record.target_copies, "target copy")
    for one in record.downloads:
        yield {"uri": one.url, "digest": {"sha256": one.sha256}, "annotations": {"role": "download"}}
    for crate in record.crates:
        name = f"{crate.name}-{crate.version}.crate"
        yield {"name": name, "digest": {"sha256": crate.sha256}, "annotations": {"role": "crate"}}
    if record.recipe:
        for patch in record.recipe.patches:
            yield {
                "name": patch.name,
                "digest": {"sha256": patch.sha256},
                "annotations": {"role": "patch"},
            }
    for name, identity in sorted(record.kit.items()):
        yield {"name": name, "digest": {PART: identity}, "annotations": {"role": "root or tool"}}


def _wheels(wheels: Sequence[WheelRecord], role: str) -> Iterator[dict[str, Any]]:
    for wheel in wheels:
        yield {"name": wheel.filename, "digest": {"sha256": wheel.sha256}, "annotations": {"role": role}}
